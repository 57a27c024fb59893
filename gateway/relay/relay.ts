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
import { Traffic } from './traffic.ts'

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
    const lanes = this.#destinations.flatMap((destination) => {
      const traffic = new Traffic(destination, Date.now())
      return Array.from({ length: destination.concurrency }, () => this.#lane(destination, traffic))
    })
    const over = new AbortController()
    this.#running = Promise.all([Promise.all(lanes).finally(() => over.abort()), this.#keepClaims(over.signal)])
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

  async #lane(destination: Destination, traffic: Traffic): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const pauseMs = traffic.pauseMs(Date.now())
      if (pauseMs > 0) {
        await this.#idle(pauseMs, false)
        continue
      }
      try {
        const wakeUps = this.#wakeUps
        const claimed = await claim(this.#pool, destination.name, traffic.most, this.#holder)
        if (claimed.length > 0) await this.#carry(destination, claimed, traffic)
        // What arrived while we looked may not have been seen: then there is no idling.
        else if (wakeUps === this.#wakeUps) await this.#idle(pollMs, true)
      } catch (error) {
        // The store failed, not the destination. What was claimed and not settled waits again when its claim runs out.
        this.#log.error({ destination: destination.name, reason: describe(error) }, 'outbox out of reach')
        await this.#idle(pollMs, false)
      }
    }
  }

  /** While events are being carried their claims are renewed; what could not be settled is left to run out. */
  async #carry(destination: Destination, claimed: readonly Claimed[], traffic: Traffic): Promise<void> {
    for (const { seq } of claimed) this.#underWay.add(seq)
    try {
      // Another lane may have been told to wait while this one was claiming.
      if (traffic.pauseMs(Date.now()) > 0) return await release(this.#pool, claimed, this.#holder, null)
      traffic.sent(claimed.length, Date.now())
      await this.#send(destination, claimed, traffic)
    } finally {
      for (const { seq } of claimed) this.#underWay.delete(seq)
    }
  }

  /** Delivers and settles; `false` when the destination is to be left alone. */
  async #send(destination: Destination, claimed: readonly Claimed[], traffic: Traffic): Promise<boolean> {
    const beganMs = Date.now()
    const answer = await deliver(claimed, destination, this.#aborting.signal)
    if (answer.meaning === 'refused') return this.#refused(destination, claimed, answer.why, traffic)
    if (answer.meaning === 'later') return this.#later(destination, claimed, answer, traffic, beganMs)
    if (traffic.recovered()) this.#log.info({ destination: destination.name }, 'destination takes events again')
    await settleDelivered(this.#pool, claimed, this.#holder)
    this.#observer.delivered(destination.name, claimed)
    return true
  }

  /** A batch is refused whole; halving it finds the events that are meant, and the others still arrive. */
  async #refused(
    destination: Destination,
    claimed: readonly Claimed[],
    why: string,
    traffic: Traffic,
  ): Promise<boolean> {
    traffic.refused(claimed.length)
    if (claimed.length > 1) {
      const middle = claimed.length >> 1
      const rest = claimed.slice(middle)
      const goesOn = await this.#send(destination, claimed.slice(0, middle), traffic)
      if (goesOn && !this.#stopping.signal.aborted) return this.#send(destination, rest, traffic)
      await release(this.#pool, rest, this.#holder, null)
      return false
    }
    await settleDead(this.#pool, claimed, this.#holder, why)
    this.#observer.dead(destination.name, claimed.length)
    this.#log.warn({ destination: destination.name, event: claimed[0]?.eventId, reason: why }, 'event refused for good')
    return true
  }

  async #later(
    destination: Destination,
    claimed: readonly Claimed[],
    answer: Extract<Answer, { meaning: 'later' }>,
    traffic: Traffic,
    beganMs: number,
  ): Promise<boolean> {
    const nowMs = Date.now()
    // Before the events are given back: another lane would take them at once.
    traffic.failed(beganMs, nowMs, answer.afterMs ?? 0)
    await release(this.#pool, claimed, this.#holder, answer.why)
    this.#observer.failed(destination.name)
    const fields = {
      destination: destination.name,
      reason: answer.why,
      failures: traffic.failures,
      pauseMs: Math.round(traffic.pauseMs(nowMs)),
    }
    if (traffic.failures === 1) this.#log.warn(fields, 'destination does not take events')
    else this.#log.debug(fields, 'destination still does not take events')
    return false
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

  /** Until the last lane has ended: what is still under way during a stop is nobody else's yet. */
  async #keepClaims(over: AbortSignal): Promise<void> {
    for (;;) {
      await wait((claimSeconds * 1000) / 3, undefined, { signal: over }).catch(() => {})
      if (over.aborted) return
      try {
        if (this.#underWay.size > 0) await renewClaims(this.#pool, [...this.#underWay], this.#holder)
        await releaseStaleClaims(this.#pool, false)
      } catch (error) {
        this.#log.warn({ reason: describe(error) }, 'claims could not be renewed')
      }
    }
  }
}
