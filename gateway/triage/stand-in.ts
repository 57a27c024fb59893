import type { Location } from '../case-intent.ts'
import type { City, Component } from '../city/city.ts'
import type { TriageLimits } from './limits.ts'
import { namesOf } from './location.ts'
import type { SubjectMemory } from './memory.ts'

/** Half the diagonal of a unit grid of 100 m × 100 m: the census names the grid, not the spot. */
const gridRadiusM = 71

/** On foot somebody is not far from where they were so short a time ago. */
const lastFixHoldsMs = 15 * 60_000
const walkingMPerS = 1.5

/**
 * A place for a form that brought none: the component's own, which the census knows, or where its sender was last seen,
 * with a circle that grows with the time since. An SOS without a place is worth that much.
 */
export function standInLocation(
  component: Component | null,
  memory: SubjectMemory | null,
  atMs: number,
  city: City,
  limits: TriageLimits,
): Location | null {
  const centre = component === null ? null : city.gridCentre(component.grid)
  // The middle of a grid that is known is in that grid, however wide the circle.
  if (centre !== null)
    return { ...bare, ...centre, accuracyM: gridRadiusM, foundBy: 'component', ...namesOf(centre, null, city, limits) }
  const last = memory?.last ?? null
  if (last === null) return null
  const [seenMs, latitude, longitude, accuracyM] = last
  const ageMs = atMs - seenMs
  if (ageMs < 0 || ageMs > lastFixHoldsMs) return null
  const staleS = Math.round(ageMs / 1000)
  const widerM = Math.round((accuracyM ?? 20) + staleS * walkingMPerS)
  const names = namesOf({ latitude, longitude }, widerM, city, limits)
  return { ...bare, latitude, longitude, accuracyM: widerM, foundBy: 'last-fix', staleS, ...names }
}

const bare = { system: 'wgs84', staleS: null, original: null, gps: null, cell: null } as const
