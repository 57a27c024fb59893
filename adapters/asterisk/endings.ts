import type { CallEnding } from '../../gateway/report.ts'

/**
 * A leg that was never up, by the cause its channel was hung up with (Q.850). 0 (not set), 16 (normal) and 127 do not say
 * who gave up: chan_pjsip sets 127 on both legs when the caller cancels. 26: another seat was quicker.
 */
const byCause: Readonly<Record<string, CallEnding>> = {
  17: 'busy',
  18: 'no-answer',
  19: 'no-answer',
  20: 'no-answer',
  21: 'refused',
  26: 'no-answer',
}
const saysNothing = new Set(['0', '16', '127'])

export function endingByCause(cause: string): CallEnding | null {
  return saysNothing.has(cause) ? null : (byCause[cause] ?? 'failed')
}

/** Dial's last word on a seat that it rang, and with `HANGUP` of CEL on the leg that dialled. */
const byDialStatus: Readonly<Record<string, CallEnding>> = {
  ANSWER: 'answered',
  BUSY: 'busy',
  NOANSWER: 'no-answer',
  CANCEL: 'abandoned',
  DONTCALL: 'refused',
  TORTURE: 'refused',
  CONGESTION: 'failed',
  CHANUNAVAIL: 'failed',
  INVALIDARGS: 'failed',
}

export function endingByDialStatus(status: string | null): CallEnding | null {
  return status === null ? null : (byDialStatus[status] ?? null)
}

const byDisposition: Readonly<Record<string, CallEnding>> = {
  ANSWERED: 'answered',
  'NO ANSWER': 'no-answer',
  BUSY: 'busy',
  FAILED: 'failed',
  CONGESTION: 'failed',
}

/** A CDR's disposition. A caller who gave up and a seat that turned the call away are both `NO ANSWER` to it. */
export function endingByDisposition(disposition: string | null): CallEnding | null {
  return disposition === null ? null : (byDisposition[disposition] ?? null)
}
