import type { CaseIntent, Timestamp } from '../case-intent.ts'
import type { Fault } from './filters.ts'
import type { TriageLimits } from './limits.ts'

/** Nothing a city's device says happened before this; receivers without a fix like to say 1980 or 2000. */
const firstPossibleMs = Date.UTC(2001, 0, 1)

/** What is wrong with a device's time, if anything. */
export function timeFault(atMs: number, receivedMs: number, oldestMs: number, futureMs: number): Fault | null {
  if (atMs <= receivedMs + futureMs && atMs >= receivedMs - oldestMs && atMs >= firstPossibleMs) return null
  if (Number.isNaN(atMs)) return { reason: 'not-a-number', detail: 'the time is no time' }
  return { reason: atMs > receivedMs ? 'future-time' : 'ancient-time', detail: `${new Date(atMs).toISOString()}` }
}

export function possibleTime(time: Date | null, receivedMs: number, limits: TriageLimits): number | null {
  if (time === null) return null
  const atMs = time.getTime()
  return timeFault(atMs, receivedMs, limits.oldestMs, limits.futureMs) === null ? atMs : null
}

/**
 * When something that was said happened. Words are never dropped for a wrong clock: they get the time of receipt, and
 * the remark keeps what the device said.
 */
export function occurrence(
  deviceTime: Date | null,
  receivedAt: Date,
  limits: TriageLimits,
): { readonly time: Timestamp; readonly remark: CaseIntent['remarks'][number] | null } {
  const receivedMs = receivedAt.getTime()
  const remark =
    deviceTime === null ? null : timeFault(deviceTime.getTime(), receivedMs, limits.oldestFormMs, limits.futureMs)
  if (deviceTime === null || remark !== null)
    return { time: { at: receivedAt.toISOString(), origin: 'gateway' }, remark }
  return { time: { at: deviceTime.toISOString(), origin: 'device' }, remark: null }
}
