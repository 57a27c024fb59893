import type { PointReading, ReadingReport } from '../../gateway/report.ts'

/**
 * Which polls tell something. A sensor that is asked every second says the same for hours: a poll is handed on when a
 * point is heard for the first time, has moved by its deadband, has passed an alarm's limit on its way up or down, is of
 * another quality, when a time runs out that makes an alarm of what has held, and when nothing was told for `keepEvery`.
 */

export interface Telling {
  readonly keepEveryMs: number
  /** By sensor and point, scaled. */
  readonly deadbands: ReadonlyMap<string, number>
}

export interface Told {
  readonly atMs: number
  readonly points: ReadonlyMap<string, ToldPoint>
}

interface ToldPoint {
  readonly value: number | null
  readonly quality: PointReading['quality']
  /** Events whose limit it is beyond, with hysteresis. */
  readonly beyond: readonly string[]
  /** When something that holds now is to be told again, although nothing changes: an alarm's `afterS`, a silence's. */
  readonly dueMs: readonly number[]
}

export const pointKey = (subject: string, point: string): string => `${subject}\n${point}`

/** What is known once this poll is told, and whether it tells something beside what was told before. */
export function tell(
  reports: readonly ReadingReport[],
  atMs: number,
  before: Told | null,
  { keepEveryMs, deadbands }: Telling,
): { readonly news: boolean; readonly told: Told } {
  const points = new Map(before?.points)
  let news = before === null
  let silent = true
  for (const { subject, points: readings } of reports) {
    for (const reading of readings) {
      const key = pointKey(subject, reading.point)
      const known = before?.points.get(key) ?? null
      const point = toldOf(reading, atMs, known)
      points.set(key, point)
      if (reading.quality !== 'silent') silent = false
      news ||= known === null || isNews(point, known, deadbands.get(key) ?? 0, atMs)
    }
  }
  // A silence is told when it begins, and when it has lasted; in between there is nothing to keep alive.
  if (!silent && before !== null && atMs - before.atMs >= keepEveryMs) news = true
  return { news, told: { atMs, points } }
}

function isNews(point: ToldPoint, known: ToldPoint, deadband: number, atMs: number): boolean {
  if (point.quality !== known.quality) return true
  if (known.dueMs.some((due) => due <= atMs)) return true
  if (point.beyond.join() !== known.beyond.join()) return true
  if (point.value === null || known.value === null) return false
  const moved = Math.abs(point.value - known.value)
  return moved > 0 && moved >= deadband
}

function toldOf({ value, quality, limits }: PointReading, atMs: number, known: ToldPoint | null): ToldPoint {
  if (value === null) {
    const began = known === null || known.quality !== quality
    const dueMs = began ? after(atMs, [limits.silentAfterS]) : (known?.dueMs ?? []).filter((due) => due > atMs)
    return { value, quality, beyond: known?.beyond ?? [], dueMs }
  }
  const beyond = limits.alarms
    .filter((limit) => {
      const held = known?.beyond.includes(limit.event) === true ? limit.hysteresis : 0
      return limit.when === 'above' ? value > limit.at - held : value < limit.at + held
    })
    .map(({ event }) => event)
  const entered = limits.alarms.filter(({ event }) => beyond.includes(event) && known?.beyond.includes(event) !== true)
  const same = known !== null && known.value === value
  const waiting = known?.value === null ? [] : (known?.dueMs ?? [])
  const dueMs = [
    ...waiting.filter((due) => due > atMs),
    ...after(
      atMs,
      entered.map(({ afterS }) => (afterS > 0 ? afterS : null)),
    ),
    ...(same ? [] : after(atMs, [limits.stuckAfterS])),
  ]
  return { value, quality, beyond, dueMs: [...new Set(dueMs)].slice(-8) }
}

const after = (atMs: number, seconds: readonly (number | null)[]): number[] =>
  seconds.flatMap((s) => (s === null ? [] : [atMs + s * 1000]))
