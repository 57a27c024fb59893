import type { CallReport } from '../../gateway/report.ts'
import type { CallOptions } from './call-options.ts'
import { callReport } from './call-report.ts'
import { endingByDisposition } from './endings.ts'
import { callerOf, dialled, directionOf, seatOf } from './parties.ts'
import { wallClock } from './times.ts'

/** One CDR, whether cdr_manager or cdr_csv wrote it. `null`: not said. Times are wall-clock times of the exchange. */
export interface CdrRecord {
  readonly uniqueId: string
  readonly linkedId: string | null
  readonly sequence: string | null
  readonly source: string | null
  readonly destination: string | null
  readonly context: string | null
  readonly channel: string | null
  readonly destinationChannel: string | null
  readonly start: string | null
  readonly answer: string | null
  readonly end: string | null
  readonly disposition: string | null
  /** What was dialled at first, where the dial plan keeps it (`Set(CDR(did)=${EXTEN})`). */
  readonly did: string | null
  readonly recording: string | null
}

/**
 * A CDR speaks of the leg that called, and of whom it was put through to; a leg that was put through to three seats has
 * three. A seat's own leg has no CDR with its Uniqueid: it is known live and by CEL.
 */
export function cdrReport(record: CdrRecord, exchange: string, options: CallOptions): CallReport {
  const { timeZone } = options
  const endedAt = wallClock(record.end, timeZone, 'EndTime')
  const startedAt = wallClock(record.start, timeZone, 'StartTime')
  return callReport({
    exchange,
    call: record.linkedId ?? record.uniqueId,
    leg: record.uniqueId,
    heard: 'record',
    deviceTime: endedAt ?? startedAt,
    direction: directionOf(record.context, options),
    caller: callerOf(record.source, options),
    called: dialled(record.did) ?? dialled(record.destination),
    seat: seatOf(record.destinationChannel, options) ?? seatOf(record.channel, options),
    startedAt,
    answeredAt: wallClock(record.answer, timeZone, 'AnswerTime'),
    endedAt,
    ending: endingByDisposition(record.disposition),
    recording: record.recording,
  })
}
