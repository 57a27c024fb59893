import { v7 as uuidv7 } from 'uuid'
import type { BatchRows, NoticeStateRow } from '../intake/rows.ts'
import { post, type Understanding } from '../intake/understand.ts'
import type { ReceiptReport } from '../report.ts'

/**
 * The states of a notice, in the order it goes through them; a later word never takes it back. `expired` and `refused`
 * end it. `published`: handed to the link, and not known yet whether it arrived.
 */
export const noticeStates = ['queued', 'published', 'delivered', 'read', 'done', 'refused', 'expired'] as const
export type NoticeState = (typeof noticeStates)[number]

const rank: Record<NoticeState, number> = {
  queued: 0,
  published: 1,
  expired: 2,
  delivered: 3,
  read: 4,
  done: 5,
  refused: 5,
}

/** A notice that expired in the gateway's eyes may still have reached its device: the device's word wins. */
export function advances(from: NoticeState, to: NoticeState): boolean {
  return rank[to] > rank[from]
}

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
  how: Pick<Understanding, 'destinations' | 'eventSource'>,
  rows: Pick<BatchRows, 'noticeStates' | 'outbox' | 'tally'>,
): void {
  const states = new Map<string, NoticeState>()
  for (const receipt of receipts) {
    const notice = notices.get(receipt.noticeId)
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
  how: Pick<Understanding, 'destinations' | 'eventSource'>,
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
