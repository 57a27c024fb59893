import type { Adapter, AdapterContext, AdapterKind, Errand } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { MqttSubscription } from '../../gateway/web/mqtt-subscription.ts'
import { Webhook } from '../../gateway/web/webhook.ts'
import { decodeFrigate, eventKey, FrigateFeed } from './frigate-messages.ts'
import { connectOptions, type FrigateOptions, frigateOptions } from './frigate-options.ts'
import { fetchedSnapshot } from './frigate-snapshot.ts'
import { frigateFilters } from './frigate-topics.ts'

/** `kind: nvr-frigate`: Frigate's events from a broker, or as somebody posts them to /ingest/<name>/events. */
export const nvrFrigate: AdapterKind<FrigateOptions> = {
  kind: 'nvr-frigate',
  channel: 'video',
  options: frigateOptions,
  decode: decodeFrigate,
  exclusive: ({ mqtt }) => mqtt !== null,
  create: (options, context) => new FrigateLink(options, context),
}

export class FrigateLink implements Adapter {
  readonly #options: FrigateOptions
  readonly #context: AdapterContext
  readonly #webhook: Webhook | null
  readonly #subscription: MqttSubscription | null
  #running: AbortController | null = null

  constructor(options: FrigateOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#webhook = options.webhook === null ? null : door(options.webhook, options, context)
    this.#subscription = subscription(options, context)
  }

  async start(): Promise<void> {
    this.#running?.abort()
    this.#running = new AbortController()
    await this.#subscription?.open()
    this.#webhook?.open()
    const { mqtt } = this.#options
    if (mqtt !== null && this.#subscription?.client !== null) this.#context.report({ state: 'connected', to: mqtt.url })
  }

  async stop(): Promise<void> {
    this.#running?.abort()
    this.#running = null
    await Promise.all([this.#subscription?.close(), this.#webhook?.close()])
  }

  /** Fetches the picture of an object from Frigate's own API. */
  async perform(errand: Errand): Promise<void> {
    const signal = this.#running?.signal
    if (signal === undefined) throw new GatewayError('LINK_LOST', 'frigate: stopped')
    await this.#context.accept(await fetchedSnapshot(errand, this.#options, signal))
  }
}

function door(
  webhook: NonNullable<FrigateOptions['webhook']>,
  options: FrigateOptions,
  context: AdapterContext,
): Webhook {
  const route = {
    method: 'POST',
    path: '/events',
    inbound: ({ body, peer }: { body: Buffer; peer: string }) => ({
      key: eventKey(body),
      raw: body,
      envelope: { peer },
    }),
  } as const
  return new Webhook(context, webhook, [route], (message) => decodeFrigate(message, options))
}

function subscription(options: FrigateOptions, context: AdapterContext): MqttSubscription | null {
  const { mqtt, prefix, follow, snapshots } = options
  if (mqtt === null) return null
  const feed = new FrigateFeed(options)
  return new MqttSubscription({
    url: mqtt.url,
    options: () => connectOptions(mqtt),
    filters: frigateFilters(prefix, follow, snapshots === 'mqtt'),
    window: mqtt.window,
    take: async ({ topic, payload, retain }) => {
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
      await context.accept(feed.inbound({ topic, payload: bytes, retained: retain }))
    },
    down: (reason) => context.report({ state: 'down', reason }),
  })
}
