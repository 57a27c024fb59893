import type { GGAPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** GGA: fix data of a satellite receiver. */
export interface Gga {
  readonly formatter: 'GGA'
  readonly talker: string
  readonly timeOfDayMs: number | null
  readonly latitude: number | null
  readonly longitude: number | null
  /** 0 no fix, 1 standalone, 2 differential, 3 precise, 4 RTK, 5 RTK float, 6 estimated, 7 manual, 8 simulator, 9 SBAS (some makers). */
  readonly quality: number | null
  readonly satellites: number | null
  readonly hdop: number | null
  /** above mean sea level */
  readonly altitudeM: number | null
  readonly geoidSeparationM: number | null
  readonly differentialAgeS: number | null
  readonly differentialStation: string | null
}

const read = libraryReader<GGAPacket>('GGA')

export function parseGga(talker: string, given: string[]): Gga {
  const fields = field.complete('GGA', given, 10, 15)
  field.withPoint(fields, 2, 4)
  const time = fields[1]
  // Without a date the library would put today's into a time that nobody reads.
  fields[1] = ''
  const packet = read(fields)
  const fix = field.letter('GGA quality', fields[6], '0123456789')
  return {
    formatter: 'GGA',
    talker,
    timeOfDayMs: field.timeOfDay('GGA time', time),
    latitude: fix === '0' ? null : field.latitude('GGA', fields[2], fields[3], packet.latitude),
    longitude: fix === '0' ? null : field.longitude('GGA', fields[4], fields[5], packet.longitude),
    quality: fix === null ? null : Number(fix),
    satellites: field.positive('GGA satellites', fields[7], packet.satellitesInView),
    hdop: field.positive('GGA HDOP', fields[8], packet.horizontalDilution),
    altitudeM: field.decimal('GGA altitude', fields[9], packet.altitudeMeters),
    geoidSeparationM: field.decimal('GGA geoid separation', fields[11], packet.geoidalSeperation),
    differentialAgeS: field.decimal('GGA age', fields[13], packet.differentialAge),
    differentialStation: fields[14] || null,
  }
}

export function ggaFields(gga: Gga): string {
  return [
    field.writeTime(gga.timeOfDayMs),
    field.writeAngle(gga.latitude, 2),
    field.writeAngle(gga.longitude, 3),
    field.writeDecimal(gga.quality, 0),
    gga.satellites === null ? '' : field.two(gga.satellites),
    field.writeDecimal(gga.hdop, 2),
    gga.altitudeM === null ? ',' : `${gga.altitudeM.toFixed(1)},M`,
    gga.geoidSeparationM === null ? ',' : `${gga.geoidSeparationM.toFixed(1)},M`,
    field.writeDecimal(gga.differentialAgeS, 1),
    gga.differentialStation ?? '',
  ].join(',')
}
