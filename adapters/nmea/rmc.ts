import type { RMCPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** RMC: recommended minimum navigation information. */
export interface Rmc {
  readonly formatter: 'RMC'
  readonly talker: string
  readonly timeOfDayMs: number | null
  /** Status A; V is a warning, whatever digits follow. */
  readonly active: boolean | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly speedKnots: number | null
  readonly courseDeg: number | null
  /** ISO date, UTC */
  readonly date: string | null
  /** East is positive. Kept apart: the course is already true. */
  readonly magneticVariationDeg: number | null
  /** Positioning mode (NMEA 2.3): A autonomous, D differential, E estimated, F and R RTK, M manual, N none, P precise, S simulator. */
  readonly mode: string | null
  /** Navigational status (NMEA 4.1). V says only that the equipment makes no such statement, not that there is no fix. */
  readonly navigationStatus: string | null
}

const read = libraryReader<RMCPacket>('RMC')

export function parseRmc(talker: string, given: string[]): Rmc {
  const [pole, mode] = directionAndMode(given)
  const fields = field.complete('RMC', given, 10, 14)
  field.withPoint(fields, 3, 5)
  const packet = read(fields)
  const active = field.status('RMC status', fields[2])
  const variationDeg = field.decimal('RMC variation', fields[10], packet.variation)
  return {
    formatter: 'RMC',
    talker,
    timeOfDayMs: field.timeOfDay('RMC time', fields[1]),
    active,
    latitude: active === false ? null : field.latitude('RMC', fields[3], fields[4], packet.latitude),
    longitude: active === false ? null : field.longitude('RMC', fields[5], fields[6], packet.longitude),
    speedKnots: field.positive('RMC speed', fields[7], packet.speedKnots),
    courseDeg: field.course('RMC course', fields[8], packet.trackTrue),
    date: field.shortDate('RMC date', fields[9]),
    magneticVariationDeg:
      variationDeg !== null && field.letter('RMC variation direction', pole, 'EW') === 'W'
        ? -variationDeg
        : variationDeg,
    mode: field.letter('RMC mode', mode, 'ACDEFMNPRS'),
    navigationStatus: field.letter('RMC navigational status', fields[13], 'SCUV'),
  }
}

/** Some Motorola receivers leave the direction of the variation out, and the mode stands in its place. */
function directionAndMode(fields: readonly string[]): [string, string] {
  const pole = fields[11] ?? ''
  const mode = fields[12] ?? ''
  return fields.length === 12 && pole !== 'E' && pole !== 'W' ? ['', pole] : [pole, mode]
}

export function rmcFields(rmc: Rmc): string {
  const { magneticVariationDeg: variation } = rmc
  return [
    field.writeTime(rmc.timeOfDayMs),
    rmc.active === null ? '' : rmc.active ? 'A' : 'V',
    field.writeAngle(rmc.latitude, 2),
    field.writeAngle(rmc.longitude, 3),
    field.writeDecimal(rmc.speedKnots, 2),
    field.writeDecimal(rmc.courseDeg, 1),
    field.writeShortDate(rmc.date),
    variation === null ? ',' : `${Math.abs(variation).toFixed(1)},${variation < 0 ? 'W' : 'E'}`,
    ...(rmc.mode === null && rmc.navigationStatus === null ? [] : [rmc.mode ?? '']),
    ...(rmc.navigationStatus === null ? [] : [rmc.navigationStatus]),
  ].join(',')
}
