import type { PresenceReport, ReceiptReport } from '../../gateway/report.ts'
import { type JsonObject, label, oneOf, requiredText, text, time } from '../../gateway/web/json-fields.ts'

/** `v1/{device}/up/presence`; also fit for a will. */
export interface PresencePayload {
  readonly id?: string | null
  readonly time?: string | number | null
  readonly state: PresenceReport['state']
  /** of the handheld's software */
  readonly version?: string | null
}

/** `v1/{device}/up/receipt`: the handheld's word on a notice. */
export interface ReceiptPayload {
  readonly id?: string | null
  readonly time?: string | number | null
  readonly noticeId: string
  readonly state: ReceiptReport['state']
  readonly detail?: string | null
}

export function presenceReport(fields: JsonObject, subject: string): PresenceReport {
  return {
    kind: 'presence',
    subject,
    deviceTime: time(fields, 'time'),
    state: oneOf(fields, 'state', presenceStates),
    softwareVersion: label(fields, 'version'),
  }
}

const presenceStates: Readonly<Record<PresenceReport['state'], PresenceReport['state']>> = {
  online: 'online',
  offline: 'offline',
  'on-duty': 'on-duty',
  'off-duty': 'off-duty',
  leave: 'leave',
}

export function receiptReport(fields: JsonObject, subject: string): ReceiptReport {
  return {
    kind: 'receipt',
    subject,
    deviceTime: time(fields, 'time'),
    noticeId: requiredText(fields, 'noticeId'),
    state: oneOf(fields, 'state', receiptStates),
    detail: text(fields, 'detail'),
  }
}

const receiptStates: Readonly<Record<ReceiptReport['state'], ReceiptReport['state']>> = {
  delivered: 'delivered',
  read: 'read',
  done: 'done',
  refused: 'refused',
}
