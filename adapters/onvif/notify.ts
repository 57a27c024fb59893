import type { Adapter, AdapterContext, AdapterKind, Errand } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { Webhook } from '../../gateway/web/webhook.ts'
import { pause } from './deadline.ts'
import { Device } from './device.ts'
import { ns } from './names.ts'
import { notifyAnswer, takingApart } from './notified.ts'
import { type NotifyOptions, notifyOptions, type SubscribeOptions } from './notify-options.ts'
import { decode } from './reports.ts'
import { Snapshots } from './snapshots.ts'
import { Subscription } from './subscription.ts'

/** `kind: onvif-notify`: an ONVIF camera or recorder posts its alarms to /ingest/<name> (WS-BaseNotification). */
export const onvifNotify: AdapterKind<NotifyOptions> = {
  kind: 'onvif-notify',
  channel: 'video',
  options: notifyOptions,
  decode: (message, options) => decode(message, readingOf(options)),
  exclusive: ({ subscribe }) => subscribe !== 'off',
  create: (options, context) => new NotifyListener(options, context),
}

const readingOf = ({ camera, cameras, subscribe }: NotifyOptions) => ({
  camera,
  cameras,
  snapshots: subscribe === 'off' ? ('off' as const) : subscribe.snapshots,
})

interface Session {
  readonly stop: AbortController
  running: Promise<void>
  subscription: Subscription | null
  snapshots: Snapshots | null
}

export class NotifyListener implements Adapter {
  readonly #options: NotifyOptions
  readonly #context: AdapterContext
  readonly #webhook: Webhook
  readonly #device: Device | null
  readonly #performing = new Set<Promise<unknown>>()
  #session: Session | null = null
  #heardAt = 0

  constructor(options: NotifyOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#device = options.subscribe === 'off' ? null : new Device(options.subscribe)
    const heard = () => {
      this.#heardAt = Date.now()
      return this.#session?.subscription?.marks ?? {}
    }
    this.#webhook = new Webhook(
      takingApart(context, heard),
      options,
      [
        {
          method: 'POST',
          path: '/',
          inbound: ({ body, peer }) => ({ key: '', raw: body, envelope: { peer } }),
          answer: notifyAnswer,
        },
      ],
      (message) => onvifNotify.decode(message, options),
    )
  }

  /** The door is open before the device is told of it: it tells its state at once. */
  async start(): Promise<void> {
    const session: Session = {
      stop: new AbortController(),
      running: Promise.resolve(),
      subscription: null,
      snapshots: null,
    }
    this.#session = session
    this.#webhook.open()
    const { subscribe } = this.#options
    if (subscribe === 'off' || this.#device === null) return
    const { signal } = session.stop
    const services = await this.#device.meet(signal)
    const address = services.get(ns.events)
    if (address === undefined)
      throw new GatewayError('LINK_CONNECT', `${this.#device.origin.host} has no event service`)
    const { snapshots } = subscribe
    session.snapshots =
      snapshots === 'off' ? null : new Snapshots(this.#device, snapshots, services.get(ns.media) ?? null)
    const open = () => this.#subscribe(subscribe, address, signal)
    session.subscription = await open()
    this.#context.report({ state: 'connected', to: this.#device.origin.host })
    session.running = this.#keep(session, subscribe, open).catch((error: unknown) => {
      if (!signal.aborted) this.#context.report({ state: 'down', reason: describe(error) })
    })
  }

  async stop(): Promise<void> {
    const session = this.#session
    this.#session = null
    session?.stop.abort()
    await Promise.allSettled([session?.running, this.#webhook.close(), ...this.#performing])
    await session?.subscription?.close()
  }

  async perform(errand: Errand): Promise<void> {
    const session = this.#session
    if (session === null) throw new GatewayError('LINK_LOST', 'the link to the camera is down')
    if (session.snapshots === null)
      throw new GatewayError('DECODE_NOT_ALLOWED', 'no picture is fetched: subscribe or snapshots is off')
    const taking = session.snapshots.take(errand, session.stop.signal).then((message) => this.#context.accept(message))
    this.#performing.add(taking)
    try {
      await taking
    } finally {
      this.#performing.delete(taking)
    }
  }

  #subscribe(subscribe: SubscribeOptions, address: string, signal: AbortSignal): Promise<Subscription> {
    if (this.#device === null) throw new GatewayError('LINK_CONNECT', 'subscribe: off')
    const consumer = consumerAddress(subscribe.consumer, this.#context.name, this.#options.key?.reveal() ?? null)
    this.#heardAt = Date.now()
    return Subscription.open(this.#device, subscribe, { events: { address, parameters: [] }, consumer }, signal)
  }

  async #keep(session: Session, options: SubscribeOptions, open: () => Promise<Subscription>): Promise<void> {
    const { signal } = session.stop
    while (!signal.aborted && session.subscription !== null) {
      const old: Subscription = session.subscription
      const silentInMs = this.#heardAt + options.renewAfterSilence - Date.now()
      await pause(signal, Math.max(Math.min(old.dueInMs + 1, silentInMs, longestPauseMs), shortestPauseMs))
      if (signal.aborted) return
      const kept = await old.keep(signal)
      const silent = Date.now() - this.#heardAt >= options.renewAfterSilence
      if (!silent && !(kept === 'refused' && old.remainingMs < options.answerWithin)) continue
      session.subscription = await open()
      const why = silent
        ? 'a subscription that brought nothing was replaced'
        : 'a subscription that cannot be renewed was replaced'
      this.#context.refused(why, { device: this.#device?.origin.host })
      await old.close()
    }
  }
}

const longestPauseMs = 60_000
const shortestPauseMs = 20

/** The key makes the address unguessable: devices can be told an address and nothing else. */
export function consumerAddress(consumer: string, name: string, key: string | null): string {
  const url = new URL(consumer)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/ingest/${encodeURIComponent(name)}`
  if (key !== null) url.searchParams.set('key', key)
  return url.href
}
