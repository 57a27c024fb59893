import { GatewayError, quote } from '../../gateway/errors.ts'
import { timesOf } from '../../gateway/web/zoned-time.ts'
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

function localInstant(field: string, stamp: string, timeZone: string): Date {
  const at = timesOf(timeZone).instant(stamp)
  if (at === null) throw new GatewayError('DECODE_FIELD', `FreeSWITCH: ${field} ${quote(stamp)}`)
  return at
}
