import { metresPerDegree } from './metric.ts'
import { type Position, type Ring, sides, turn } from './shape.ts'

/** The rectangle China lies in; what is outside it is a mistake, most often longitude and latitude exchanged. */
export const chinaBox = { minLongitude: 72.004, maxLongitude: 137.8347, minLatitude: 0.8293, maxLatitude: 55.8271 }

export function inChina(longitude: number, latitude: number): boolean {
  return (
    longitude >= chinaBox.minLongitude &&
    longitude <= chinaBox.maxLongitude &&
    latitude >= chinaBox.minLatitude &&
    latitude <= chinaBox.maxLatitude
  )
}

/** What is wrong with a coordinate, or `null`. */
export function coordinateFault(longitude: number, latitude: number): string | null {
  if (inChina(longitude, latitude)) return null
  const hint = inChina(latitude, longitude) ? '; longitude and latitude are exchanged' : ''
  return `the coordinate ${longitude}, ${latitude} is outside China${hint}`
}

/** What is wrong with a ring (RFC 7946, 3.1.6), or `null`. The winding is not judged: readers must take both. */
export function ringFault(ring: Ring): string | null {
  const first = ring[0]
  const last = ring.at(-1)
  if (first === undefined || last === undefined || ring.length < 4) return 'the ring has fewer than four positions'
  if (first[0] !== last[0] || first[1] !== last[1]) return 'the ring is not closed: its last position is not its first'
  const metre = metresPerDegree(first[1])
  const areaM2 = Math.abs(turn(ring) / 2) * metre.x * metre.y
  const crossing = selfCrossing(ring)
  if (crossing !== null) return `the ring crosses itself near ${crossing[0]}, ${crossing[1]}`
  return areaM2 < 1 ? 'the ring has no area' : null
}

function selfCrossing(ring: Ring): Position | null {
  const edges = sides(ring)
  for (const [i, [a, b]] of edges.entries()) {
    for (const [c, d] of edges.slice(i + 1)) if (cross(a, b, c, d)) return c
  }
  return null
}

/** Whether two segments cross at a point inside both; sharing an end is no crossing. */
function cross(a: Position, b: Position, c: Position, d: Position): boolean {
  if (Math.max(a[0], b[0]) < Math.min(c[0], d[0]) || Math.max(c[0], d[0]) < Math.min(a[0], b[0])) return false
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
}

/** -1, 0 or 1. A sign, because the product of two areas in square degrees would sink to zero. */
function side(a: Position, b: Position, p: Position): number {
  return Math.sign((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]))
}

/** What is wrong with the positions of a line; `null` when nothing is. */
export function lineFault(line: readonly Position[]): string | null {
  return line.map(([x, y]) => coordinateFault(x, y)).find((fault) => fault !== null) ?? null
}
