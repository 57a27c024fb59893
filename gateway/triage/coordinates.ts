import type { Point } from '../city/city.ts'
import type { CoordinateSystem } from '../report.ts'

/**
 * WGS-84, GCJ-02 and BD-09. CGCS2000 is taken as WGS-84: they differ by less than any fix of a handheld. The shift of
 * GCJ-02 is an undocumented function of the place, known by its published reverse engineering only; Baidu shifts again.
 */

/**
 * A point that has been converted. It carries the system it came from, so that converting it again is refused rather
 * than putting it half a kilometre away without anybody noticing.
 */
export interface Wgs84Point extends Point {
  readonly convertedFrom: CoordinateSystem
}

/** Converts once. Something `Wgs84Point` that claims another system is refused. */
export function toWgs84(point: Point, from: CoordinateSystem): Wgs84Point | 'double-conversion' {
  const { latitude, longitude } = point
  if (from === 'wgs84' || from === 'cgcs2000') return { latitude, longitude, convertedFrom: from }
  if (wasConverted(point)) return 'double-conversion'
  const inverse = from === 'gcj02' ? wgs84OfGcj02 : wgs84OfBd09
  return { ...inverse(latitude, longitude), convertedFrom: from }
}

export function wasConverted(point: object): point is Wgs84Point {
  return 'convertedFrom' in point
}

export function gcj02OfWgs84(latitude: number, longitude: number): Point {
  if (!inChina(latitude, longitude)) return { latitude, longitude }
  const shift = shiftAt(latitude, longitude)
  return { latitude: latitude + shift.latitude, longitude: longitude + shift.longitude }
}

/** Inverse by three iterations: one alone is off by up to 5 m, three by less than a millimetre. */
export function wgs84OfGcj02(latitude: number, longitude: number): Point {
  if (!inChina(latitude, longitude)) return { latitude, longitude }
  let y = latitude
  let x = longitude
  for (let i = 0; i < 3; i++) {
    const shift = shiftAt(y, x)
    y = latitude - shift.latitude
    x = longitude - shift.longitude
  }
  return { latitude: y, longitude: x }
}

export function bd09OfGcj02(latitude: number, longitude: number): Point {
  if (!inChina(latitude, longitude)) return { latitude, longitude }
  return baiduShift(latitude, longitude)
}

export function gcj02OfBd09(latitude: number, longitude: number): Point {
  if (!inChina(latitude, longitude)) return { latitude, longitude }
  let y = latitude - 0.006
  let x = longitude - 0.0065
  for (let i = 0; i < 3; i++) {
    const there = baiduShift(y, x)
    y += latitude - there.latitude
    x += longitude - there.longitude
  }
  return { latitude: y, longitude: x }
}

export function wgs84OfBd09(latitude: number, longitude: number): Point {
  const gcj02 = gcj02OfBd09(latitude, longitude)
  return wgs84OfGcj02(gcj02.latitude, gcj02.longitude)
}

/** The box that map services shift in. Outside it nothing is ever converted. */
export function inChina(latitude: number, longitude: number): boolean {
  return longitude >= 72.004 && longitude <= 137.8347 && latitude >= 0.8293 && latitude <= 55.8271
}

const { PI, sin, cos, sqrt, abs, atan2, hypot } = Math
// Krasovsky's ellipsoid, as the published formula has it; WGS-84's own would be a centimetre off.
const semiMajorM = 6_378_245
const eccentricitySquared = 0.006_693_421_622_965_943

/** Degrees that GCJ-02 adds at a WGS-84 point. */
function shiftAt(latitude: number, longitude: number): Point {
  const x = longitude - 105
  const y = latitude - 35
  const ripple = 20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)
  const root = 0.1 * sqrt(abs(x))
  const north =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 2 * root + (2 / 3) * (ripple + waves(y, [20, 40, 160, 320]))
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + root + (2 / 3) * (ripple + waves(x, [20, 40, 150, 300]))
  const phi = (latitude * PI) / 180
  const w = sqrt(1 - eccentricitySquared * sin(phi) ** 2)
  const meridianM = (semiMajorM * (1 - eccentricitySquared)) / w ** 3
  const parallelM = (semiMajorM / w) * cos(phi)
  return { latitude: (north * 180) / (meridianM * PI), longitude: (east * 180) / (parallelM * PI) }
}

function waves(v: number, [a, b, c, d]: readonly [number, number, number, number]): number {
  return a * sin(PI * v) + b * sin((PI * v) / 3) + c * sin((PI * v) / 12) + d * sin((PI * v) / 30)
}

function baiduShift(latitude: number, longitude: number): Point {
  const step = (3000 * PI) / 180
  const radius = hypot(longitude, latitude) + 0.000_02 * sin(latitude * step)
  const angle = atan2(latitude, longitude) + 0.000_003 * cos(longitude * step)
  return { latitude: radius * sin(angle) + 0.006, longitude: radius * cos(angle) + 0.0065 }
}
