import { GatewayError, quote } from '../../gateway/errors.ts'
import type { CallReport } from '../../gateway/report.ts'

/** What most pieces say nothing of. */
const unsaid = {
  deviceTime: null,
  direction: null,
  caller: null,
  called: null,
  seat: null,
  digits: null,
  digit: null,
  startedAt: null,
  ringingAt: null,
  answeredAt: null,
  endedAt: null,
  ending: null,
  cause: null,
  recording: null,
} as const

type Said = Pick<CallReport, 'exchange' | 'call' | 'leg' | 'heard'> & Partial<CallReport>

/** One leg's piece. The call is its Linkedid, the leg its Uniqueid. */
export function callReport(said: Said): CallReport {
  for (const id of [said.call, said.leg])
    if (id.length > 150) throw new GatewayError('DECODE_FIELD', `asterisk: an id of a channel ${quote(id)}`)
  const subject = said.caller ?? `call:${said.exchange}/${said.call}`
  return { ...unsaid, kind: 'call', ...said, subject }
}
