import type { PointReading } from '../report.ts'

/** What can be wrong with one point, as one reading after another tells. */

/** Something that holds: since when, and when it was told last; `null`: not yet, since it must hold longer. */
export interface Wrong {
  readonly sinceMs: number
  readonly toldMs: number | null
  /** Tells this time from the next. */
  readonly occurrence: string
}

export interface PointMemory {
  readonly atMs: number
  readonly quality: PointReading['quality']
  /** The newest number, which may be older than `atMs`. */
  readonly value: number | null
  readonly unit: string
  /** It has been the very same since. */
  readonly sameMs: number
  /** What it was during the last minute, and the last value before that, oldest first. */
  readonly minute: readonly (readonly [atMs: number, value: number])[]
  /** By the alarm's event. */
  readonly wrong: Readonly<Record<string, Wrong>>
}

export interface Condition {
  readonly event: string
  /** `null`: this reading cannot say, so what was holds on. */
  readonly holds: boolean | null
  readonly afterS: number
  /** The limit in words, where there is one. */
  readonly limit: string | null
}

const minuteMs = 60_000
const mostOfMinute = 12

/** The point's memory with this reading; what is wrong stands as before. */
export function remembered(reading: PointReading, atMs: number, before: PointMemory | null): PointMemory {
  const { value, unit, quality } = reading
  const wrong = before?.wrong ?? {}
  if (value === null)
    return {
      ...{ atMs, quality, unit, wrong },
      value: before?.value ?? null,
      sameMs: atMs,
      minute: before?.minute ?? [],
    }
  const same = before !== null && before.quality === 'good' && before.value === value
  return { ...{ atMs, quality, value, unit, wrong }, sameMs: same ? before.sameMs : atMs, minute: before?.minute ?? [] }
}

/** All that the limits of a point speak of, and those that were wrong under limits that are there no longer. */
export function conditionsOf(reading: PointReading, memory: PointMemory, atMs: number): readonly Condition[] {
  const { limits, value, quality } = reading
  const believed = value !== null && !isOutOfRange(reading)
  const conditions: Condition[] = limits.alarms.map(({ event, when, at, hysteresis, afterS }) => {
    const margin = memory.wrong[event] === undefined ? 0 : hysteresis
    const beyond = value !== null && (when === 'above' ? value > at - margin : value < at + margin)
    return { event, holds: believed ? beyond : null, afterS, limit: `${when} ${at}` }
  })
  const { range, perMinute, stuckAfterS, silentAfterS } = limits
  if (range !== null)
    conditions.push({
      event: 'out-of-range',
      holds: value === null ? null : !believed,
      afterS: 0,
      limit: `${range.low} to ${range.high}`,
    })
  if (perMinute !== null) {
    const change = believed ? changeOf(value, memory, atMs) : null
    conditions.push({
      event: 'rate',
      holds: change === null ? null : change > perMinute,
      afterS: 0,
      limit: `${perMinute} a minute`,
    })
  }
  if (stuckAfterS !== null)
    conditions.push({
      event: 'stuck',
      holds: value === null ? null : atMs - memory.sameMs >= stuckAfterS * 1000,
      afterS: 0,
      limit: `the same for ${stuckAfterS} s`,
    })
  const afterS = silentAfterS ?? Number.POSITIVE_INFINITY
  conditions.push({ event: 'silent', holds: quality === 'silent', afterS, limit: null })
  const unsound = quality === 'refused' || quality === 'not-a-number'
  conditions.push({
    event: 'fault',
    holds: quality === 'silent' ? null : unsound,
    afterS: silentAfterS ?? 0,
    limit: null,
  })
  const spoken = new Set(conditions.map(({ event }) => event))
  const gone = Object.keys(memory.wrong).filter((event) => !spoken.has(event))
  return [...conditions, ...gone.map((event) => ({ event, holds: false, afterS: 0, limit: null }))]
}

function isOutOfRange({ value, limits: { range } }: PointReading): boolean {
  return value !== null && range !== null && (value < range.low || value > range.high)
}

/**
 * By how much the value has changed within a minute; against one that is older, by how much a minute. Two readings a
 * second apart are not multiplied by sixty: that would make an alarm of every flicker.
 */
function changeOf(value: number, { minute }: PointMemory, atMs: number): number {
  return Math.max(0, ...minute.map(([at, was]) => Math.abs(value - was) / Math.max(1, (atMs - at) / minuteMs)))
}

/** The minute with this reading in it, thinned so that the memory stays small. */
export function minuteWith(memory: PointMemory, value: number, atMs: number): PointMemory['minute'] {
  const { minute } = memory
  const oldest = minute.findLastIndex(([at]) => atMs - at >= minuteMs)
  const kept = minute.slice(Math.max(0, oldest))
  const last = kept.at(-1)
  if (last !== undefined && atMs - last[0] < minuteMs / (mostOfMinute - 2)) return kept
  return [...kept.slice(-(mostOfMinute - 1)), [atMs, value]]
}
