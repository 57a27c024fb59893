import type { CoordinateSystem, SatelliteFix } from '../report.ts'
import { flag, type JsonObject, number, optionalOneOf, time } from './json-fields.ts'

const systems: Readonly<Record<string, CoordinateSystem>> = {
  wgs84: 'wgs84',
  gcj02: 'gcj02',
  bd09: 'bd09',
  cgcs2000: 'cgcs2000',
}

/** `lat`, `lon` in degrees of `system`, and what else a receiver says of a fix; every field may be absent. */
export function satelliteFix(fields: JsonObject): SatelliteFix {
  return {
    system: optionalOneOf(fields, 'system', systems),
    latitude: number(fields, 'lat'),
    longitude: number(fields, 'lon'),
    valid: flag(fields, 'valid'),
    fixedAt: time(fields, 'fixTime'),
    accuracyM: number(fields, 'accuracyM'),
    altitudeM: number(fields, 'altitudeM'),
    speedKmh: number(fields, 'speedKmh'),
    headingDeg: number(fields, 'headingDeg'),
    satellites: number(fields, 'satellites'),
    hdop: number(fields, 'hdop'),
  }
}
