import { createHash } from 'node:crypto'
import type { Adapter, AdapterContext, AdapterKind, Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import {
  type Delivery,
  type Outcome,
  plainAnswer,
  refuseTooLarge,
  Webhook,
  type WebhookAnswer,
} from '../../gateway/web/webhook.ts'
import { callReport } from './call-report.ts'
import { record, unwrapped } from './cdr-body.ts'
import { legOfJson, parseJson } from './cdr-json.ts'
import { legOfXml } from './cdr-xml.ts'
import type { Leg } from './leg.ts'
import { type CdrOptions, cdrOptions } from './options.ts'

/** `kind: freeswitch-cdr`: mod_json_cdr, mod_xml_cdr or mod_format_cdr posts to /ingest/<name>. */
export const freeswitchCdr: AdapterKind<CdrOptions> = {
  kind: 'freeswitch-cdr',
  channel: 'call',
  options: cdrOptions,
  decode: decodeCdr,
  create: (options, context) => new CdrListener(options, context),
}

/** Of a list. They are stored in one transaction. */
const mostRecords = 1000

/** One record, or a list of them; one that makes no sense among others is dead alone. */
export function decodeCdr(message: Received, options: CdrOptions): Report[] {
  refuseTooLarge(message)
  const text = record(message.raw)
  if (text.startsWith('<')) return [reportOf(legOfXml(text), message, options)]
  const value = parseJson(text)
  if (!Array.isArray(value)) return [reportOf(legOfJson(value), message, options)]
  if (value.length > mostRecords)
    throw new GatewayError('DECODE_TOO_LARGE', `FreeSWITCH CDR: a list of ${value.length} records`)
  return value.map((one: unknown, index): Report => {
    try {
      return reportOf(legOfJson(one), message, options)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      return { kind: 'malformed', index, code: error.code, detail: error.message }
    }
  })
}

function reportOf(leg: Leg, { envelope }: Received, options: CdrOptions): Report {
  const exchange = options.exchange ?? envelope.exchange ?? ''
  return callReport({ leg, exchange, heard: 'record', at: null, over: true }, options)
}

/**
 * The key is the record itself, without what is put around it: a repeat, the same record by another of the module's
 * addresses or from the exchange's disk has the same one. A record of the same leg that says something else (it was put
 * right at the exchange) is another message.
 */
function inbound({ body, peer, contentType, query }: Delivery, exchange: string): Inbound {
  const key = createHash('sha256')
    .update(unwrapped(body) ?? body)
    .digest('base64url')
  const envelope: Record<string, string> = { peer, contentType, exchange }
  if (query.uuid !== undefined) envelope.uuid = query.uuid.slice(0, 100)
  return { key, raw: body, envelope }
}

/**
 * The modules look at the status alone: 2xx is taken, all else is posted again and written to the exchange's disk in the
 * end. A dead letter is kept here whole and no repeat would make more of it, so it is taken. Of a request that is too
 * large only the beginning is kept here, so it stays at the exchange.
 */
function answer(outcome: Outcome): WebhookAnswer {
  const plain = plainAnswer(outcome)
  return outcome.is === 'taken' ? { ...plain, status: 200 } : plain
}

class CdrListener implements Adapter {
  readonly #webhook: Webhook

  constructor(options: CdrOptions, context: AdapterContext) {
    const exchange = options.exchange ?? context.name
    const route = {
      method: 'POST' as const,
      path: '/',
      inbound: (delivery: Delivery) => inbound(delivery, exchange),
      answer,
    }
    this.#webhook = new Webhook(context, options, [route], (message) => decodeCdr(message, options))
  }

  async start(): Promise<void> {
    this.#webhook.open()
  }

  stop(): Promise<void> {
    return this.#webhook.close()
  }
}
