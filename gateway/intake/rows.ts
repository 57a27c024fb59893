import type { Receipt } from '../adapter.ts'
import type { LegFacts } from '../calls/facts.ts'
import type { CallFormRow, SettledRow } from '../calls/rows.ts'
import type { CaseIntent } from '../case-intent.ts'
import type { IncidentRow } from '../incidents/rows.ts'
import type { DeliveryRow, NewNotice, NoticeStateRow, StageRow, SubmissionRow, ToldRow } from '../notices/rows.ts'
import type { ReceiptReport } from '../report.ts'
import type { AcceptedPosition, SubjectMemory, WritingReporter } from '../triage/triage.ts'
import type { HeldPart } from './part-desk.ts'

/** Everything one batch writes, in the words of the tables. Made without I/O, written by one statement. */
export interface BatchRows {
  readonly messages: MessageRow[]
  readonly positions: PositionRow[]
  readonly intents: IntentRow[]
  readonly outbox: OutboxRow[]
  readonly deadLetters: DeadLetterRow[]
  readonly devices: Map<string, DeviceRow>
  readonly receipts: ReceiptReport[]
  readonly deliveries: DeliveryRow[]
  readonly correspondences: CorrespondenceRow[]
  /** Answers to reporters, on their way with the rest of the batch. */
  readonly notices: NewNotice[]
  readonly enquiries: EnquiryRow[]
  readonly relations: RelationRow[]
  readonly errands: ErrandRow[]
  /** Incidents of cameras and sensors by id, as they are after this batch. */
  readonly incidents: Map<string, IncidentRow>
  /** What is said of legs of calls, by exchange and leg. */
  readonly callLegs: Map<string, LegFacts>
  readonly callForms: CallFormRow[]
  readonly settledCalls: SettledRow[]
  parts: { readonly held: readonly HeldPart[]; readonly gone: readonly HeldPart[] }
  /** Keys that were another message's, long enough ago. */
  readonly renewedKeys: {
    readonly adapter: string
    readonly key: string
    readonly takenAt: Date
    readonly receivedAt: Date
  }[]
  readonly noticeStates: NoticeStateRow[]
  readonly submissions: SubmissionRow[]
  /** Receipts that no submission is known for yet. */
  readonly waitingReceipts: DeliveryRow[]
  /** Ids of waiting receipts that have found theirs. */
  readonly joinedReceipts: string[]
  /** Notices whose parts are to be counted again when other gateways have written theirs. */
  readonly recheck: string[]
  readonly told: ToldRow[]
  readonly stages: StageRow[]
  readonly tally: Tally
  /** Bytes that came inside forms, to be on disk before the rows that name them are committed. */
  readonly files: { readonly sha256: string; readonly content: Uint8Array }[]
  /** One for each arrival, in order. */
  readonly outcomes: Receipt[]
}

export function emptyRows(): BatchRows {
  return {
    messages: [],
    positions: [],
    intents: [],
    outbox: [],
    deadLetters: [],
    devices: new Map(),
    receipts: [],
    deliveries: [],
    correspondences: [],
    notices: [],
    enquiries: [],
    relations: [],
    errands: [],
    incidents: new Map(),
    callLegs: new Map(),
    callForms: [],
    settledCalls: [],
    parts: { held: [], gone: [] },
    renewedKeys: [],
    noticeStates: [],
    submissions: [],
    waitingReceipts: [],
    joinedReceipts: [],
    recheck: [],
    told: [],
    stages: [],
    tally: new Tally(),
    files: [],
    outcomes: [],
  }
}

export interface MessageRow {
  readonly id: string
  readonly receivedAt: Date
  readonly adapter: string
  readonly channel: string
  readonly keyScope: string
  readonly key: string
  readonly raw: Uint8Array
  readonly envelope: Readonly<Record<string, string>>
  readonly disposition: 'stored' | 'filtered' | 'dead-lettered'
  readonly reason: string | null
}

export interface PositionRow {
  readonly messageId: string
  readonly receivedAt: Date
  readonly position: AcceptedPosition
}

export interface IntentRow {
  readonly intent: CaseIntent
  readonly receivedAt: Date
  readonly messageId: string
  readonly orderingKey: string
}

/** A reporter who is owed an answer. */
export interface CorrespondenceRow extends WritingReporter {
  readonly adapter: string
}

/** A question after the state of a report, to be answered when it is known what is stored. */
export interface EnquiryRow {
  readonly number: string | null
  readonly subject: string
  readonly adapter: string
  readonly messageId: string
  readonly receivedAt: Date
}

export interface RelationRow {
  readonly intentId: string
  readonly otherId: string
  readonly score: number
  readonly because: string
  readonly createdAt: Date
}

export interface ErrandRow {
  readonly id: string
  readonly adapter: string
  readonly subject: string
  readonly content: Uint8Array
  readonly messageId: string
  readonly receivedAt: Date
}

export interface OutboxRow {
  readonly destination: string
  readonly eventId: string
  readonly type: string
  readonly orderingKey: string
  readonly body: string
  readonly createdAt: Date
}

export interface DeadLetterRow {
  readonly messageId: string
  readonly receivedAt: Date
  readonly adapter: string
  readonly channel: string
  readonly item: number | null
  readonly code: string
  readonly detail: string
}

export interface DeviceRow {
  readonly subject: string
  readonly adapter: string
  lastSeen: Date
  presence: string | null
  battery: number | null
  position: AcceptedPosition | null
  /** The version that the row has now; the write makes it one more. 0: there is no row yet. */
  readonly version: number
  memory: SubjectMemory | null
}

/** Counters of one batch, by everything the `tally` table is keyed by. */
export class Tally {
  readonly counts = new Map<string, TallyRow>()

  add(at: Date, subject: string, channel: string, what: string, reason = '', n = 1): void {
    const day = dayOf(at)
    const key = `${day}\n${subject}\n${channel}\n${what}\n${reason}`
    const row = this.counts.get(key)
    if (row === undefined) this.counts.set(key, { day, subject, channel, what, reason, n })
    else row.n += n
  }

  /** In one order for everybody, so that two statements never wait for each other crosswise. */
  rows(): TallyRow[] {
    return [...this.counts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  }
}

const dayMs = 86_400_000
let lastDay = { number: Number.NaN, text: '' }

/** The UTC day. A batch's messages all came on the same one. */
function dayOf(at: Date): string {
  const number = Math.floor(at.getTime() / dayMs)
  if (number !== lastDay.number) lastDay = { number, text: at.toISOString().slice(0, 10) }
  return lastDay.text
}

export interface TallyRow {
  readonly day: string
  readonly subject: string
  readonly channel: string
  readonly what: string
  readonly reason: string
  n: number
}
