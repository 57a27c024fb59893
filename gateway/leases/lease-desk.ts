import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import type { LeaseRow } from '../store/leases.ts'
import { beatMs, fenceMs, type Held, type Lease, type Waiting } from './lease.ts'

/** What the desk asks of the database. */
export interface LeaseBook {
  /** Renews and takes; the names of those that are ours now. */
  keep(names: readonly string[]): Promise<ReadonlySet<string>>
  holders(names: readonly string[]): Promise<readonly LeaseRow[]>
  release(name: string): Promise<void>
}

export interface LeaseDeskOptions {
  readonly book: LeaseBook
  readonly log: Logger
  /** Monotonic: a clock that is set back would make a lease last. */
  readonly nowMs: () => number
}

interface Holding {
  keptAtMs: number
  readonly lost: AbortController
}

interface Waiter {
  readonly waiting: Waiting
  resolve(held: Held | null): void
}

/** How often the desk looks whether it may still believe in what it holds. */
const fenceLookMs = 100

/** All the leases of one gateway: held ones are renewed and wanted ones taken by one statement a second. */
export class LeaseDesk {
  readonly #options: LeaseDeskOptions
  readonly #held = new Map<string, Holding>()
  readonly #wanted = new Map<string, Waiter>()
  #beating: Promise<void> | null = null
  #timers: NodeJS.Timeout[] = []
  #failing = false

  constructor(options: LeaseDeskOptions) {
    this.#options = options
  }

  start(): void {
    this.#timers = [setInterval(() => void this.beat(), beatMs), setInterval(() => this.fence(), fenceLookMs)]
  }

  /** Nothing is renewed any more. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#beating
    for (const name of [...this.#held.keys()]) await this.#release(name)
  }

  lease(name: string): Lease {
    return { take: (waiting) => this.#take(name, waiting), release: () => this.#release(name) }
  }

  /** One look at the database; while one is under way, that one. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null
    })
    return this.#beating
  }

  /** Gives up what could not be renewed in time, as after a frozen process or without a database. */
  fence(): void {
    const nowMs = this.#options.nowMs()
    for (const [name, { keptAtMs }] of this.#held)
      if (nowMs - keptAtMs >= fenceMs) this.#lose(name, 'it could not be renewed in time')
  }

  #take(name: string, waiting: Waiting): Promise<Held | null> {
    const { signal } = waiting
    if (signal.aborted) return Promise.resolve(null)
    return new Promise((done) => {
      const giveUp = () => waiter.resolve(null)
      const waiter: Waiter = {
        waiting,
        resolve: (held) => {
          this.#wanted.delete(name)
          signal.removeEventListener('abort', giveUp)
          done(held)
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#wanted.set(name, waiter)
      void this.#beatSoon()
    })
  }

  /** A look that is under way has not asked for what was wanted since. */
  async #beatSoon(): Promise<void> {
    await this.#beating
    await this.beat()
  }

  async #release(name: string): Promise<void> {
    this.#held.delete(name)
    // A look that is under way may take it once more.
    await this.#beating
    if (this.#wanted.has(name) || this.#held.has(name)) return
    await this.#options.book
      .release(name)
      .catch((error: unknown) =>
        this.#options.log.warn({ lease: name, reason: describe(error) }, 'lease not released; it runs out'),
      )
  }

  async #beat(): Promise<void> {
    this.fence()
    const { book, nowMs, log } = this.#options
    const asked = [...this.#held.keys(), ...this.#wanted.keys()]
    if (asked.length === 0) return
    const before = new Map(this.#held)
    const sentAtMs = nowMs()
    try {
      const ours = await book.keep(asked)
      this.#renewed(before, ours, sentAtMs)
      this.#grant(ours, sentAtMs)
      await this.#sayElsewhere(ours)
      this.#failing = false
    } catch (error) {
      const reason = describe(error)
      if (!this.#failing) log.warn({ reason }, 'leases could not be renewed')
      this.#failing = true
      for (const { waiting } of this.#wanted.values()) waiting.unknown(reason)
    }
  }

  #renewed(before: ReadonlyMap<string, Holding>, ours: ReadonlySet<string>, sentAtMs: number): void {
    for (const [name, holding] of before) {
      if (this.#held.get(name) !== holding) continue
      if (ours.has(name)) holding.keptAtMs = sentAtMs
      else this.#lose(name, 'another gateway has it')
    }
  }

  #grant(ours: ReadonlySet<string>, sentAtMs: number): void {
    // An answer this late is no ground to begin on; the next look asks again.
    if (this.#options.nowMs() - sentAtMs >= fenceMs) return
    for (const [name, waiter] of [...this.#wanted]) {
      if (!ours.has(name)) continue
      const holding = { keptAtMs: sentAtMs, lost: new AbortController() }
      this.#held.set(name, holding)
      this.#options.log.info({ lease: name }, 'lease taken')
      waiter.resolve({ lost: holding.lost.signal })
    }
  }

  async #sayElsewhere(ours: ReadonlySet<string>): Promise<void> {
    const elsewhere = [...this.#wanted.keys()].filter((name) => !ours.has(name))
    if (elsewhere.length === 0) return
    for (const { name, holder, takenAt } of await this.#options.book.holders(elsewhere))
      this.#wanted.get(name)?.waiting.elsewhere(gatewayOf(holder), takenAt)
  }

  #lose(name: string, reason: string): void {
    const holding = this.#held.get(name)
    this.#held.delete(name)
    this.#options.log.warn({ lease: name, reason }, 'lease lost')
    holding?.lost.abort()
  }
}

/** Who holds a lease is written as the gateway's name and, after the last space, an id of its process. */
const gatewayOf = (holder: string): string => holder.slice(0, holder.lastIndexOf(' '))
