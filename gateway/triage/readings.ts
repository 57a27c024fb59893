import type { AlarmReport, PointReading, ReadingReport } from '../report.ts'
import { conditionsOf, minuteWith, type PointMemory, remembered, type Wrong } from './reading-conditions.ts'

/**
 * What readings say of a sensor over time: which limits it is beyond and for how long, whether it can be believed,
 * whether it is there at all. Pure. Alarms are told when they begin, now and then while they go on, and when they end.
 */

export interface ReadingMemory {
  /** The newest reading that was judged. */
  readonly atMs: number
  readonly points: Readonly<Record<string, PointMemory>>
  /** What is wrong with the sensor as a whole: every point of it is silent. */
  readonly whole: Wrong | null
}

export interface Judged {
  readonly memory: ReadingMemory
  readonly alarms: readonly AlarmReport[]
}

/** Points that were not heard of for so long are no longer in the map. */
const forgottenAfterMs = 86_400_000
/** While an alarm lasts its value is told again after so long. */
const goingOnMs = 60_000

/** `null`: older than what was judged already, which is no news and would make the sensor jump back. */
export function judgeReading(report: ReadingReport, atMs: number, before: ReadingMemory | null): Judged | null {
  if (before !== null && atMs < before.atMs) return null
  const alarms: AlarmReport[] = []
  const points: Record<string, PointMemory> = {}
  for (const [point, memory] of Object.entries(before?.points ?? {}))
    if (atMs - memory.atMs < forgottenAfterMs) points[point] = memory
  for (const reading of report.points) points[reading.point] = remembered(reading, atMs, points[reading.point] ?? null)

  const allSilent = report.points.length > 0 && Object.values(points).every(({ quality }) => quality === 'silent')
  for (const reading of report.points) {
    const memory = points[reading.point]
    if (memory === undefined) continue
    const wrong: Record<string, Wrong> = {}
    for (const { event, holds, afterS, limit } of conditionsOf(reading, memory, atMs)) {
      // A sensor that is wholly silent is one alarm, not one for each of its points.
      const now = event === 'silent' && allSilent ? false : holds
      const about = { report, reading, event, limit, part: reading.point, atMs }
      const next = step(memory.wrong[event] ?? null, now, afterS, about, alarms)
      if (next !== null) wrong[event] = next
    }
    const believed = reading.value !== null && reading.limits.perMinute !== null && wrong['out-of-range'] === undefined
    const minute = believed ? minuteWith(memory, reading.value, atMs) : memory.minute
    points[reading.point] = { ...memory, wrong, minute }
  }
  const [first] = report.points
  const shortest = Math.min(...report.points.map(({ limits }) => limits.silentAfterS ?? Number.POSITIVE_INFINITY))
  const whole =
    first === undefined
      ? (before?.whole ?? null)
      : step(
          before?.whole ?? null,
          allSilent && Number.isFinite(shortest),
          shortest,
          { report, reading: first, event: 'silent', limit: null, part: null, atMs },
          alarms,
        )
  return { memory: { atMs, points, whole }, alarms }
}

interface About {
  readonly report: ReadingReport
  readonly reading: PointReading
  readonly event: string
  readonly limit: string | null
  readonly part: string | null
  readonly atMs: number
}

/** One condition a step further; `holds` is `null` where this reading cannot say. */
function step(
  before: Wrong | null,
  holds: boolean | null,
  afterS: number,
  about: About,
  alarms: AlarmReport[],
): Wrong | null {
  const { atMs } = about
  if (holds === null) return before
  if (!holds) {
    if (before !== null && before.toldMs !== null) alarms.push(alarmOf(about, 'ended', before.occurrence))
    return null
  }
  const sinceMs = before?.sinceMs ?? atMs
  const occurrence = before?.occurrence ?? `${about.part ?? ''} ${about.event} ${new Date(atMs).toISOString()}`.trim()
  if (before !== null && before.toldMs !== null) {
    if (atMs - before.toldMs < goingOnMs) return before
    alarms.push(alarmOf(about, 'going-on', occurrence))
    return { sinceMs, occurrence, toldMs: atMs }
  }
  if (atMs - sinceMs < afterS * 1000) return { sinceMs, occurrence, toldMs: null }
  alarms.push(alarmOf(about, 'began', occurrence))
  return { sinceMs, occurrence, toldMs: atMs }
}

function alarmOf(
  { report, reading, event, limit, part, atMs }: About,
  phase: 'began' | 'going-on' | 'ended',
  occurrence: string,
): AlarmReport {
  const { value, unit, fault } = reading
  return {
    kind: 'alarm',
    of: 'sensor',
    subject: report.subject,
    deviceTime: new Date(atMs),
    event,
    part,
    phase,
    occurrence,
    detail: {
      ...(value === null ? {} : { value: String(value), unit }),
      ...(limit === null ? {} : { limit }),
      ...(fault === null ? {} : { fault }),
    },
    where: null,
    attachments: [],
    snapshot: null,
  }
}
