import { createHash } from 'node:crypto'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { DeliveryReport, DeliveryState, Report, TextReport } from '../../gateway/report.ts'
import { brokenReports, contentsOf } from './contents.ts'
import { type DeliverReq, type DeliveryReportReq, type Mm7Request, readRequest } from './mm7.ts'
import { titleOf } from './retrieved.ts'
import { recipient, senderUri } from './sender.ts'

/**
 * What an MM7 request is accepted as. The key: what it is, the SOAP header's TransactionID, and what else tells two messages
 * apart where a centre counts transactions anew each day (LinkedID, sender, time stamp; of a report: the submission, its
 * recipient, state and time). A centre that repeats a request gives all of them again. Without a TransactionID, and where
 * nothing can be read: the bytes.
 */
export function mm7Inbound(raw: Uint8Array, contentType: string, request: Mm7Request | null): Inbound {
  return { key: keyOf(raw, contentType, request), raw, envelope: { contentType } }
}

function keyOf(raw: Uint8Array, contentType: string, request: Mm7Request | null): string {
  if (request === null || request.transactionId === null)
    return `content/${createHash('sha256').update(`${contentType}\n`).update(raw).digest('base64url')}`
  const parts = [request.transactionId, ...identity(request)]
  return [request.is, ...parts.map((part) => (part ?? '').replaceAll('\0', '').slice(0, 120))].join('/')
}

function identity(request: Mm7Request): readonly (string | null)[] {
  switch (request.is) {
    case 'DeliverReq':
      return [request.linkedId, request.sender, request.timeStamp]
    case 'DeliveryReportReq':
      return [request.messageId, request.recipient, request.mmStatus, request.date]
    case 'ReadReplyReq':
      return [request.messageId]
  }
}

export interface Mm7Reading {
  readonly country: string
  readonly account: string
}

export function decodeMm7({ raw, envelope }: Received, reading: Mm7Reading): Report[] {
  const request = readRequest(raw, envelope.contentType ?? '')
  switch (request.is) {
    case 'DeliverReq':
      return deliver(request, reading)
    case 'DeliveryReportReq':
      return [delivery(request, reading)]
    case 'ReadReplyReq':
      // Known, and of no use here: that it was delivered is what a reporter is owed.
      return []
  }
}

function deliver(request: DeliverReq, { country }: Mm7Reading): Report[] {
  if (request.sender === null) throw new GatewayError('DECODE_FIELD', 'MM7: a DeliverReq without Sender')
  const { contents, broken } = contentsOf(request.parts)
  const report: TextReport = {
    kind: 'text',
    subject: senderUri(request.sender, country),
    deviceTime: timeOf(request.timeStamp),
    medium: 'mms',
    to: recipient(request.recipients[0]),
    title: titleOf(request.subject),
    ...contents,
    missingParts: [],
  }
  return [report, ...brokenReports(broken, 1)]
}

/** 23.140, 8.1.4.6 and annex L, MMStatus; `null`: it is still on its way. */
const states: Readonly<Record<string, DeliveryState | null>> = {
  retrieved: 'delivered',
  expired: 'expired',
  rejected: 'rejected',
  deferred: null,
  forwarded: null,
  indeterminate: 'unknown',
  unreachable: 'undeliverable',
  unrecognised: 'undeliverable',
  unrecognized: 'undeliverable',
  notsupported: 'undeliverable',
}

function delivery(request: DeliveryReportReq, { country, account }: Mm7Reading): DeliveryReport {
  const { messageId, mmStatus, statusText } = request
  const state = states[mmStatus.toLowerCase().replace(/[^a-z]/g, '')]
  return {
    kind: 'delivery',
    subject: senderUri(request.recipient, country),
    deviceTime: timeOf(request.date),
    account,
    messageIds: [messageId],
    state: state === undefined ? 'unknown' : state,
    error:
      state === 'delivered' || state === null
        ? null
        : [mmStatus, statusText].filter((word) => word !== null).join(': '),
    reference: null,
  }
}

/** A time without an offset is of nobody knows which zone. */
function timeOf(text: string | null): Date | null {
  if (text === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return null
  const time = new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  return Number.isNaN(time.getTime()) ? null : time
}
