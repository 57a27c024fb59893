import type { CoordinateSystem, SatelliteFix } from '../report.ts'
import { wasConverted } from './coordinates.ts'
import { metresBetween } from './distance.ts'
import type { TriageLimits } from './limits.ts'
import type { RememberedFix, SubjectMemory } from './memory.ts'
import { timeFault } from './times.ts'

/** Why a report became no position, in words for people; the keys are what the ledger counts. */
export const filterReasons = {
  'no-fix': 'there is neither a satellite fix nor a cell that the city knows',
  'not-a-number': 'a coordinate or a time is missing or is no number',
  'out-of-range': 'latitude is beyond 90 or longitude beyond 180 degrees',
  'null-island': 'the coordinates are 0/0, as receivers without a fix send them',
  'bad-accuracy': 'the fix is too inaccurate to be of use',
  'double-conversion': 'the coordinates were converted already and claim another system',
  'future-time': 'the time is ahead of the receipt',
  'ancient-time': 'the time is too long before the receipt',
  'duplicate-fix': 'the same subject was at the same place at the same time already',
  'impossible-jump': 'nobody gets there that fast from the last place',
  'repeated-part': 'the part of a long text is there already',
  'nothing-said': 'the text is empty and nothing is attached',
  'repeated-alarm': 'the alarm is one of an incident that is known already',
  'state-not-alarm': 'a camera or sensor says what holds, not that something began',
  'old-reading': 'the reading is older than one of the same sensor that was taken already',
  'nothing-to-end': 'an alarm is said to be over that nobody had heard of',
} as const

export type FilterReason = keyof typeof filterReasons

export interface Fault {
  readonly reason: FilterReason
  /** The value that is not believed. */
  readonly detail: string
}

/** A step of a list of filters: the fault, or `null` when it has none. The first fault counts. */
type Filter<Subject, Context> = (subject: Subject, context: Context) => Fault | null

export interface FixContext {
  readonly system: CoordinateSystem
  readonly receivedMs: number
  readonly limits: TriageLimits
}

/** What a satellite fix must pass to be used at all, in order. One that fails leaves the cells. */
const fixFilters: readonly Filter<SatelliteFix, FixContext>[] = [
  ({ valid }) => (valid === false ? { reason: 'no-fix', detail: 'the receiver says that it has no fix' } : null),
  ({ latitude, longitude }) =>
    Number.isFinite(latitude) && Number.isFinite(longitude)
      ? null
      : { reason: 'not-a-number', detail: `${latitude}/${longitude}` },
  ({ latitude, longitude }) =>
    Math.abs(latitude ?? 0) <= 90 && Math.abs(longitude ?? 0) <= 180
      ? null
      : { reason: 'out-of-range', detail: `${latitude}/${longitude}` },
  // Protocols with 1e-6 degrees may round a little off zero.
  ({ latitude, longitude }) =>
    Math.abs(latitude ?? 0) < 1e-5 && Math.abs(longitude ?? 0) < 1e-5
      ? { reason: 'null-island', detail: `${latitude}/${longitude}` }
      : null,
  ({ accuracyM }, { limits }) =>
    accuracyM !== null && accuracyM > limits.worstAccuracyM
      ? { reason: 'bad-accuracy', detail: `${accuracyM} m` }
      : null,
  (fix, { system }) =>
    system !== 'wgs84' && system !== 'cgcs2000' && wasConverted(fix)
      ? { reason: 'double-conversion', detail: `${fix.convertedFrom} to wgs84, and again from ${system}` }
      : null,
  ({ fixedAt }, { receivedMs, limits }) =>
    fixedAt === null ? null : timeFault(fixedAt.getTime(), receivedMs, limits.oldestMs, limits.futureMs),
]

export interface MemoryContext {
  readonly memory: SubjectMemory
  readonly receivedMs: number
  readonly limits: TriageLimits
}

/** What a place and time must pass to become a position, in order. */
const positionFilters: readonly Filter<RememberedFix, MemoryContext>[] = [
  ([atMs], { receivedMs, limits }) => timeFault(atMs, receivedMs, limits.oldestMs, limits.futureMs),
  (fix, { memory }) => (isRemembered(fix, memory) ? { reason: 'duplicate-fix', detail: describeFix(fix) } : null),
  (fix, { memory, limits }) => {
    const speedKmh = speedFromNeighbour(fix, memory)
    return speedKmh > limits.maxSpeedKmh ? { reason: 'impossible-jump', detail: `${Math.round(speedKmh)} km/h` } : null
  },
]

export const fixFault = (fix: SatelliteFix, context: FixContext): Fault | null => firstOf(fixFilters, fix, context)
export const positionFault = (fix: RememberedFix, context: MemoryContext): Fault | null =>
  firstOf(positionFilters, fix, context)

function firstOf<Subject, Context>(
  filters: readonly Filter<Subject, Context>[],
  subject: Subject,
  context: Context,
): Fault | null {
  for (const filter of filters) {
    const fault = filter(subject, context)
    if (fault !== null) return fault
  }
  return null
}

function isRemembered([atMs, latitude, longitude]: RememberedFix, { recent }: SubjectMemory): boolean {
  for (const other of recent) if (other[0] === atMs && other[1] === latitude && other[2] === longitude) return true
  return false
}

function describeFix([atMs, latitude, longitude]: RememberedFix): string {
  return `${latitude.toFixed(6)}/${longitude.toFixed(6)} at ${new Date(atMs).toISOString()}`
}

/** From the remembered fix just before this one in time; where all are younger, to the one just after it. */
function speedFromNeighbour(fix: RememberedFix, { last, recent }: SubjectMemory): number {
  if (last === null) return 0
  let neighbour = last
  if (last[0] > fix[0]) {
    for (const other of recent) {
      const before = other[0] <= fix[0]
      if (neighbour[0] > fix[0] ? before || other[0] < neighbour[0] : before && other[0] > neighbour[0]) {
        neighbour = other
      }
    }
  }
  return speedKmhBetween(neighbour, fix)
}

/** What a fix that does not say may be off by. */
const usualAccuracyM = 30

/** The least speed that explains both fixes, each anywhere within its accuracy. */
export function speedKmhBetween(from: RememberedFix, to: RememberedFix): number {
  const apartM = metresBetween(from[1], from[2], to[1], to[2]) - (from[3] ?? usualAccuracyM) - (to[3] ?? usualAccuracyM)
  if (apartM <= 0) return 0
  // Clocks that count whole seconds may put two fixes into one.
  const seconds = Math.max(1, Math.abs(to[0] - from[0]) / 1000)
  return (apartM / seconds) * 3.6
}
