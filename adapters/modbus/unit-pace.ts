import type { UnitOptions } from './options.ts'
import type { ReadRequest } from './pdu.ts'
import { planRequests } from './plan.ts'

export interface PaceLimits {
  readonly misses: number
  readonly probeAtMost: number
}

/** One request of a unit, and how it went. */
export interface Ask {
  readonly request: ReadRequest
  /** Times in a row that no answer came. */
  failures: number
  /** Not asked before. */
  notBeforeMs: number
  fault: string
}

/**
 * When one unit is asked, and for what. Times are those of a clock that nobody sets. Due times keep to a grid, so that a
 * late poll makes none that follows late; polls that were missed are left out. Some devices are silent about registers
 * that they do not have: one such request must neither be waited for every time nor silence the others.
 */
export class UnitPace {
  readonly unit: UnitOptions
  readonly asks: readonly Ask[]
  readonly #limits: PaceLimits
  #dueMs: number
  /** Polls in a row in which nothing was answered. */
  #misses = 0
  #pausedUntilMs = 0

  constructor(unit: UnitOptions, limits: PaceLimits, firstMs: number) {
    this.unit = unit
    this.#limits = limits
    this.asks = planRequests(unit.map).map((request) => ({ request, failures: 0, notBeforeMs: 0, fault: '' }))
    this.#dueMs = firstMs
  }

  /** It is not silent: a single miss is no silence, and the next poll comes when it is due. */
  get answers(): boolean {
    return this.#misses < this.#limits.misses
  }

  get dueMs(): number {
    return Math.max(this.#dueMs, this.#pausedUntilMs)
  }

  /** With a new link everybody has a chance: what was silent may have been the link. */
  renew(atMs: number): void {
    this.#dueMs = atMs
    this.#pausedUntilMs = 0
    this.#misses = Math.min(this.#misses, this.#limits.misses - 1)
    for (const ask of this.asks) ask.notBeforeMs = 0
  }

  /** What to ask now, the surest first. Of a silent unit one thing; the rest when it answers. */
  turn(nowMs: number): readonly Ask[] {
    const ready = this.answers ? this.asks.filter((ask) => ask.notBeforeMs <= nowMs) : this.asks
    const surest = [...ready].sort((a, b) => a.failures - b.failures || a.notBeforeMs - b.notBeforeMs)
    return this.answers ? surest : surest.slice(0, 1)
  }

  answered(ask: Ask): void {
    ask.failures = 0
    ask.notBeforeMs = 0
  }

  missed(ask: Ask, fault: string, nowMs: number): void {
    ask.failures++
    ask.fault = fault
    ask.notBeforeMs = nowMs + this.#pauseMs(ask.failures)
  }

  /** A poll is over. */
  polled(heard: boolean, nowMs: number): void {
    if (heard && !this.answers) for (const ask of this.asks) ask.notBeforeMs = 0
    this.#misses = heard ? 0 : this.#misses + 1
    this.#pausedUntilMs = nowMs + this.#pauseMs(this.#misses)
    const { every } = this.unit
    if (nowMs >= this.#dueMs) this.#dueMs += every * Math.max(1, Math.ceil((nowMs - this.#dueMs) / every))
  }

  #pauseMs(misses: number): number {
    const { misses: most, probeAtMost } = this.#limits
    return misses < most ? 0 : Math.min(this.unit.every * 2 ** Math.min(misses - most, 20), probeAtMost)
  }

  /** Why a request has no answer, when that has been so often enough to be said. */
  silence(ask: Ask): string | null {
    const { misses } = this.#limits
    if (ask.failures >= misses) return ask.fault
    return this.#misses >= misses ? (this.asks.find(({ fault }) => fault !== '')?.fault ?? 'no answer') : null
  }
}
