/** Exponential back-off with full jitter between half and the whole of the step, in milliseconds. */
export class Backoff {
  readonly #firstMs: number
  readonly #mostMs: number
  readonly #random: () => number
  #failures = 0

  constructor(firstMs: number, mostMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#mostMs = mostMs
    this.#random = random
  }

  get failures(): number {
    return this.#failures
  }

  next(): number {
    const stepMs = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    return stepMs * (0.5 + this.#random() / 2)
  }

  reset(): void {
    this.#failures = 0
  }
}

/** At most `perSecond` events on average, with bursts of one second's worth; 0 sets no limit. */
export class Pace {
  readonly #perSecond: number
  #tokens: number
  #atMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#atMs = nowMs
  }

  /** Counts `events` as sent and says how long to wait before the next, in milliseconds. */
  spend(events: number, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const earned = (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned) - events
    this.#atMs = nowMs
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000
  }
}
