import { Backoff, Pace } from './pace.ts'
import type { Destination } from './relay.ts'

/**
 * What the lanes of one destination know together: a pause that the core asks for, a back-off and the pace hold for all of
 * them, or the core would hear from the other lanes while it recovers.
 */
export class Traffic {
  /** Most events to take at once: no more than a second of the pace. */
  readonly most: number
  readonly #backoff: Backoff
  readonly #pace: Pace
  #openAtMs = 0
  #failedAtMs = 0

  constructor({ batch, perSecond, backoff }: Pick<Destination, 'batch' | 'perSecond' | 'backoff'>, nowMs: number) {
    this.most = perSecond === 0 ? batch : Math.max(1, Math.min(batch, Math.floor(perSecond)))
    this.#backoff = new Backoff(backoff.firstMs, backoff.mostMs)
    this.#pace = new Pace(perSecond, nowMs)
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

  /** The destination took something; `true` when it did not the time before. */
  recovered(): boolean {
    const before = this.#backoff.failures > 0
    this.#backoff.reset()
    return before
  }

  #closeUntil(atMs: number): void {
    this.#openAtMs = Math.max(this.#openAtMs, atMs)
  }
}
