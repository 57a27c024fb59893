/**
 * Wall-clock times of a zone, as far ends write them that know no offsets. Throws a RangeError for a zone that does not
 * exist.
 */
export class ZonedTimes {
  readonly #format: Intl.DateTimeFormat

  /** `timeZone`: an IANA name. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /**
   * The instant of `2026-11-26 08:00:00` (or with T, or fractions of a second) on these clocks; `null` when it is no such
   * time. Of an hour that comes twice the first; of one that is left out, as if the clocks had not been changed yet.
   */
  instant(text: string): Date | null {
    const match = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?$/.exec(text.trim())
    if (match === null) return null
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
    const wall = Date.UTC(year, month - 1, day, hour, minute, second)
    const shown = new Date(wall)
    const exists = shown.getUTCMonth() === month - 1 && shown.getUTCDate() === day && hour < 24 && minute < 60
    if (!exists || second > 59) return null
    const fraction = Math.floor(Number(match[7] ?? 0) * 1000)
    const before = wall - this.#offsetMs(wall - dayMs)
    const after = wall - this.#offsetMs(wall + dayMs)
    // On a day when the clocks change only one of both, or either, is what the clocks show.
    const earlier = Math.min(before, after)
    const found = earlier + this.#offsetMs(earlier) === wall ? earlier : before
    const later = Math.max(before, after)
    const instant =
      found + this.#offsetMs(found) === wall ? found : later + this.#offsetMs(later) === wall ? later : before
    return new Date(instant + fraction)
  }

  #offsetMs(atMs: number): number {
    const fields: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(atMs)) fields[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
  }
}

const dayMs = 86_400_000

const known = new Map<string, ZonedTimes>()

/** One for each zone: making one costs more than using it. */
export function timesOf(timeZone: string): ZonedTimes {
  let times = known.get(timeZone)
  if (times === undefined) {
    times = new ZonedTimes(timeZone)
    known.set(timeZone, times)
  }
  return times
}
