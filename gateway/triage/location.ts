import type { Location } from '../case-intent.ts'
import type { City, Point } from '../city/city.ts'
import type { TriageLimits } from './limits.ts'
import type { Sighting } from './sighting.ts'

/**
 * The place of an intent, with both opinions and the ambiguity named. A circle wider than a unit grid names none and no
 * community; the grids it touches are then all alternatives.
 */
export function locationOf(
  { place, fix, system, gps, cell }: Sighting,
  city: City,
  limits: TriageLimits,
): Location | null {
  if (place === null) return null
  const { latitude, longitude, accuracyM, foundBy } = place
  return {
    latitude,
    longitude,
    system: 'wgs84',
    accuracyM,
    foundBy,
    staleS: gps?.staleS ?? null,
    original:
      fix === null || fix.latitude === null || fix.longitude === null
        ? null
        : { system, latitude: fix.latitude, longitude: fix.longitude },
    gps: gps === null ? null : { latitude: gps.latitude, longitude: gps.longitude, accuracyM: gps.accuracyM },
    cell,
    ...namesOf(place, accuracyM, city, limits),
  }
}

/** What the city calls a circle, and no more of it than the circle's size allows. */
export function namesOf(
  point: Point,
  radiusM: number | null,
  city: City,
  limits: TriageLimits,
): Pick<Location, 'grid' | 'gridAlternatives' | 'community' | 'street' | 'district'> {
  const found = city.locate(point, radiusM)
  const vague = radiusM !== null && radiusM > limits.gridClaimM
  const touched = found?.alternatives ?? []
  return {
    grid: found === null || vague ? null : found.grid,
    gridAlternatives: found !== null && vague ? [found.grid, ...touched] : touched,
    community: found === null || vague ? null : found.community,
    street: found?.street ?? null,
    district: found?.district ?? null,
  }
}
