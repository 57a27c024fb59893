import { v7 as uuidv7 } from 'uuid'
import type { BatchRows, NoticeStateRow } from '../intake/rows.ts'
import { type Posting, post } from '../relay/post.ts'
import type { ReceiptReport } from '../report.ts'
import { advances, type NoticeState } from './state.ts'

/** The columns of a notice that its states are announced with. */
export interface NoticeRow {
  readonly id: string
  readonly adapter: string
  readonly addressee: string
  readonly kind: string
  readonly state: NoticeState
}

/** What the receipts of a batch change. Receipts for notices that are not ours change nothing; their bytes are kept. */
export function settleReceipts(
  receipts: readonly ReceiptReport[],
  notices: ReadonlyMap<string, NoticeRow>,
  at: Date,
  how: Posting,
  rows: Pick<BatchRows, 'noticeStates' | 'outbox' | 'tally'>,
): void {
  const states = new Map<string, NoticeState>()
  for (const receipt of receipts) {
    const notice = notices.get(receipt.noticeId.toLowerCase())
    // A device may speak only of what was sent to it.
    if (notice === undefined || notice.addressee !== receipt.subject) continue
    const before = states.get(notice.id) ?? notice.state
    if (!advances(before, receipt.state)) continue
    states.set(notice.id, receipt.state)
    enter(notice, { noticeId: notice.id, state: receipt.state, at, detail: receipt.detail }, how, rows)
  }
}

/** Records that a notice enters a state, and tells the destinations that ask for deliveries. */
export function enter(
  notice: Omit<NoticeRow, 'state'>,
  entered: NoticeStateRow,
  how: Posting,
  rows: Pick<BatchRows, 'noticeStates' | 'outbox' | 'tally'>,
): void {
  rows.noticeStates.push(entered)
  const { state, detail } = entered
  const at = entered.at.toISOString()
  const data = {
    noticeId: notice.id,
    addressee: notice.addressee,
    kind: notice.kind,
    adapter: notice.adapter,
    state,
    at,
    detail,
  }
  const draft = { id: uuidv7(), type: 'delivery', subject: notice.id, orderingKey: notice.id, time: at, data } as const
  post(draft, { type: 'delivery', district: null, purpose: null, urgency: null }, entered.at, how, rows)
}
