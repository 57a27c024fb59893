import { GatewayError, quote } from '../../gateway/errors.ts'
import type { CallReport } from '../../gateway/report.ts'
import type { Fields } from './block.ts'
import type { CallOptions } from './call-options.ts'
import { callReport } from './call-report.ts'
import type { CdrRecord } from './cdr-record.ts'
import { endingByCause, endingByDialStatus } from './endings.ts'
import { callerOf, dialled, directionOf, seatOf } from './parties.ts'
import { epoch, wallClock } from './times.ts'

/** The records that come as events: CDRs of cdr_manager, events of cel_manager. */

/** `LinkedID`, `Sequence`, `DID` and `Recording` are there when cdr_manager.conf maps them. */
export function cdrOfEvent(fields: Fields): CdrRecord {
  return {
    uniqueId: fields.required('UniqueID'),
    linkedId: fields.get('LinkedID'),
    sequence: fields.get('Sequence'),
    source: fields.get('Source'),
    destination: fields.get('Destination'),
    context: fields.get('DestinationContext'),
    channel: fields.get('Channel'),
    destinationChannel: fields.get('DestinationChannel'),
    start: fields.get('StartTime'),
    answer: fields.get('AnswerTime'),
    end: fields.get('EndTime'),
    disposition: fields.get('Disposition'),
    did: fields.get('DID'),
    recording: fields.get('Recording') ?? fields.get('RecordingFile'),
  }
}

/** CEL events of use; APP_START, BRIDGE_EXIT, CHAN_END and the rest repeat what these say. */
export const celEvents: ReadonlySet<string> = new Set(['CHAN_START', 'ANSWER', 'BRIDGE_ENTER', 'HANGUP'])

export function celReports(fields: Fields, exchange: string, options: CallOptions): CallReport[] {
  const event = fields.required('EventName')
  if (!celEvents.has(event)) return []
  const leg = fields.required('UniqueID')
  const call = fields.get('LinkedID') ?? leg
  const at = timeOf(fields, options)
  const piece = callReport({
    exchange,
    call,
    leg,
    heard: 'record',
    deviceTime: at,
    seat: seatOf(fields.get('Channel'), options),
    caller: call === leg ? callerOf(fields.get('CallerIDnum'), options) : null,
  })
  switch (event) {
    case 'CHAN_START':
      return [{ ...piece, startedAt: at, ...(call === leg ? begun(fields, options) : {}) }]
    case 'ANSWER':
      return [{ ...piece, answeredAt: at }]
    case 'HANGUP':
      return [{ ...piece, endedAt: at, ...hungUp(fields, call === leg) }]
    default:
      return [piece]
  }
}

function begun(fields: Fields, options: CallOptions): Partial<CallReport> {
  return { called: dialled(fields.get('Exten')), direction: directionOf(fields.get('Context'), options) }
}

/** `timestampevents` gives an instant with microseconds; without, EventTime is the exchange's clock, to the second. */
function timeOf(fields: Fields, { timeZone }: CallOptions): Date | null {
  return epoch(fields.get('Timestamp'), 'Timestamp') ?? wallClock(fields.get('EventTime'), timeZone, 'EventTime')
}

/**
 * `Extra` of HANGUP: `{"hangupcause":21,"hangupsource":"…","dialstatus":""}`. On the leg that dialled the last dialstatus
 * says more than the cause, which is 34 for a caller whose call a seat turned away.
 */
function hungUp(fields: Fields, first: boolean): Partial<CallReport> {
  const text = fields.get('Extra')
  if (text === null) return {}
  let extra: unknown
  try {
    extra = JSON.parse(text)
  } catch {
    throw new GatewayError('DECODE_FIELD', `ami CEL: Extra ${quote(text)}`)
  }
  const { hangupcause, dialstatus } = (typeof extra === 'object' && extra !== null ? extra : {}) as Record<
    string,
    unknown
  >
  const cause = typeof hangupcause === 'number' && Number.isSafeInteger(hangupcause) ? String(hangupcause) : null
  const status = typeof dialstatus === 'string' && dialstatus !== '' ? dialstatus : null
  if (first && status !== null) return { cause, ending: endingByDialStatus(status) }
  const ending = cause === null ? null : endingByCause(cause)
  // Whether the leg had been up is not said here, and one that had may end with any cause of failure.
  return { cause, ending: ending === 'failed' ? null : ending }
}
