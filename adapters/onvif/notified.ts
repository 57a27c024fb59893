import type { AdapterContext, Inbound, Receipt } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Outcome, WebhookAnswer } from '../../gateway/web/webhook.ts'
import { messagesOf, unreadable } from './notification.ts'
import { faultEnvelope } from './soap.ts'
import { readXml } from './xml.ts'

/** What one request holds: a message a notification, or itself where it cannot be read. */
export function messagesIn(whole: Inbound): readonly [Inbound, ...Inbound[]] {
  const [first, ...others] = opened(whole.raw).map((one) => ({
    ...one,
    envelope: { ...one.envelope, ...whole.envelope },
  }))
  if (first !== undefined) return [first, ...others]
  const { key, raw, envelope } = unreadable(whole.raw)
  return [{ key, raw, envelope: { ...envelope, ...whole.envelope } }]
}

function opened(raw: Uint8Array): Inbound[] {
  try {
    return messagesOf(raw, readXml(raw))
  } catch (error) {
    if (error instanceof GatewayError) return []
    throw error
  }
}

/**
 * The context of a door that takes requests of several notifications: all of them are durable, or the device sends them
 * again, and those that were stored are known. `heard`: told of each request; what it gives goes into the envelopes.
 */
export function takingApart(context: AdapterContext, heard: () => Readonly<Record<string, string>>): AdapterContext {
  return {
    name: context.name,
    http: context.http,
    log: context.log,
    report: (link) => context.report(link),
    arrived: (addressee) => context.arrived(addressee),
    refused: (reason, fields) => context.refused(reason, fields),
    accept: async (whole) => {
      const marked = { ...whole, envelope: { ...whole.envelope, ...heard() } }
      const settled = await Promise.allSettled(messagesIn(marked).map((message) => context.accept(message)))
      const receipts = settled.map((one): Receipt => {
        if (one.status === 'rejected') throw one.reason
        return one.value
      })
      return receipts.find((receipt) => receipt !== 'dead-lettered') ?? 'dead-lettered'
    },
  }
}

/** WS-BaseNotification has no answer to Notify: 202 without a body, or a fault. */
export function notifyAnswer(outcome: Outcome): WebhookAnswer {
  const type = 'application/soap+xml; charset=utf-8'
  const faulty = (status: number, who: 's:Sender' | 's:Receiver', reason: string, headers = {}): WebhookAnswer => ({
    status,
    headers,
    type,
    body: faultEnvelope([who], reason).toString(),
  })
  if (outcome.is === 'busy')
    return faulty(503, 's:Receiver', 'nothing was stored: send it again', { 'retry-after': '5' })
  if (outcome.is === 'too-large') return faulty(413, 's:Sender', 'the request is too large')
  if (outcome.is === 'objected') return faulty(outcome.objection.status, 's:Sender', outcome.objection.reason)
  if (outcome.receipt === 'dead-lettered') return faulty(400, 's:Sender', 'the request makes no sense')
  return { status: 202 }
}
