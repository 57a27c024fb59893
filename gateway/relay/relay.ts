import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { v4 as uuidv4 } from 'uuid'
import { describe } from '../errors.ts'
import { type Answer, deliver, type Endpoint } from './deliver.ts'
import type { DestinationFilter } from './destination.ts'
import {
  type Claimed,
  claim,
  claimSeconds,
  release,
  releaseStaleClaims,
  renewClaims,
  settleDead,
  settleDelivered,
} from './outbox.ts'
import { Backoff, Pace } from './pace.ts'

/** A core, or whatever takes intents. */
export interface Destination extends Endpoint {
  readonly name: string
  readonly filter: DestinationFilter
  /** Most events in one request. */
  readonly batch: number
  /** Requests under way at once; events of one key are never in two of them. */
  readonly concurrency: number
  /** 0: no limit */
  readonly perSecond: number
  readonly backoff: { readonly firstMs: number; readonly mostMs: number }
}

export interface RelayObserver {
  delivered(destination: string, events: readonly Claimed[]): void
  dead(destination: string, events: number): void
  failed(destination: string): void
}

/** Looks for work that another gateway's intake made, or whose claim ran out, this often. */
const pollMs = 1000

/**
 * Carries the outbox to the destinations. Each has lanes of its own, so one that is down delays no other. Claimed and
 * settled in separate transactions: a request may take a minute, and an open transaction would hold a connection that long.
 */
export class Relay {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #observer: RelayObserver
  readonly #destinations: readonly Destination[]
  readonly #shared: boolean
  readonly #holder = uuidv4()
  readonly #stopping = new AbortController()
  readonly #aborting = new AbortController()
  readonly #sleepers = new Set<() => void>()
  readonly #underWay = new Set<string>()
  #wakeUps = 0
  #running: Promise<unknown> = Promise.resolve()

  /** `shared`: other gateways may use this database. */
  constructor(pool: Pool, destinations: readonly Destination[], shared: boolean, log: Logger, observer: RelayObserver) {
    this.#pool = pool
    this.#destinations = destinations
    this.#shared = shared
    this.#log = log
    this.#observer = observer
  }

  async start(): Promise<void> {
    const freed = await releaseStaleClaims(this.#pool, !this.#shared)
    if (freed > 0) this.#log.info({ events: freed }, 'events claimed before this start are waiting again')
    const lanes = this.#destinations.flatMap((destination) =>
      Array.from({ length: destination.concurrency }, () => this.#lane(destination)),
    )
    this.#running = Promise.all([...lanes, this.#keepClaims()])
  }

  /** There is something new in the outbox. */
  wake(): void {
    this.#wakeUps++
    for (const sleeper of [...this.#sleepers]) sleeper()
  }

  /** Claims nothing more and waits for deliveries under way; those that last longer than `graceMs` are cut. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    this.wake()
    const timer = setTimeout(() => this.#aborting.abort(), graceMs)
    try {
      await this.#running
    } finally {
      clearTimeout(timer)
    }
  }

  async #lane(destination: Destination): Promise<void> {
    const backoff = new Backoff(destination.backoff.firstMs, destination.backoff.mostMs)
    const pace = new Pace(destination.perSecond, Date.now())
    while (!this.#stopping.signal.aborted) {
      try {
        const wakeUps = this.#wakeUps
        const claimed = await claim(this.#pool, destination.name, destination.batch, this.#holder)
        if (claimed.length === 0) {
          // What arrived while we looked may not have been seen: then there is no idling.
          if (wakeUps === this.#wakeUps) await this.#idle(pollMs, true)
          continue
        }
        const pauseMs = await this.#carry(destination, claimed, backoff)
        await this.#idle(Math.max(pauseMs, pace.spend(claimed.length, Date.now())), false)
      } catch (error) {
        // The store failed, not the destination. What was claimed and not settled waits again when its claim runs out.
        this.#log.error({ destination: destination.name, reason: describe(error) }, 'outbox out of reach')
        await this.#idle(pollMs, false)
      }
    }
  }

  /** While events are being carried their claims are renewed; what could not be settled is left to run out. */
  async #carry(destination: Destination, claimed: readonly Claimed[], backoff: Backoff): Promise<number> {
    for (const { seq } of claimed) this.#underWay.add(seq)
    try {
      return await this.#send(destination, claimed, backoff)
    } finally {
      for (const { seq } of claimed) this.#underWay.delete(seq)
    }
  }

  /** Delivers and settles; returns how long to leave the destination alone, in milliseconds. */
  async #send(destination: Destination, claimed: readonly Claimed[], backoff: Backoff): Promise<number> {
    const answer = await deliver(claimed, destination, this.#aborting.signal)
    if (answer.meaning === 'taken') {
      await settleDelivered(this.#pool, claimed, this.#holder)
      if (backoff.failures > 0) this.#log.info({ destination: destination.name }, 'destination takes events again')
      backoff.reset()
      this.#observer.delivered(destination.name, claimed)
      return 0
    }
    if (answer.meaning === 'refused') return this.#refused(destination, claimed, answer.why, backoff)
    return this.#later(destination, claimed, answer, backoff)
  }

  /** A batch is refused whole; halving it finds the events that are meant, and the others still arrive. */
  async #refused(
    destination: Destination,
    claimed: readonly Claimed[],
    why: string,
    backoff: Backoff,
  ): Promise<number> {
    if (claimed.length > 1) {
      const middle = claimed.length >> 1
      const pauseMs = await this.#send(destination, claimed.slice(0, middle), backoff)
      if (pauseMs === 0 && !this.#stopping.signal.aborted)
        return this.#send(destination, claimed.slice(middle), backoff)
      await release(this.#pool, claimed.slice(middle), this.#holder, null)
      return pauseMs
    }
    await settleDead(this.#pool, claimed, this.#holder, why)
    this.#observer.dead(destination.name, claimed.length)
    this.#log.warn({ destination: destination.name, event: claimed[0]?.eventId, reason: why }, 'event refused for good')
    return 0
  }

  async #later(
    destination: Destination,
    claimed: readonly Claimed[],
    answer: Extract<Answer, { meaning: 'later' }>,
    backoff: Backoff,
  ): Promise<number> {
    await release(this.#pool, claimed, this.#holder, answer.why)
    this.#observer.failed(destination.name)
    const pauseMs = Math.max(backoff.next(), answer.afterMs ?? 0)
    const fields = {
      destination: destination.name,
      reason: answer.why,
      failures: backoff.failures,
      pauseMs: Math.round(pauseMs),
    }
    if (backoff.failures === 1) this.#log.warn(fields, 'destination does not take events')
    else this.#log.debug(fields, 'destination still does not take events')
    return pauseMs
  }

  /** Waits; `forWork` lets a wake-up end it early, which a pause must not. */
  async #idle(ms: number, forWork: boolean): Promise<void> {
    if (ms <= 0 || this.#stopping.signal.aborted) return
    const awake = new AbortController()
    const sleeper = () => {
      if (forWork || this.#stopping.signal.aborted) awake.abort()
    }
    this.#sleepers.add(sleeper)
    await wait(ms, undefined, { signal: awake.signal }).catch(() => {})
    this.#sleepers.delete(sleeper)
  }

  async #keepClaims(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#idle((claimSeconds * 1000) / 3, false)
      try {
        if (this.#underWay.size > 0) await renewClaims(this.#pool, [...this.#underWay], this.#holder)
        await releaseStaleClaims(this.#pool, false)
      } catch (error) {
        this.#log.warn({ reason: describe(error) }, 'claims could not be renewed')
      }
    }
  }
}
