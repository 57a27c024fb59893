import type { Shift } from '../city/city.ts'

const dayMs = 86_400_000
const quarterMs = 15 * 60_000
const mostDays = 64

/**
 * Offsets of one zone from UTC. Asking Intl costs more than all the rest of triage, so a day whose ends agree is asked
 * once; on a day when the clocks change it is asked for each quarter of an hour, which is how zones are cut.
 */
class ZoneOffsets {
  readonly #format: Intl.DateTimeFormat
  readonly #days = new Map<number, number | null>()
  readonly #quarters = new Map<number, number>()

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  }

  offsetMinutes(atMs: number): number {
    const day = Math.floor(atMs / dayMs)
    const known = this.#days.get(day)
    const whole = known === undefined ? this.#learnDay(day) : known
    return whole ?? this.#ofQuarter(Math.floor(atMs / quarterMs))
  }

  #learnDay(day: number): number | null {
    const first = this.#ask(day * dayMs)
    const whole = first === this.#ask((day + 1) * dayMs) ? first : null
    if (this.#days.size >= mostDays) this.#days.clear()
    this.#days.set(day, whole)
    return whole
  }

  #ofQuarter(quarter: number): number {
    const known = this.#quarters.get(quarter)
    if (known !== undefined) return known
    const offset = this.#ask(quarter * quarterMs)
    if (this.#quarters.size >= mostDays * 4) this.#quarters.clear()
    this.#quarters.set(quarter, offset)
    return offset
  }

  /** `GMT+08:00`, and plain `GMT` for none. */
  #ask(atMs: number): number {
    const match = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(this.#format.format(atMs))
    if (match?.[1] === undefined) return 0
    const minutes = Number(match[2]) * 60 + Number(match[3])
    return match[1] === '-' ? -minutes : minutes
  }
}

const zones = new Map<string, ZoneOffsets>()

/** Minute of the day, 0 to 1439, on the wall clocks of a zone. Throws a RangeError for a zone that does not exist. */
export function minuteOfDay(atMs: number, timeZone: string): number {
  let zone = zones.get(timeZone)
  if (zone === undefined) {
    zone = new ZoneOffsets(timeZone)
    zones.set(timeZone, zone)
  }
  const minute = Math.floor(atMs / 60_000) + zone.offsetMinutes(atMs)
  return ((minute % 1440) + 1440) % 1440
}

/** A shift that ends when it starts lasts the whole day. */
export function withinShift({ startMinute, endMinute }: Shift | Omit<Shift, 'id'>, minute: number): boolean {
  if (startMinute < endMinute) return minute >= startMinute && minute < endMinute
  return minute >= startMinute || minute < endMinute
}

/** When the hours at `atMs` are over, to the minute; `null` when they are not on. */
export function endOf(hours: Omit<Shift, 'id'>, atMs: number, timeZone: string): Date | null {
  const minute = minuteOfDay(atMs, timeZone)
  if (!withinShift(hours, minute)) return null
  // A shift that is the whole day has no end; it begins anew at its own minute.
  const left = (hours.endMinute - minute + 1440) % 1440 || 1440
  return new Date((Math.floor(atMs / 60_000) + left) * 60_000)
}

/** The last midnight on the wall clocks of a zone. */
export function midnightBefore(atMs: number, timeZone: string): Date {
  return new Date((Math.floor(atMs / 60_000) - minuteOfDay(atMs, timeZone)) * 60_000)
}

/** `21:00-08:00`; an end before the start passes midnight. `null`: it is not written so. */
export function hoursOf(text: string): Omit<Shift, 'id'> | null {
  if (!/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(text)) return null
  const minuteAt = (from: number) => Number(text.slice(from, from + 2)) * 60 + Number(text.slice(from + 3, from + 5))
  return { startMinute: minuteAt(0), endMinute: minuteAt(6) }
}
