import type { City } from '../city/city.ts'
import { noticeOf } from '../notices/draft.ts'
import type { NewNotice } from '../notices/rows.ts'
import { newId } from '../store/message-id.ts'
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
export function acknowledgement(reporter: WritingReporter, adapter: string, city: City, at: Date): NewNotice[] {
  const { intentId, queryNumber, subject } = reporter
  if (!isInternational(subject)) return []
  const draft = {
    ...plain,
    id: newId(),
    idempotencyKey: `received ${intentId}`,
    to: { subscriber: subject },
    adapter,
    template: 'received',
    fields: { queryNumber },
    intentId,
  }
  const notice = noticeOf(draft, city, at)
  return notice === null ? [] : [notice]
}

/** Whoever asks is told the state alone: a number may be mistyped, and is no password. */
export function answerEnquiries(rows: BatchRows, known: ReadonlyMap<string, KnownReport>, city: City): void {
  for (const enquiry of rows.enquiries) {
    const { subject, number, adapter, messageId, receivedAt } = enquiry
    if (!isInternational(subject)) continue
    const report = number === null ? undefined : known.get(number)
    const answer =
      report === undefined
        ? { template: 'help', fields: {} }
        : { template: 'state', fields: { queryNumber: report.queryNumber, state: stateOf(report, city) } }
    const own = report?.subject === subject ? report.intentId : null
    const draft = {
      ...plain,
      ...answer,
      id: newId(),
      idempotencyKey: `enquiry ${messageId}`,
      to: { subscriber: subject },
      adapter,
      intentId: own,
    }
    const notice = noticeOf(draft, city, receivedAt)
    if (notice !== null) rows.notices.push(notice)
  }
}

/** The core's own words, or the city's for the stage; else that it is with the core. */
export function stateOf({ stage, stageText }: Pick<KnownReport, 'stage' | 'stageText'>, city: City): string {
  return stageText ?? (stage === null ? '已登记，等待受理' : (city.template(stage)?.title ?? stage))
}

// Answers are sent at night too, since they are answers; urgent ones would pass the daily cap, and a machine that answers
// every answer is stopped by nothing else.
const plain = { urgent: false, extension: null, expiresAt: null } as const

export function numbersAsked({ enquiries, correspondences }: BatchRows): string[] {
  const asked = enquiries.flatMap(({ number }: EnquiryRow) => number ?? [])
  return [...new Set([...asked, ...correspondences.flatMap(({ addsTo }) => addsTo ?? [])])]
}
