import type { Logger } from 'pino'
import type { Link } from '../adapter.ts'
import { describe } from '../errors.ts'
import { Backoff } from '../relay/pace.ts'

export interface ReconcileLimits {
  /** An exchange is asked for its last `windowMs` so often: what neither events nor records told is found by that alone. */
  readonly recallEveryMs: number
  readonly windowMs: number
}

/** An adapter whose far end can be asked for its records. */
export interface Recaller {
  readonly name: string
  /** Whose calls it has; `null`: perhaps anybody's. */
  readonly exchange: string | null
  recall(from: Date, to: Date): Promise<void>
}

export interface ReconcileOptions {
  readonly limits: ReconcileLimits
  readonly log: Logger
  readonly everyMs?: number
  readonly now?: () => number
  asked(adapter: string, outcome: 'recalled' | 'failed'): void
}

/** What is still to be asked of one exchange: one stretch of time that holds all of them. */
interface Asking {
  readonly recaller: Recaller
  readonly backoff: Backoff
  up: boolean
  /** Since when it has been down; `null`: it is up, or never was. */
  downMs: number | null
  busy: boolean
  wanted: { readonly fromMs: number; readonly toMs: number } | null
  /** Not asked before: it could not be, a moment ago. */
  notBeforeMs: number
  nextMs: number
}

/** Records are written when a call is over, and clocks are a little apart. */
const marginMs = 60_000
/** After a longer stop an operator has other worries. */
const longestGapMs = 7 * 86_400_000

/**
 * Asks exchanges again for what may have been missed: for the time that a link was down, for calls that no record came of,
 * and every now and then for the last while in any case. What is known already is a duplicate, so asking costs nothing
 * but time. What could not be asked is asked again until it could.
 */
export class Reconciliation {
  readonly #options: ReconcileOptions
  readonly #asking = new Map<string, Asking>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: ReconcileOptions) {
    this.#options = options
  }

  add(recaller: Recaller): void {
    const backoff = new Backoff(1_000, 300_000)
    const idle = { up: false, downMs: null, busy: false, wanted: null, notBeforeMs: 0, nextMs: 0 }
    this.#asking.set(recaller.name, { recaller, backoff, ...idle })
  }

  /** Before anything is heard: what came while no gateway ran is asked for at the first time that a link is up. */
  resume(lastHeard: Date | null): void {
    if (lastHeard === null) return
    const fromMs = Math.max(lastHeard.getTime() - marginMs, this.#now() - longestGapMs)
    for (const asking of this.#asking.values()) this.#want(asking, fromMs, this.#now())
  }

  /** What an adapter says of its link. Before the first time that it is up, the last window may have been missed. */
  linkChanged(name: string, { state }: Link): void {
    const asking = this.#asking.get(name)
    if (asking === undefined) return
    const nowMs = this.#now()
    const up = state === 'connected' || state === 'listening'
    if (up && !asking.up && asking.downMs !== null) this.#want(asking, asking.downMs - marginMs, nowMs)
    if (!up && asking.up) asking.downMs ??= nowMs
    if (up) asking.downMs = null
    asking.up = up
  }

  /** A call is known that no record came of. */
  unrecorded(exchange: string, from: Date, to: Date): void {
    for (const asking of this.#asking.values()) {
      const { exchange: own } = asking.recaller
      if (own === null || own === exchange) this.#want(asking, from.getTime() - marginMs, to.getTime() + marginMs)
    }
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.everyMs ?? 1000)
  }

  /** Waits for none that is under way: it may wait for a far end that has gone, and what it brings is refused from now on. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** One look; an exchange that is being asked holds up none of the others. */
  async look(): Promise<void> {
    await Promise.all([...this.#asking.values()].map((asking) => this.#ask(asking)))
  }

  async #ask(asking: Asking): Promise<void> {
    const { limits, log, asked } = this.#options
    const nowMs = this.#now()
    if (!asking.up || asking.busy) return
    if (nowMs >= asking.nextMs) {
      asking.nextMs = nowMs + limits.recallEveryMs
      this.#want(asking, nowMs - limits.windowMs, nowMs)
    }
    const { wanted, recaller } = asking
    if (wanted === null || nowMs < asking.notBeforeMs) return
    asking.wanted = null
    asking.busy = true
    try {
      await recaller.recall(new Date(wanted.fromMs), new Date(wanted.toMs))
      asking.backoff.reset()
      asked(recaller.name, 'recalled')
    } catch (error) {
      this.#want(asking, wanted.fromMs, wanted.toMs)
      asking.notBeforeMs = this.#now() + asking.backoff.next()
      asked(recaller.name, 'failed')
      log.warn({ adapter: recaller.name, reason: describe(error) }, 'an exchange could not be asked for its records')
    } finally {
      asking.busy = false
    }
  }

  #want(asking: Asking, fromMs: number, toMs: number): void {
    const { wanted } = asking
    asking.wanted =
      wanted === null
        ? { fromMs, toMs }
        : { fromMs: Math.min(wanted.fromMs, fromMs), toMs: Math.max(wanted.toMs, toMs) }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }
}
