import type { BatchRows } from '../intake/rows.ts'
import type { Posting } from '../relay/post.ts'
import type { DeliveryReport } from '../report.ts'
import { indexable } from '../store/array-literal.ts'
import { enter, type NoticeRow } from './notice.ts'
import type { DeliveryRow } from './rows.ts'
import { advances, advancesPart, arrived, failures, type NoticeState, type SubmissionState } from './state.ts'

/** One part of a text at its message centre, with the notice it is of. */
export interface LegRow extends NoticeRow {
  readonly noticeId: string
  readonly onLeg: number
  readonly part: number
  readonly parts: number
  readonly account: string
  readonly sentTo: string
  readonly messageId: string | null
  readonly reference: number | null
  readonly partState: SubmissionState
  readonly submittedAt: Date
}

interface PartNow extends Omit<LegRow, 'partState'> {
  partState: SubmissionState
}

/** Submissions as stored, by everything that a receipt can name them by. */
export interface Found {
  partOf(report: DeliveryReport): PartNow | null
  /** The one part in doubt that it can only be of; `null` when there is none, or more than one. */
  doubtfulOf(report: DeliveryReport, receivedAt: Date): PartNow | null
  leg(part: PartNow): readonly PartNow[]
  /** The notice's state as this batch has taken it so far. */
  readonly states: Map<string, NoticeState>
}

export function foundBy(rows: readonly LegRow[], withoutId: readonly LegRow[]): Found {
  const parts = new Map<string, PartNow>()
  for (const row of [...rows, ...withoutId]) {
    const key = `${row.noticeId} ${row.onLeg} ${row.part}`
    if (!parts.has(key)) parts.set(key, { ...row })
  }
  const legs = new Map<string, PartNow[]>()
  const byMessageId = new Map<string, PartNow[]>()
  for (const part of parts.values()) {
    const leg = legs.get(legKey(part))
    if (leg === undefined) legs.set(legKey(part), [part])
    else leg.push(part)
    if (part.messageId === null) continue
    const key = `${part.account}\n${part.messageId}`
    byMessageId.set(key, [...(byMessageId.get(key) ?? []), part])
  }
  return {
    states: new Map(),
    leg: (part) => legs.get(legKey(part)) ?? [],
    // Centres count, and converters of one account count each for itself: an id alone may be another text's.
    partOf({ account, messageIds, subject }) {
      for (const id of messageIds) {
        const part = byMessageId.get(`${account}\n${indexable(id)}`)?.find(({ sentTo }) => sentTo === subject)
        if (part !== undefined) return part
      }
      return null
    },
    doubtfulOf(report, receivedAt) {
      const candidates = [...parts.values()].filter(
        (part) =>
          part.messageId === null &&
          part.account === report.account &&
          part.sentTo === report.subject &&
          part.submittedAt <= receivedAt &&
          (part.partState === 'sending' || part.partState === 'in-doubt'),
      )
      const named = candidates.filter(({ reference }) => reference !== null && reference === report.reference)
      const others = candidates.filter(({ reference }) => reference === null || report.reference === null)
      const possible = named.length > 0 ? named : others
      const [first] = possible
      // One that is just being sent may be the one meant: its id will tell.
      return first?.partState === 'in-doubt' && possible.length === 1 ? first : null
    },
  }
}

const legKey = ({ noticeId, onLeg }: PartNow) => `${noticeId} ${onLeg}`

/** What receipts for texts change. Those that no submission is known for wait for it. */
export function settleDeliveries(
  deliveries: readonly DeliveryRow[],
  found: Found,
  at: Date,
  how: Posting,
  rows: Pick<BatchRows, 'noticeStates' | 'told' | 'submissions' | 'waitingReceipts' | 'recheck'>,
): void {
  for (const delivery of deliveries) {
    const { report, receivedAt } = delivery
    const part = found.partOf(report) ?? found.doubtfulOf(report, receivedAt)
    if (part === null) {
      rows.waitingReceipts.push(delivery)
      continue
    }
    // The centre speaks of it, so it has it.
    const state = report.state ?? 'accepted'
    if (!advancesPart(part.partState, state)) continue
    part.partState = state
    const messageId = part.messageId ?? report.messageIds[0] ?? null
    const { noticeId, onLeg, part: number } = part
    rows.submissions.push({ noticeId, leg: onLeg, part: number, state, messageId, error: report.error, at })
    advanceLeg(part, found, { at, error: report.error }, how, rows)
  }
}

function advanceLeg(
  part: PartNow,
  found: Found,
  { at, error }: { at: Date; error: string | null },
  how: Posting,
  rows: Pick<BatchRows, 'noticeStates' | 'told' | 'recheck'>,
): void {
  const leg = found.leg(part)
  const before = found.states.get(part.noticeId) ?? part.state
  const state = stateOfLeg(
    leg.map(({ partState }) => partState),
    part.parts,
  )
  if (state === null || !advances(before, state) || (part.onLeg !== part.leg && !arrived(state))) {
    // Another gateway may be settling the other parts this moment; neither would see them all.
    if (part.parts > 1) rows.recheck.push(part.noticeId)
    return
  }
  found.states.set(part.noticeId, state)
  const failed = failures.includes(state)
  enter(part, { state, at, leg: part.onLeg, error, detail: failed ? failure(state, error) : null }, how, rows)
}

const failure = (state: NoticeState, error: string | null) =>
  error === null ? `the message centre says ${state}` : `the message centre says ${state}, error ${error}`

/** What the parts' states make of the whole; `null`: not to be told yet. */
export function stateOfLeg(states: readonly SubmissionState[], parts: number): NoticeState | null {
  const failed = states.find((state) => failures.includes(state))
  if (failed !== undefined) return failed
  if (states.length < parts) return null
  if (states.every((state) => state === 'delivered')) return 'delivered'
  if (states.includes('sending')) return null
  return states.includes('in-doubt') ? 'in-doubt' : 'accepted'
}
