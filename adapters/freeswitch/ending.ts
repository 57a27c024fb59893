import type { CallEnding } from '../../gateway/report.ts'
import { type Leg, said } from './leg.ts'

/** Causes of legs that nobody answered, by FreeSWITCH's names (ITU-T Q.850 and its own). What is not here is `failed`. */
const endings: Readonly<Record<string, CallEnding>> = {
  CALL_REJECTED: 'refused',
  DECLINE: 'refused',
  INCOMING_CALL_BARRED: 'refused',
  UNWANTED: 'refused',
  REJECT_ALL: 'refused',
  USER_BUSY: 'busy',
  BUSY_EVERYWHERE: 'busy',
  NO_ANSWER: 'no-answer',
  NO_USER_RESPONSE: 'no-answer',
  ALLOTTED_TIMEOUT: 'no-answer',
  PROGRESS_TIMEOUT: 'no-answer',
  // Another seat was faster, or took the call away while this one rang.
  NO_PICKUP: 'no-answer',
  LOSE_RACE: 'no-answer',
  PICKED_OFF: 'no-answer',
  ORIGINATOR_CANCEL: 'abandoned',
}

/** Why mod_callcenter let a caller go (cc_cancel_reason). */
const queueEndings: Readonly<Record<string, CallEnding>> = {
  TIMEOUT: 'no-answer',
  NO_AGENT_TIMEOUT: 'no-answer',
  BREAK_OUT: 'abandoned',
  EXIT_WITH_KEY: 'abandoned',
}

/** Applications whose purpose is to find somebody who answers. */
const seekers = new Set(['bridge', 'callcenter', 'fifo', 'queue', 'enterprise_originate'])

/** Whether an A-leg was to be connected to a person; an answer of the exchange itself (IVR, queue music) is none then. */
export function sought({ variables }: Leg): boolean {
  return (
    ['cc_queue', 'originate_disposition', 'DIALSTATUS'].some((name) => said(variables.get(name)) !== null) ||
    ['last_app', 'current_application'].some((name) => seekers.has(variables.get(name) ?? ''))
  )
}

export interface Course {
  readonly cause: string | null
  readonly answered: boolean
  readonly bridged: boolean
  /** It was made for another leg. */
  readonly joined: boolean
}

/** `null`: it has not ended, as far as is said. */
export function endingOf(leg: Leg, { cause, answered, bridged, joined }: Course): CallEnding | null {
  if (cause === null) return null
  const { variables } = leg
  if (bridged || (answered && (joined || !sought(leg)))) return 'answered'
  if (cause === 'ORIGINATOR_CANCEL') return 'abandoned'
  const told = [queueEndings[variables.get('cc_cancel_reason') ?? ''], endings[disposition(leg)]]
  const found = joined ? undefined : told.find((ending) => ending !== undefined)
  return found ?? endings[cause] ?? (cause === 'NORMAL_CLEARING' ? unansweredClearing(leg) : 'failed')
}

/** What became of the last attempt to reach somebody: a cause's name, or words such as `success`. */
const disposition = ({ variables }: Leg): string => (variables.get('originate_disposition') ?? '').toUpperCase()

/** Who ended it (mod_sofia): the caller's phone gave up, or one end refused with a final answer of its own. */
function unansweredClearing({ variables, direction }: Leg): CallEnding {
  const how = variables.get('sip_hangup_disposition') ?? ''
  if (how === 'send_refuse' || how === 'recv_refuse') return 'refused'
  return direction !== 'outbound' && (how === 'recv_bye' || how === 'recv_cancel') ? 'abandoned' : 'no-answer'
}
