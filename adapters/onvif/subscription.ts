import { describe, GatewayError } from '../../gateway/errors.ts'
import { type Device, DeviceFault } from './device.ts'
import type { DeviceOptions } from './device-options.ts'
import { type Endpoint, granted, lifetimeIn, requests } from './operations.ts'

/** `consumer`: where notifications are posted to; `null`: they are pulled. */
interface Wanted {
  readonly events: Endpoint
  readonly consumer: string | null
}

/** Unsubscribing is a courtesy: a device that does not answer forgets the subscription by itself. */
const farewellMs = 2000

/** For so long after subscribing a device tells what holds. */
const stateWithinMs = 10_000

/** One subscription at a device, and how long it still lives. */
export class Subscription {
  readonly endpoint: Endpoint
  readonly #device: Device
  readonly #options: DeviceOptions
  #lifetimeMs: number
  #endsAt: number
  readonly #openedAt = Date.now()
  #renewable = true

  private constructor(device: Device, options: DeviceOptions, endpoint: Endpoint, lifetimeMs: number) {
    this.#device = device
    this.#options = options
    this.endpoint = endpoint
    this.#lifetimeMs = lifetimeMs
    this.#endsAt = Date.now() + lifetimeMs
  }

  /** Subscribes and asks for what holds now: every property comes as Initialized. */
  static async open(device: Device, options: DeviceOptions, wanted: Wanted, stop: AbortSignal): Promise<Subscription> {
    const answer = await subscribe(device, options, wanted, options.lifetime, stop).catch((error: unknown) => {
      const unacceptable = error instanceof DeviceFault && /TerminationTime/.test(error.fault.codes.join())
      if (!unacceptable) throw error
      return subscribe(device, options, wanted, null, stop)
    })
    const made = new Subscription(device, options, answer.endpoint, answer.lifetimeMs ?? options.lifetime)
    try {
      await device.ask('SetSynchronizationPoint', requests.setSynchronizationPoint(), made.endpoint, stop)
    } catch (error) {
      // Optional for devices whose properties come on subscribing anyway.
      if (!(error instanceof GatewayError) || stop.aborted) throw error
    }
    return made
  }

  get remainingMs(): number {
    return this.#endsAt - Date.now()
  }

  /** For the envelope: whether a property that comes as Initialized now has just come to be. */
  get marks(): Readonly<Record<string, string>> {
    return Date.now() - this.#openedAt > stateWithinMs ? { live: 'yes' } : {}
  }

  get #due(): boolean {
    return this.remainingMs < this.#lifetimeMs / 2
  }

  /** After this long it wants to be renewed. */
  get dueInMs(): number {
    return Math.max(0, this.remainingMs - this.#lifetimeMs / 2)
  }

  /**
   * Renews when half of the time has passed. `refused`: the device knows no Renew, so the subscription ends when its time is
   * over. Rejects when the subscription or the device is gone.
   */
  async keep(stop: AbortSignal): Promise<'alive' | 'refused'> {
    if (!this.#due) return 'alive'
    if (!this.#renewable) return 'refused'
    try {
      const { body } = await this.#device.ask('Renew', requests.renew(this.#options.lifetime), this.endpoint, stop)
      const before = this.remainingMs
      const now = lifetimeIn(body.children[0] ?? null, this.#device.now) ?? this.#options.lifetime
      // Some say yes and give the old time back.
      if (now > before + this.#lifetimeMs / 4) this.#lives(now)
      else this.#renewable = false
      return this.#renewable ? 'alive' : 'refused'
    } catch (error) {
      if (!(error instanceof DeviceFault) || gone(error)) throw error
      this.#renewable = false
      return 'refused'
    }
  }

  /**
   * What an answer to a pull says is left: many devices prolong with every pull, some grant less then. Never less of a
   * lifetime: half of it is when to renew, and must come although every answer differs by a little from what was reckoned.
   */
  told(remainingMs: number | null): void {
    if (remainingMs === null) return
    this.#endsAt = Date.now() + remainingMs
    this.#lifetimeMs = Math.max(this.#lifetimeMs, remainingMs)
  }

  #lives(ms: number): void {
    this.#lifetimeMs = ms
    this.#endsAt = Date.now() + ms
  }

  /** Never rejects. `null`: it went well. */
  async close(): Promise<string | null> {
    try {
      await this.#device.ask('Unsubscribe', requests.unsubscribe(), this.endpoint, AbortSignal.timeout(farewellMs))
      return null
    } catch (error) {
      return describe(error)
    }
  }
}

const gone = ({ fault }: DeviceFault): boolean =>
  /ResourceUnknown|NotAuthorized|InvalidArgVal|UnknownSubscription|UnableToRenew/i.test(fault.codes.join())

async function subscribe(
  device: Device,
  { topics }: DeviceOptions,
  { events, consumer }: Wanted,
  lifetimeMs: number | null,
  stop: AbortSignal,
) {
  const { body } = await (consumer === null
    ? device.ask('CreatePullPointSubscription', requests.createPullPointSubscription(topics, lifetimeMs), events, stop)
    : device.ask('Subscribe', requests.subscribe(consumer, topics, lifetimeMs), events, stop))
  return granted(body)
}
