import type { CellPlace } from './cells.ts'
import { distanceM } from './distance.ts'
import type { TriageLimits } from './limits.ts'

/** A satellite fix that passed its filters, in WGS-84. */
export interface GpsPlace {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyM: number | null
  /** How much older than the report it is, when that is too much. */
  readonly staleS: number | null
  readonly speedKmh: number | null
}

/** The better of both opinions. */
export interface FusedPlace {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyM: number | null
  readonly foundBy: 'gps' | 'cell' | 'fused'
}

/** What a fix that does not say may be off by. */
const usualAccuracyM = 30
/** Somebody on foot; a stale fix may be off by as far as one gets since. */
const walkingKmh = 5

/**
 * The smaller circle wins, a stale fix's circle having grown with its age. Where the circles do not touch, one of them
 * is wrong and the winner's is widened until it touches the other's.
 */
export function fuse(gps: GpsPlace | null, cell: CellPlace | null, limits: TriageLimits): FusedPlace | null {
  if (gps === null) return cell === null ? null : byCell(cell, cell.radiusM)
  const { latitude, longitude } = gps
  const gpsM = grownM(gps)
  if (cell === null) return { latitude, longitude, accuracyM: gpsM, foundBy: 'gps' }

  const uncertainM = gpsM ?? usualAccuracyM
  const apartM = distanceM(gps, cell)
  const touching = apartM <= cell.radiusM + uncertainM
  const cellWins = cell.radiusM < uncertainM || (gps.staleS !== null && !touching)
  if (cellWins)
    return byCell(cell, gps.staleS !== null ? cell.radiusM : widened(cell.radiusM, apartM - uncertainM, limits))
  if (touching) return { latitude, longitude, accuracyM: gpsM, foundBy: gps.staleS === null ? 'fused' : 'gps' }
  return { latitude, longitude, accuracyM: widened(uncertainM, apartM - cell.radiusM, limits), foundBy: 'gps' }
}

function byCell({ latitude, longitude }: CellPlace, accuracyM: number): FusedPlace {
  return { latitude, longitude, accuracyM, foundBy: 'cell' }
}

function grownM({ accuracyM, staleS, speedKmh }: GpsPlace): number | null {
  if (staleS === null) return accuracyM
  return Math.round((accuracyM ?? usualAccuracyM) + (staleS * Math.max(walkingKmh, speedKmh ?? 0)) / 3.6)
}

function widened(ownM: number, toTouchM: number, { widestM }: TriageLimits): number {
  return Math.round(Math.max(ownM, Math.min(widestM, toTouchM)))
}
