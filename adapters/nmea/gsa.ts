import type { GSAPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** GSA: satellites in use and dilution of precision. Receivers of several systems send one for each. */
export interface Gsa {
  readonly formatter: 'GSA'
  readonly talker: string
  readonly selection: 'automatic' | 'manual' | null
  readonly fix: 'none' | '2d' | '3d' | null
  readonly satellites: readonly number[]
  readonly pdop: number | null
  readonly hdop: number | null
  readonly vdop: number | null
  /** GNSS system id (NMEA 4.1): 1 GPS, 2 GLONASS, 3 Galileo, 4 BeiDou; hexadecimal. */
  readonly system: string | null
}

const read = libraryReader<GSAPacket>('GSA')
const fixes = { '1': 'none', '2': '2d', '3': '3d' } as const

export function parseGsa(talker: string, given: string[]): Gsa {
  const fields = field.complete('GSA', given, 3, 19)
  for (let index = 3; index < 15; index++) field.positive('GSA satellite', fields[index], Number(fields[index]))
  const packet = read(fields)
  const selection = field.letter('GSA selection', fields[1], 'AM')
  const fix = field.letter('GSA fix', fields[2], '123')
  return {
    formatter: 'GSA',
    talker,
    selection: selection === null ? null : selection === 'A' ? 'automatic' : 'manual',
    fix: fix === null ? null : fixes[fix as keyof typeof fixes],
    satellites: packet.satellites,
    pdop: field.positive('GSA PDOP', fields[15], packet.PDOP),
    hdop: field.positive('GSA HDOP', fields[16], packet.HDOP),
    vdop: field.positive('GSA VDOP', fields[17], packet.VDOP),
    // Some BeiDou receivers write a time dilution here.
    system: /^[0-9A-F]$/.test(fields[18] ?? '') ? (fields[18] ?? null) : null,
  }
}

export function gsaFields(gsa: Gsa): string {
  const satellites = Array.from({ length: 12 }, (_, index) => {
    const number = gsa.satellites[index]
    return number === undefined ? '' : field.two(number)
  })
  return [
    gsa.selection === null ? '' : gsa.selection === 'automatic' ? 'A' : 'M',
    gsa.fix === null ? '' : gsa.fix === 'none' ? '1' : gsa.fix === '2d' ? '2' : '3',
    ...satellites,
    field.writeDecimal(gsa.pdop, 2),
    field.writeDecimal(gsa.hdop, 2),
    field.writeDecimal(gsa.vdop, 2),
    ...(gsa.system === null ? [] : [gsa.system]),
  ].join(',')
}
