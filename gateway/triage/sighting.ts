import type { City } from '../city/city.ts'
import type { CoordinateSystem, SatelliteFix, Whereabouts } from '../report.ts'
import { type CellPlace, placeOfCells } from './cells.ts'
import { toWgs84 } from './coordinates.ts'
import { type Fault, fixFault } from './filters.ts'
import { type FusedPlace, fuse, type GpsPlace } from './fusion.ts'
import type { TriageLimits } from './limits.ts'
import { possibleTime } from './times.ts'

/** What came of everything a report says about where: both opinions, the better one, and what was wrong. */
export interface Sighting {
  /** The fix as the source sent it, when it can be used. */
  readonly fix: SatelliteFix | null
  readonly system: CoordinateSystem
  readonly gps: GpsPlace | null
  readonly cell: CellPlace | null
  readonly place: FusedPlace | null
  /** Why the satellite fix, or all there was, could not be used. */
  readonly fault: Fault | null
}

export function sight(
  { gps, cells, deviceTime }: Whereabouts & { readonly deviceTime: Date | null },
  usualSystem: CoordinateSystem,
  receivedMs: number,
  city: City,
  limits: TriageLimits,
): Sighting {
  const system = gps?.system ?? usualSystem
  const cell = placeOfCells(cells, city)
  let fault = gps === null ? null : fixFault(gps, { system, receivedMs, limits })
  let good: GpsPlace | null = null
  if (gps !== null && fault === null) {
    const staleMs =
      gps.fixedAt === null ? 0 : (possibleTime(deviceTime, receivedMs, limits) ?? receivedMs) - gps.fixedAt.getTime()
    const converted = convert(gps, system, staleMs > limits.staleFixMs ? Math.round(staleMs / 1000) : null)
    if ('reason' in converted) fault = converted
    else good = converted
  }
  if (good === null && cell === null && fault === null) fault = nothing(cells.length)
  return { fix: good === null ? null : gps, system, gps: good, cell, place: fuse(good, cell, limits), fault }
}

function convert(gps: SatelliteFix, system: CoordinateSystem, staleS: number | null): GpsPlace | Fault {
  const { latitude, longitude } = gps
  if (latitude === null || longitude === null) return { reason: 'not-a-number', detail: `${latitude}/${longitude}` }
  const point = toWgs84({ latitude, longitude }, system)
  if (point === 'double-conversion') return { reason: point, detail: system }
  return {
    latitude: point.latitude,
    longitude: point.longitude,
    accuracyM: accuracyOf(gps),
    staleS,
    speedKmh: notNegative(gps.speedKmh),
  }
}

function nothing(cells: number): Fault {
  return {
    reason: 'no-fix',
    detail: cells === 0 ? 'no fix and no cells' : `no fix, and none of ${cells} cells is known`,
  }
}

/** A receiver's range error is about 5 m, which HDOP multiplies. */
const rangeErrorM = 5

/** An accuracy of 0 is how devices say that they do not know it. */
function accuracyOf({ accuracyM, hdop }: SatelliteFix): number | null {
  if (accuracyM !== null && accuracyM > 0) return accuracyM
  return hdop !== null && hdop > 0 && hdop < 50 ? Math.round(hdop * rangeErrorM) : null
}

export function notNegative(value: number | null): number | null {
  return value !== null && Number.isFinite(value) && value >= 0 ? value : null
}
