import type { City, GridFinding, Subject } from '../city/city.ts'
import type { PositionReport } from '../report.ts'
import { type Fault, positionFault } from './filters.ts'
import type { AcceptedPosition } from './findings.ts'
import type { TriageLimits } from './limits.ts'
import type { RememberedFix, SubjectMemory } from './memory.ts'
import { insist, remember } from './remember.ts'
import { notNegative, type Sighting, sight } from './sighting.ts'

/** What became of one position report. A refused one may still change what is remembered. */
export type Positioned =
  | { readonly position: null; readonly fault: Fault; readonly memory: SubjectMemory | null }
  | {
      readonly position: AcceptedPosition
      readonly fault: null
      readonly memory: SubjectMemory
      readonly sighting: Sighting
      readonly fix: RememberedFix
    }

export function positionOf(
  report: PositionReport,
  subject: Subject | null,
  receivedMs: number,
  city: City,
  before: SubjectMemory,
  limits: TriageLimits,
): Positioned {
  const sighting = sight(report, subject?.coordinateSystem ?? 'wgs84', receivedMs, city, limits)
  const { place, fix: gps } = sighting
  if (place === null) return { position: null, fault: sighting.fault ?? nowhere, memory: null }
  const { latitude, longitude, foundBy } = place
  // A stale fix was as good as ever at its own time, which is the time of the position.
  const accuracyM = foundBy === 'gps' && sighting.gps?.staleS != null ? sighting.gps.accuracyM : place.accuracyM
  const source = foundBy === 'cell' ? null : gps
  const time = source?.fixedAt ?? report.deviceTime
  const atMs = time === null ? receivedMs : time.getTime()
  const fix: RememberedFix = [atMs, latitude, longitude, accuracyM]

  let memory = before
  const fault = positionFault(fix, { memory, receivedMs, limits })
  if (fault !== null) {
    if (fault.reason !== 'impossible-jump') return { position: null, fault, memory: null }
    const insisted = insist(memory, fix, limits)
    if (!insisted.believed) return { position: null, fault, memory: insisted.memory }
    memory = insisted.memory
  }

  const late = memory.last !== null && atMs < memory.last[0]
  const found = city.locate(place, null)
  const position: AcceptedPosition = {
    subject: report.subject,
    at: new Date(atMs),
    atOrigin: time === null ? 'gateway' : 'device',
    latitude,
    longitude,
    accuracyM,
    altitudeM: source === null || !Number.isFinite(source.altitudeM) ? null : source.altitudeM,
    foundBy,
    staleS: sighting.gps?.staleS ?? null,
    speedKmh: notNegative(source?.speedKmh ?? null),
    headingDeg: headingOf(source?.headingDeg ?? null),
    grid: claimed(found, accuracyM, limits),
    district: found?.district.code ?? null,
    batteryPercent: within(report.batteryPercent, 0, 100),
    late,
  }
  return { position, fault: null, memory: remember(memory, fix, late, limits), sighting, fix }
}

const nowhere: Fault = { reason: 'no-fix', detail: 'no fix and no cells' }

function claimed(found: GridFinding | null, accuracyM: number | null, limits: TriageLimits): string | null {
  if (found === null || (accuracyM !== null && accuracyM > limits.gridClaimM)) return null
  return found.grid
}

function headingOf(degrees: number | null): number | null {
  if (degrees === 360) return 0
  return degrees !== null && degrees >= 0 && degrees < 360 ? degrees : null
}

function within(value: number | null, least: number, most: number): number | null {
  return value !== null && value >= least && value <= most ? value : null
}
