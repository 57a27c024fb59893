import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { pause } from './deadline.ts'
import { type Device, type Reply, UnreadableReply } from './device.ts'
import type { DeviceOptions } from './device-options.ts'
import { messagesOf, unreadable } from './notification.ts'
import { type Endpoint, lifetimeIn, requests } from './operations.ts'
import { Subscription } from './subscription.ts'

export interface PullOptions extends DeviceOptions {
  readonly poll: number
  readonly limit: number
}

/** So many empty answers in a row that came at once: a subscription that is no more, at devices that have no fault for it. */
const suspicious = 5
/** What a device that never holds an answer is asked at most. */
const betweenQuickMs = 1000
const mostUnreadable = 3

/** Pulls from one subscription after the other, until the device or the store fails it. */
export class PullLoop {
  readonly #device: Device
  readonly #options: PullOptions
  readonly #context: AdapterContext
  readonly #store: (messages: readonly Inbound[]) => Promise<void>
  readonly #events: Endpoint
  #subscription: Subscription
  #quickEmpties = 0
  /** A new subscription answered at once and empty, too: the device is like that. */
  #neverHolds = false
  #unreadable = 0
  #heardAt = Date.now()

  private constructor(making: Making, subscription: Subscription) {
    this.#device = making.device
    this.#options = making.options
    this.#context = making.context
    this.#store = making.store
    this.#events = making.events
    this.#subscription = subscription
  }

  static async open(making: Making, stop: AbortSignal): Promise<PullLoop> {
    const { device, options, events } = making
    return new PullLoop(making, await Subscription.open(device, options, { events, consumer: null }, stop))
  }

  /** Rejects when the link is lost; resolves when it is stopped. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#keep(stop)
      await this.#pull(stop)
    }
  }

  close(): Promise<string | null> {
    return this.#subscription.close()
  }

  async #keep(stop: AbortSignal): Promise<void> {
    const kept = await this.#subscription.keep(stop)
    const { poll, answerWithin, renewAfterSilence } = this.#options
    if (kept === 'refused' && this.#subscription.remainingMs < poll + answerWithin)
      return this.#replace('a subscription that cannot be renewed was replaced', stop)
    if (Date.now() - this.#heardAt >= renewAfterSilence)
      return this.#replace('a subscription that brought nothing was replaced', stop)
    if (this.#quickEmpties >= suspicious && !this.#neverHolds) {
      this.#neverHolds = true
      return this.#replace('a subscription that answers at once and empty was replaced', stop)
    }
  }

  /** The new one is there before the old one goes: what both tell is stored once. */
  async #replace(why: string, stop: AbortSignal): Promise<void> {
    const old = this.#subscription
    const wanted = { events: this.#events, consumer: null }
    this.#subscription = await Subscription.open(this.#device, this.#options, wanted, stop)
    this.#context.refused(why, { device: this.#device.origin.host })
    this.#heardAt = Date.now()
    this.#quickEmpties = 0
    await old.close()
  }

  async #pull(stop: AbortSignal): Promise<void> {
    const asked = Date.now()
    const messages = await this.#messages(stop)
    if (messages === null) return
    if (messages.length > 0) {
      this.#heardAt = Date.now()
      this.#quickEmpties = 0
      this.#neverHolds = false
      await this.#store(messages)
      return
    }
    if (Date.now() - asked >= this.#options.poll / 2) {
      this.#quickEmpties = 0
      return
    }
    this.#quickEmpties++
    await pause(stop, Math.min(betweenQuickMs, this.#options.poll / 2))
  }

  /** `null`: an answer that makes no sense was kept as what it is. */
  async #messages(stop: AbortSignal): Promise<Inbound[] | null> {
    try {
      const { poll, limit } = this.#options
      const pulled = await this.#device.ask(
        'PullMessages',
        requests.pullMessages(poll, limit),
        this.#subscription.endpoint,
        stop,
        poll,
      )
      this.#unreadable = 0
      return this.#opened(pulled)
    } catch (error) {
      const known = error instanceof GatewayError && error.code.startsWith('DECODE_')
      if (!known || stop.aborted) throw error
      await this.#store([senseless(error)])
      if (++this.#unreadable >= mostUnreadable) throw error
      return null
    }
  }

  #opened(reply: Reply): Inbound[] {
    this.#subscription.told(lifetimeIn(reply.body.children[0] ?? null, null))
    return messagesOf(reply.bytes, reply, this.#subscription.marks)
  }
}

export interface Making {
  readonly device: Device
  readonly options: PullOptions
  readonly context: AdapterContext
  readonly events: Endpoint
  /** Resolves when all is durable. Rejects when something is not; it is held and stored before the next start. */
  readonly store: (messages: readonly Inbound[]) => Promise<void>
}

/** Of an answer above the limit there are no bytes: reading it ended there. */
function senseless(error: GatewayError): Inbound {
  if (error instanceof UnreadableReply) return unreadable(error.bytes)
  const { key, raw, envelope, ...more } = { ...unreadable(Buffer.from(error.detail)), keyHoldsMs: 0 }
  return { key, raw, envelope: { ...envelope, problem: error.detail }, ...more }
}
