import { GatewayError, quote } from '../../gateway/errors.ts'
import { timesOf } from '../../gateway/web/zoned-time.ts'

/** Seconds since 1970 with fractions, as `timestampevents` in manager.conf has it: an instant. */
export function epoch(text: string | null, name: string): Date | null {
  if (text === null) return null
  const match = /^(\d{9,11})(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) throw new GatewayError('DECODE_FIELD', `asterisk: ${name} ${quote(text)}`)
  return new Date(Number(match[1]) * 1000 + Math.floor(Number(`0.${match[2] ?? '0'}`) * 1000))
}

const local = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?$/

/**
 * A time as the exchange's clock shows it. Without a zone it is no instant, and `null`: one eight hours off would be
 * worse than none. An empty one is `null` too: a call that was not answered has no AnswerTime.
 */
export function wallClock(text: string | null, timeZone: string | null, name: string): Date | null {
  if (text === null) return null
  const instant = local.test(text) ? timesOf(timeZone ?? 'UTC').instant(text) : null
  if (instant === null) throw new GatewayError('DECODE_FIELD', `asterisk: ${name} ${quote(text)}`)
  return timeZone === null ? null : instant
}
