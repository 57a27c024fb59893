import type { CallEnding, CallReport } from '../../gateway/report.ts'
import type { Fields } from './block.ts'
import type { CallOptions } from './call-options.ts'
import { callReport } from './call-report.ts'
import { endingByCause } from './endings.ts'
import { callerOf, dialled, directionOf, seatOf } from './parties.ts'
import { epoch } from './times.ts'

/** How a live event is read: pure, and of this event alone. */
export interface Reading {
  readonly fields: Fields
  readonly exchange: string
  readonly options: CallOptions
  /** Sorts events of one leg where they have no `Timestamp`. */
  readonly order: string
}

type Reader = (reading: Reading) => CallReport[]

/** ChannelState: AST_STATE_RINGING, a telephone that rings; AST_STATE_UP. */
const ringing = '5'
const up = '6'

/** What MixMonitor says it writes to. */
export const recordingVariable = 'MIXMONITOR_FILENAME'

/** Events that say something of a call. All others are passed over. */
const liveEvents: Readonly<Record<string, Reader>> = {
  Newchannel: (reading) => [{ ...leg(reading), ...party(reading), startedAt: at(reading) }],
  CoreShowChannel: (reading) => [{ ...leg(reading), ...party(reading) }],
  Newstate: changed,
  DialBegin: dialling,
  AgentCalled: dialling,
  DialEnd: dialEnded,
  AgentConnect: (reading) => connected(reading),
  // Linkedids meet when channels do: the piece tells which call this leg belongs to from now on.
  BridgeEnter: (reading) => [leg(reading)],
  DTMFEnd: pressed,
  QueueCallerAbandon: (reading) => [{ ...leg(reading), ending: 'abandoned' }],
  Hangup: hungUp,
  VarSet: recorded,
}

/** `null`: an event that says nothing of a call. */
export function liveEvent(event: string): Reader | null {
  return Object.hasOwn(liveEvents, event) ? (liveEvents[event] ?? null) : null
}

function at({ fields }: Reading): Date | null {
  return epoch(fields.get('Timestamp'), 'Timestamp')
}

/** `prefix`: `Dest` for the leg that is dialled. */
function leg(reading: Reading, prefix: '' | 'Dest' = ''): CallReport {
  const { fields, exchange, options } = reading
  const id = fields.required(`${prefix}Uniqueid`)
  return callReport({
    exchange,
    call: fields.get(`${prefix}Linkedid`) ?? id,
    leg: id,
    heard: 'live',
    deviceTime: at(reading),
    seat: seatOf(fields.get(`${prefix}Channel`), options),
  })
}

/** On a leg that the exchange itself dialled CallerIDNum is whom it dialled; who calls is known on the first leg alone. */
function party(reading: Reading): Partial<CallReport> {
  const { fields, options, exchange } = reading
  const id = fields.required('Uniqueid')
  const call = fields.get('Linkedid') ?? id
  if (call !== id) return {}
  const caller = callerOf(fields.get('CallerIDNum'), options)
  return {
    caller,
    subject: caller ?? `call:${exchange}/${call}`,
    called: dialled(fields.get('Exten')),
    direction: directionOf(fields.get('Context'), options),
  }
}

function changed(reading: Reading): CallReport[] {
  const state = reading.fields.get('ChannelState')
  if (state === ringing) return [{ ...leg(reading), ringingAt: at(reading) }]
  return state === up ? [{ ...leg(reading), answeredAt: at(reading) }] : []
}

/** Who calls, told on the leg that is dialled. A Dial without a channel behind it (Originate) has no caller. */
function dialling(reading: Reading): CallReport[] {
  const { fields, options, exchange } = reading
  const callee = leg(reading, 'Dest')
  const caller = fields.get('Uniqueid') === null ? null : callerOf(fields.get('CallerIDNum'), options)
  return [{ ...callee, caller, subject: caller ?? `call:${exchange}/${callee.call}` }]
}

/**
 * Only what Dial alone knows: that the caller gave up, and that this seat answered. That a seat turned the call away is
 * NOANSWER to Dial; its own Hangup has the cause.
 */
function dialEnded(reading: Reading): CallReport[] {
  const { fields } = reading
  const status = fields.get('DialStatus')
  if (status === 'ANSWER') return connected(reading)
  // Of several seats that ring, all but the one that answers are cancelled: then the caller's channel is up.
  const gaveUp = status === 'CANCEL' && fields.get('Uniqueid') !== null && fields.get('ChannelState') !== up
  return gaveUp ? [{ ...leg(reading), ending: 'abandoned' }] : []
}

/** Both legs: the caller's reached this seat. */
function connected(reading: Reading): CallReport[] {
  const callee: CallReport = { ...leg(reading, 'Dest'), answeredAt: at(reading), ending: 'answered' }
  if (reading.fields.get('Uniqueid') === null) return [callee]
  return [callee, { ...leg(reading), seat: callee.seat, ending: 'answered' }]
}

/** What a caller pressed. `Sent` is the same digit on its way to the other leg. */
function pressed(reading: Reading): CallReport[] {
  const { fields, order } = reading
  if (fields.get('Direction') === 'Sent') return []
  const key = fields.required('Digit').slice(0, 1)
  return [{ ...leg(reading), digit: { order: fields.get('Timestamp') ?? order, key } }]
}

/** A leg that was up does not say here how it ended: whether a seat answered is DialEnd's, AgentConnect's and the CDR's word. */
function hungUp(reading: Reading): CallReport[] {
  const { fields } = reading
  const piece = leg(reading)
  const cause = fields.get('Cause')
  const wasUp = fields.get('ChannelState') === up
  const ending = wasUp || cause === null ? null : (endingByCause(cause) ?? silentSeat(piece))
  return [{ ...piece, endedAt: at(reading), ending, cause }]
}

/** A seat that rang and was let go without a cause did not answer; of a caller it cannot be said who gave up. */
function silentSeat({ call, leg, seat }: CallReport): CallEnding | null {
  return call !== leg && seat !== null ? 'no-answer' : null
}

/** MixMonitor says in this variable what file it writes; a dial plan may set it before with what it wishes. */
function recorded(reading: Reading): CallReport[] {
  const { fields } = reading
  if (fields.get('Variable') !== recordingVariable) return []
  const recording = fields.get('Value')
  return recording === null ? [] : [{ ...leg(reading), recording: recording.slice(0, 1000) }]
}
