import { GatewayError, quote } from '../../gateway/errors.ts'
import type { Leg } from './leg.ts'
import { said } from './leg.ts'

/** A moment of a leg: its variables (`start_uepoch`, `start_epoch`, `start_stamp`) and its name in a profile's times. */
export type Moment = 'start' | 'progress' | 'progress_media' | 'answer' | 'bridge' | 'end'

const inProfile: Readonly<Record<Moment, string>> = {
  start: 'created_time',
  progress: 'progress_time',
  progress_media: 'progress_media_time',
  answer: 'answered_time',
  bridge: 'bridged_time',
  end: 'hangup_time',
}

/**
 * `null`: it did not happen (0), or is not said. Stamps have no zone; they are read where `timeZone` is configured and
 * nothing better is there. Throws `DECODE_FIELD` for what is no time.
 */
export function momentOf(leg: Leg, moment: Moment, timeZone: string | null): Date | null {
  const micro = said(leg.variables.get(`${moment}_uepoch`))
  if (micro !== null) return instant(`${moment}_uepoch`, micro, 1e-3)
  const seconds = said(leg.variables.get(`${moment}_epoch`))
  if (seconds !== null) return instant(`${moment}_epoch`, seconds, 1000)
  const profiled = profileTime(leg, moment)
  if (profiled !== null) return instant(inProfile[moment], profiled, 1e-3)
  const stamp = said(leg.variables.get(`${moment}_stamp`))
  return stamp === null || timeZone === null ? null : localInstant(`${moment}_stamp`, stamp, timeZone)
}

/** A leg begins with its first profile; whatever else happens stands in the newest one where it happened. */
function profileTime(leg: Leg, moment: Moment): string | null {
  const profiles = moment === 'start' ? [...leg.profiles].reverse() : leg.profiles
  const told = profiles.map(({ times }) => said(times.get(inProfile[moment]))).filter((time) => time !== null)
  return told.find((time) => time !== '0') ?? told[0] ?? null
}

/** `per`: milliseconds of one of its units. */
export function instant(field: string, text: string, per: number): Date | null {
  const value = /^\d{1,17}$/.test(text) ? Number(text) * per : Number.NaN
  const date = new Date(Math.trunc(value))
  if (Number.isNaN(date.getTime())) throw new GatewayError('DECODE_FIELD', `FreeSWITCH: ${field} ${quote(text)}`)
  return value === 0 ? null : date
}

const stampShape = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/

/** `null` where clocks went back and the stamp is of two instants, or forward and it is of none. */
export function localInstant(field: string, stamp: string, timeZone: string): Date | null {
  const digits = stampShape.exec(stamp)?.slice(1).map(Number)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits ?? []
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second)
  if (digits === undefined || new Date(asUtc).toISOString().slice(0, 19) !== stamp.replace(' ', 'T'))
    throw new GatewayError('DECODE_FIELD', `FreeSWITCH: ${field} ${quote(stamp)}`)
  const offsets = new Set([-86_400_000, 86_400_000].map((away) => offsetAt(asUtc + away, timeZone)))
  const instants = [...offsets].map((offset) => asUtc - offset).filter((at) => at + offsetAt(at, timeZone) === asUtc)
  return instants.length === 1 ? new Date(instants[0] ?? 0) : null
}

/** Milliseconds that the zone's clocks are ahead of UTC. */
function offsetAt(atMs: number, timeZone: string): number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
    ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
  ).map((type) => parts.get(type))
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
}
