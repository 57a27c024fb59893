import type { OutboxRow } from '../intake/rows.ts'
import type { DeliveryReport } from '../report.ts'
import type { NoticeState, SubmissionState } from './state.ts'
import type { Way } from './way.ts'

/** What notices add to a batch, in the words of the tables. */

export type Audience = 'citizen' | 'collector' | 'department' | 'device'

/** A notice as it is first stored, `queued`. */
export interface NewNotice {
  readonly id: string
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly adapter: string
  readonly addressee: string
  readonly kind: 'task' | 'notice' | 'parameters'
  readonly body: unknown
  readonly expiresAt: Date | null
  readonly createdAt: Date
  readonly notBefore: Date | null
  readonly audience: Audience
  readonly urgent: boolean
  readonly template: string | null
  readonly text: string | null
  /** Empty: by `adapter`, and what follows is worked out when it is needed. */
  readonly routes: readonly Way[]
  readonly intentId: string | null
  readonly caseNumber: string | null
  readonly tells: 'answer' | 'result' | null
  readonly groupId: string | null
  readonly reviewAt: Date | null
}

/** A state that a notice enters, with its events. All of it is left out where the notice has gone further meanwhile. */
export interface NoticeStateRow {
  readonly noticeId: string
  readonly leg: number
  readonly state: NoticeState
  readonly at: Date
  readonly detail: string | null
  readonly reviewAt: Date | null
  /** Where the leg that begins goes; `null`: the leg is the one it was. */
  readonly way: { readonly adapter: string; readonly addressee: string } | null
  /** It says something of the state that the notice is in already. */
  readonly remark: boolean
  readonly notBefore: Date | null
  readonly events: readonly OutboxRow[]
}

/** What becomes of a part that was handed in. */
export interface SubmissionRow {
  readonly noticeId: string
  readonly leg: number
  readonly part: number
  readonly state: SubmissionState
  readonly messageId: string | null
  readonly error: string | null
  readonly at: Date
}

/** A receipt with the message it came in. */
export interface DeliveryRow {
  readonly report: DeliveryReport
  readonly messageId: string
  readonly receivedAt: Date
}

/** A reporter has had an answer, or the result. */
export interface ToldRow {
  readonly intentId: string
  readonly what: 'answer' | 'result'
  readonly at: Date
}

/** The core's word on a report. */
export interface StageRow {
  readonly intentId: string
  readonly stage: string | null
  readonly text: string | null
  readonly at: Date
  readonly caseNumber: string | null
  /** Nothing more is owed, and why. */
  readonly closedWhy: string | null
}
