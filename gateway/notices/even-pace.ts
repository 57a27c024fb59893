/** A little longer than a second: the centre's clock and the way there are not exact, and it must never count one too many. */
const secondMs = 1004
/** A stall up to this long is made good. */
const mostLagMs = 40

/**
 * Evenly spaced: as many a second as allowed, and never more within any second, however the timers jump. What a busy
 * moment kept from leaving follows as soon as that allows; what a long one did is lost.
 */
export class EvenPace {
  readonly #intervalMs: number
  readonly #windowMs: number
  /** The last times, as many as may lie within the window. */
  readonly #times: number[] = []
  readonly #within: number
  #oldest = 0
  #nextMs = 0

  /** `perSecond` 0: no limit. */
  constructor(perSecond: number) {
    this.#within = perSecond === 0 ? 0 : Math.max(1, Math.floor(perSecond))
    this.#windowMs = perSecond === 0 ? 0 : secondMs * Math.max(1, this.#within / perSecond)
    this.#intervalMs = this.#within === 0 ? 0 : this.#windowMs / this.#within
  }

  /** Milliseconds until the next may leave; 0: now. */
  waitMs(nowMs: number): number {
    if (this.#within === 0) return 0
    const oldest = this.#times.length < this.#within ? undefined : this.#times[this.#oldest]
    const room = oldest === undefined ? 0 : oldest + this.#windowMs - nowMs
    return Math.max(0, room, this.#nextMs - nowMs)
  }

  /** One leaves. */
  take(nowMs: number): void {
    if (this.#within === 0) return
    this.#times[this.#oldest] = nowMs
    this.#oldest = (this.#oldest + 1) % this.#within
    this.#nextMs = Math.max(this.#nextMs, nowMs - mostLagMs) + this.#intervalMs
  }
}
