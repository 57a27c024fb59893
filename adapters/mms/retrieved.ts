import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report, TextReport } from '../../gateway/report.ts'
import { brokenReports, contentsOf } from './contents.ts'
import { type Notification, readNotification, readRetrieveConf } from './mms-pdu.ts'
import { readPush } from './push.ts'
import { recipient, senderUri } from './sender.ts'

/**
 * What the retriever accepts, and how it is read again. Three kinds of message come of one MMS:
 *
 * - `retrieve-conf`: the MMS.
 * - `notification`: what is left of one that could not be fetched: who wrote, and under which subject.
 * - `confirmation`: the m-notifyresp-ind that told the centre. It says nothing about the city; it takes the key of
 *   `notification`, so that a push that comes again, after the centre has forgotten the MMS, makes no second report.
 *
 * The key is the centre's host, its X-Mms-Transaction-Id and From: a centre repeats a push in other bytes, but with these.
 */

export interface Announced {
  readonly notification: Notification
  /** The datagram: the push as it came. */
  readonly push: Uint8Array
  readonly host: string
}

/** Throws a `DECODE_` error when it is no push of an m-notification-ind. */
export function announced(push: Uint8Array): Announced {
  const notification = readNotification(readPush(push))
  const { contentLocation } = notification
  return { notification, push, host: URL.canParse(contentLocation) ? new URL(contentLocation).host : '' }
}

export const identity = ({ notification, host }: Announced): string =>
  [host, notification.transactionId, notification.from ?? '']
    .map((one) => one.replaceAll('\0', '').slice(0, 200))
    .join('/')

/** When it can no longer be fetched. A week, where the notification does not say; centres keep an MMS for two or three days. */
export function expiryOf({ expiry }: Notification, receivedAt: Date): Date {
  if (expiry !== null && 'at' in expiry) return expiry.at
  return new Date(receivedAt.getTime() + Math.min(expiry?.inS ?? weekS, yearS) * 1000)
}

const weekS = 7 * 86_400
const yearS = 366 * 86_400

export function retrievedMessage(one: Announced, conf: Uint8Array): Inbound {
  const { from, subject } = one.notification
  return {
    key: `mms/${identity(one)}`,
    raw: conf,
    envelope: {
      is: 'retrieve-conf',
      host: one.host,
      ...(from !== null && { from }),
      ...(subject !== null && { subject }),
    },
  }
}

export function unfetchedMessage(one: Announced, reason: string): Inbound {
  return { key: `told/${identity(one)}`, raw: one.push, envelope: { is: 'notification', host: one.host, reason } }
}

export function confirmationMessage(one: Announced, notifyResp: Uint8Array): Inbound {
  return { key: `told/${identity(one)}`, raw: notifyResp, envelope: { is: 'confirmation', host: one.host } }
}

export function decodeRetrieved({ raw, envelope }: Received, country: string): Report[] {
  switch (envelope.is) {
    case 'retrieve-conf':
      return conf(raw, envelope, country)
    case 'notification':
      return unfetched(raw, envelope.reason ?? '', country)
    case 'confirmation':
      return []
    default:
      throw new GatewayError('DECODE_UNSUPPORTED', 'MMS: the envelope does not say what this is')
  }
}

function conf(raw: Uint8Array, envelope: Received['envelope'], country: string): Report[] {
  try {
    const read = readRetrieveConf(raw)
    const { contents, broken } = contentsOf(read.parts)
    const report: TextReport = {
      ...nothingMore,
      subject: senderUri(read.from ?? envelope.from ?? null, country),
      deviceTime: read.date,
      to: recipient(read.to[0]),
      title: titleOf(read.subject ?? envelope.subject),
      ...contents,
    }
    return [report, ...brokenReports(broken, 1)]
  } catch (error) {
    // Somebody wrote, and the notification says who: that much is told, beside the dead letter.
    if (!(error instanceof GatewayError) || envelope.from === undefined) throw error
    const report = withoutContent(envelope.from, envelope.subject ?? null, country)
    return [report, ...brokenReports([{ code: error.code, detail: error.detail }], 1)]
  }
}

function unfetched(push: Uint8Array, reason: string, country: string): Report[] {
  const { from, subject } = readNotification(readPush(push))
  return [withoutContent(from, subject, country), ...brokenReports([{ code: 'DECODE_UNFETCHED', detail: reason }], 1)]
}

const withoutContent = (from: string | null, subject: string | null, country: string): TextReport => ({
  ...nothingMore,
  subject: senderUri(from, country),
  deviceTime: null,
  to: null,
  title: titleOf(subject),
  text: null,
  attachments: [],
})

const nothingMore = { kind: 'text', medium: 'mms', missingParts: [] } as const

/** A subject line of nothing is none. */
export function titleOf(subject: string | null | undefined): string | null {
  const title = (subject ?? '').replaceAll('\0', '\ufffd').trim()
  // Cut between the halves of a pair it would be no text that jsonb takes.
  return title === '' ? null : title.slice(0, 1000).toWellFormed()
}
