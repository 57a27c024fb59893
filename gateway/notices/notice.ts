import type { BatchRows } from '../intake/rows.ts'
import { Tally } from '../intake/rows.ts'
import { type Posting, post } from '../relay/post.ts'
import type { ReceiptReport } from '../report.ts'
import { newId } from '../store/message-id.ts'
import type { Audience, NewNotice, NoticeStateRow } from './rows.ts'
import { advances, arrived, failures, type NoticeState } from './state.ts'
import type { Way } from './way.ts'

/** The columns of a notice that its states are announced with. */
export interface NoticeRow {
  readonly id: string
  readonly adapter: string
  readonly addressee: string
  readonly kind: string
  readonly state: NoticeState
  readonly leg: number
  readonly routes: readonly Way[]
  readonly template: string | null
  readonly intentId: string | null
  readonly caseNumber: string | null
  readonly tells: NewNotice['tells']
  readonly reviewAt: Date | null
  readonly audience: Audience
}

/** `NoticeRow` as SQL, of a table or alias. */
export const noticeColumns = (of: string): string =>
  `${of}.id, ${of}.adapter, ${of}.addressee, ${of}.kind, ${of}.state, ${of}.leg, ${of}.routes, ${of}.template,
   ${of}.intent_id AS "intentId", ${of}.case_number AS "caseNumber", ${of}.tells, ${of}.review_at AS "reviewAt",
   ${of}.audience`

/** Rows that a notice's states are written to. */
export type StateRows = Pick<BatchRows, 'noticeStates' | 'told'>

/** What a notice enters. Left out: of the leg it is on, nothing to say, when it was to be looked at. */
export interface Entry {
  readonly state: NoticeState
  readonly at: Date
  readonly detail?: string | null
  /** The network's own error code. */
  readonly error?: string | null
  readonly leg?: number
  /** Only when another leg begins. */
  readonly way?: Way
  readonly notBefore?: Date | null
  readonly reviewAt?: Date | null
  readonly remark?: boolean
}

/** What the receipts of a batch change. Receipts for notices that are not ours change nothing; their bytes are kept. */
export function settleReceipts(
  receipts: readonly ReceiptReport[],
  notices: ReadonlyMap<string, NoticeRow>,
  at: Date,
  how: Posting,
  rows: StateRows,
): void {
  const states = new Map<string, NoticeState>()
  for (const receipt of receipts) {
    const notice = notices.get(receipt.noticeId.toLowerCase())
    if (notice === undefined || !sentTo(notice, receipt.subject)) continue
    const before = states.get(notice.id) ?? notice.state
    if (!advances(before, receipt.state)) continue
    states.set(notice.id, receipt.state)
    enter(notice, { state: receipt.state, at, detail: receipt.detail }, how, rows)
  }
}

/** A device may speak only of what was sent to it, on this leg or on an earlier one. */
function sentTo(notice: NoticeRow, subject: string): boolean {
  return notice.addressee === subject || notice.routes.some(({ addressee }) => addressee === subject)
}

/** Records that a notice enters a state, and tells the destinations that ask for deliveries. */
export function enter(notice: Omit<NoticeRow, 'state'>, entry: Entry, how: Posting, rows: StateRows): void {
  const { state, at, detail = null, error = null, leg = notice.leg, way = null } = entry
  const data = {
    noticeId: notice.id,
    addressee: way?.addressee ?? notice.addressee,
    kind: notice.kind,
    adapter: way?.adapter ?? notice.adapter,
    leg,
    state,
    at: at.toISOString(),
    detail,
    error,
    intentId: notice.intentId,
    caseNumber: notice.caseNumber,
    template: notice.template,
  }
  const events = { outbox: [] as BatchRows['outbox'], tally: new Tally() }
  post(
    { id: newId(), type: 'delivery', subject: notice.id, orderingKey: notice.id, time: data.at, data },
    { type: 'delivery', district: null, purpose: null, urgency: null },
    at,
    how,
    events,
  )
  rows.noticeStates.push({
    noticeId: notice.id,
    leg,
    state,
    at,
    detail,
    way,
    reviewAt: entry.reviewAt === undefined ? reviewAfter(notice, entry) : entry.reviewAt,
    notBefore: entry.notBefore ?? null,
    remark: entry.remark ?? false,
    events: events.outbox,
  } satisfies NoticeStateRow)
  if (notice.intentId !== null && notice.tells !== null && taken(state))
    rows.told.push({ intentId: notice.intentId, what: notice.tells, at })
}

const taken = (state: NoticeState) => state === 'accepted' || state === 'delivered' || state === 'read'

/** What failed is looked at at once, for the next way; what has arrived or is listed, never again. */
function reviewAfter({ reviewAt, audience }: Omit<NoticeRow, 'state'>, { state, at }: Entry): Date | null {
  if (failures.includes(state)) return audience === 'device' ? null : at
  return arrived(state) || state === 'listed' ? null : reviewAt
}
