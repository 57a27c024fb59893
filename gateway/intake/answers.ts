import { v7 as uuidv7 } from 'uuid'
import type { NoticeDraft } from '../notices/draft.ts'
import { isInternational } from '../subscriber.ts'
import type { WritingReporter } from '../triage/triage.ts'
import type { BatchRows, EnquiryRow } from './rows.ts'

/** The core's last word on a report, as the reporter may hear it. */
export interface KnownReport {
  readonly intentId: string
  readonly queryNumber: string
  readonly subject: string
  readonly stage: string | null
  readonly stageText: string | null
}

/**
 * 收到: the answer with the query number. Service numbers and alphanumeric senders get none: what writes from there is a
 * machine, and two machines would answer each other for ever.
 */
export function acknowledgement(reporter: WritingReporter, adapter: string): NoticeDraft[] {
  const { intentId, queryNumber, subject } = reporter
  if (!isInternational(subject)) return []
  return [
    {
      ...plain,
      id: uuidv7(),
      idempotencyKey: `received ${intentId}`,
      to: { subscriber: subject },
      adapter,
      template: 'received',
      fields: { queryNumber },
      intentId,
    },
  ]
}

/** Whoever asks is told the state alone: a number may be mistyped, and is no password. */
export function answerEnquiries(rows: BatchRows, known: ReadonlyMap<string, KnownReport>): void {
  for (const enquiry of rows.enquiries) {
    const { subject, number, adapter, messageId } = enquiry
    if (!isInternational(subject)) continue
    const report = number === null ? undefined : known.get(number)
    const answer =
      report === undefined
        ? { template: 'help', fields: {} }
        : { template: 'state', fields: { queryNumber: report.queryNumber, state: stateOf(report) } }
    const own = report?.subject === subject ? report.intentId : null
    rows.notices.push({
      ...plain,
      ...answer,
      id: uuidv7(),
      idempotencyKey: `enquiry ${messageId}`,
      to: { subscriber: subject },
      adapter,
      intentId: own,
    })
  }
}

/** The core's own words, or the name of the stage; else that it is with the core. */
function stateOf({ stage, stageText }: KnownReport): string {
  return stageText ?? stage ?? '已登记，等待受理'
}

const plain = { urgent: true, extension: null, expiresAt: null } as const

export function numbersAsked({ enquiries, correspondences }: BatchRows): string[] {
  const asked = enquiries.flatMap(({ number }: EnquiryRow) => number ?? [])
  return [...new Set([...asked, ...correspondences.flatMap(({ addsTo }) => addsTo ?? [])])]
}
