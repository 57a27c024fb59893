import type { VTGPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** VTG: course and speed over ground. It carries no time and belongs to the epoch it comes in. */
export interface Vtg {
  readonly formatter: 'VTG'
  readonly talker: string
  readonly courseDeg: number | null
  readonly magneticCourseDeg: number | null
  readonly speedKnots: number | null
  readonly speedKmh: number | null
  readonly mode: string | null
}

const read = libraryReader<VTGPacket>('VTG')

export function parseVtg(talker: string, given: string[]): Vtg {
  const fields = field.complete('VTG', lettered(given), 9, 10)
  for (const [index, unit] of [
    [2, 'T'],
    [4, 'M'],
    [6, 'N'],
    [8, 'K'],
  ] as const) {
    field.letter('VTG unit', fields[index], unit)
  }
  const packet = read(fields)
  return {
    formatter: 'VTG',
    talker,
    courseDeg: field.course('VTG course', fields[1], packet.trackTrue),
    magneticCourseDeg: field.course('VTG magnetic course', fields[3], packet.trackMagnetic),
    speedKnots: field.positive('VTG speed in knots', fields[5], packet.speedKnots),
    speedKmh: field.positive('VTG speed in km/h', fields[7], packet.speedKmph),
    mode: field.letter('VTG mode', fields[9], 'ACDEFMNPRS'),
  }
}

/** Before NMEA 2.0 the four values stood without letters for their units. */
function lettered(fields: string[]): string[] {
  if (fields.length !== 5) return fields
  const [id = '', track = '', magnetic = '', knots = '', kmh = ''] = fields
  return [id, track, 'T', magnetic, 'M', knots, 'N', kmh, 'K']
}

export function vtgFields(vtg: Vtg): string {
  return [
    `${field.writeDecimal(vtg.courseDeg, 1)},T`,
    `${field.writeDecimal(vtg.magneticCourseDeg, 1)},M`,
    `${field.writeDecimal(vtg.speedKnots, 2)},N`,
    `${field.writeDecimal(vtg.speedKmh, 2)},K`,
    ...(vtg.mode === null ? [] : [vtg.mode]),
  ].join(',')
}
