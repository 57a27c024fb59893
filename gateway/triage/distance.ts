import type { Point } from '../city/city.ts'

const radians = Math.PI / 180
const meanRadiusM = 6_371_008.8

/** Metres between two points in degrees, on a sphere: good to 0.6 %, anywhere. */
export function distanceM(a: Point, b: Point): number {
  return metresBetween(a.latitude, a.longitude, b.latitude, b.longitude)
}

export function metresBetween(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  const y = Math.sin(((latitude2 - latitude1) * radians) / 2)
  const x = Math.sin(((longitude2 - longitude1) * radians) / 2)
  const h = y * y + Math.cos(latitude1 * radians) * Math.cos(latitude2 * radians) * x * x
  return 2 * meanRadiusM * Math.asin(Math.min(1, Math.sqrt(h)))
}
