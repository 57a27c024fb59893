import type { GLLPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** GLL: geographic position. Time and status came with NMEA 2.0, the mode with 2.3. */
export interface Gll {
  readonly formatter: 'GLL'
  readonly talker: string
  readonly timeOfDayMs: number | null
  readonly active: boolean | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly mode: string | null
}

const read = libraryReader<GLLPacket>('GLL')

export function parseGll(talker: string, given: string[]): Gll {
  const fields = field.complete('GLL', given, 5, 8)
  field.withPoint(fields, 1, 3)
  const time = fields[5]
  // As in GGA: today's date would be made up.
  fields[5] = ''
  const packet = read(fields)
  const active = field.status('GLL status', fields[6])
  return {
    formatter: 'GLL',
    talker,
    timeOfDayMs: field.timeOfDay('GLL time', time),
    active,
    latitude: active === false ? null : field.latitude('GLL', fields[1], fields[2], packet.latitude),
    longitude: active === false ? null : field.longitude('GLL', fields[3], fields[4], packet.longitude),
    mode: field.letter('GLL mode', fields[7], 'ACDEFMNPRS'),
  }
}

export function gllFields(gll: Gll): string {
  return [
    field.writeAngle(gll.latitude, 2),
    field.writeAngle(gll.longitude, 3),
    field.writeTime(gll.timeOfDayMs),
    gll.active === null ? '' : gll.active ? 'A' : 'V',
    ...(gll.mode === null ? [] : [gll.mode]),
  ].join(',')
}
