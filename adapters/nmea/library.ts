import { DefaultPacketFactory, type Packet } from 'nmea-simple'

/**
 * nmea-simple's reader of one kind of sentence, without its splitting and its checksum, which the framer has done. Its
 * values stand only behind the checks of `fields.ts`: it returns 0 for an empty field, takes today's date, lets
 * hour 99 and 31 February pass, and throws TypeError where fields are missing.
 */
export function libraryReader<P extends Packet>(formatter: P['sentenceId']): (fields: string[]) => P {
  const stub = { sentenceId: formatter }
  const read = DefaultPacketFactory.getParser(stub)
  return (fields) => read(stub, fields) as P
}
