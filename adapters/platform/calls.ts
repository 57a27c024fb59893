import type { Adapter, AdapterContext, AdapterKind, Received } from '../../gateway/adapter.ts'
import type { Report } from '../../gateway/report.ts'
import { elementsOf } from '../../gateway/web/json-text.ts'
import { type Delivery, Webhook } from '../../gateway/web/webhook.ts'
import { callReport, formReport } from './call-payload.ts'
import { type CallCentreOptions, callCentreOptions } from './options.ts'
import { inboundOf, utf8Of } from './payload.ts'

/** `kind: platform-calls`: a call centre posts its calls to /ingest/<name>/calls and its seats' forms to …/forms. */
export const platformCalls: AdapterKind<CallCentreOptions> = {
  kind: 'platform-calls',
  channel: 'call',
  options: callCentreOptions,
  decode,
  create: (options, context) => new CallCentre(options, context),
}

const forms = '/forms'

function decode(message: Received, options: CallCentreOptions): Report[] {
  const { path, exchange = '' } = message.envelope
  const read = path === forms ? formReport : callReport
  return elementsOf(utf8Of(message), options.maxElements, 'the request', (fields) => [read(fields, exchange, options)])
}

class CallCentre implements Adapter {
  readonly #webhook: Webhook

  constructor(options: CallCentreOptions, context: AdapterContext) {
    const exchange = options.exchange ?? context.name
    const inbound = (delivery: Delivery) => inboundOf(delivery, { exchange })
    this.#webhook = new Webhook(
      context,
      options,
      ['/calls', forms].map((path) => ({ method: 'POST', path, inbound })),
      (message) => decode(message, options),
    )
  }

  async start(): Promise<void> {
    this.#webhook.open()
  }

  stop(): Promise<void> {
    return this.#webhook.close()
  }
}
