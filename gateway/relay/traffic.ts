import { Backoff, Pace } from './pace.ts'
import type { Destination } from './relay.ts'

/**
 * What the lanes of one destination know together: a pause that the core asks for, a back-off and the pace hold for all of
 * them, or the core would hear from the other lanes while it recovers.
 */
export class Traffic {
  /** No more than a second of the pace. */
  readonly #widest: number
  #most: number
  readonly #backoff: Backoff
  readonly #pace: Pace
  #openAtMs = 0
  #failedAtMs = 0

  constructor({ batch, perSecond, backoff }: Pick<Destination, 'batch' | 'perSecond' | 'backoff'>, nowMs: number) {
    this.#widest = perSecond === 0 ? batch : Math.max(1, Math.min(batch, Math.floor(perSecond)))
    this.#most = this.#widest
    this.#backoff = new Backoff(backoff.firstMs, backoff.mostMs)
    this.#pace = new Pace(perSecond, nowMs)
  }

  /** Most events to take at once. */
  get most(): number {
    return this.#most
  }

  get failures(): number {
    return this.#backoff.failures
  }

  /** How long to leave the destination alone from now, in milliseconds; 0 when it may be given something. */
  pauseMs(nowMs: number): number {
    return Math.max(0, this.#openAtMs - nowMs)
  }

  sent(events: number, nowMs: number): void {
    this.#closeUntil(nowMs + this.#pace.spend(events, nowMs))
  }

  /** Requests that were under way together fail together: that is one failure, and makes the pause longer once. */
  failed(beganMs: number, nowMs: number, askedMs: number): void {
    const pauseMs = beganMs >= this.#failedAtMs ? this.#backoff.next() : 0
    this.#failedAtMs = nowMs
    this.#closeUntil(nowMs + Math.max(pauseMs, askedMs))
  }

  /**
   * An event among these is not wanted. Should the search for it be broken off, it goes on with fewer: a core that fails
   * now and then would otherwise never be given a batch without it.
   */
  refused(events: number): void {
    this.#most = Math.max(1, events >> 1)
  }

  /** The destination took something; `true` when it did not the time before. */
  recovered(): boolean {
    const before = this.#backoff.failures > 0
    this.#backoff.reset()
    this.#most = Math.min(this.#widest, this.#most * 2)
    return before
  }

  #closeUntil(atMs: number): void {
    this.#openAtMs = Math.max(this.#openAtMs, atMs)
  }
}
