import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Adapter, Link } from './adapter.ts'
import { describe } from './errors.ts'
import type { Held, Lease } from './leases/lease.ts'
import { Backoff } from './relay/pace.ts'

export interface SupervisorOptions {
  readonly backoff?: Backoff
  /** A first attempt that takes longer is not waited for any more; it goes on. */
  readonly firstAttemptMs?: number
  /** What it needs to be started at all; null: nothing. */
  readonly lease?: Lease | null
}

/** So many attempts in a row that failed, and another gateway may try between one and the next. */
const failuresKept = 3

/**
 * Keeps one adapter up. Adapters report `down` and never retry; this stops and starts them again, with a back-off that
 * begins anew once a link has held for a minute. One that needs a lease is up only while that is held.
 */
export class Supervisor {
  readonly name: string
  readonly #adapter: Adapter
  readonly #log: Logger
  readonly #backoff: Backoff
  readonly #firstAttemptMs: number
  readonly #lease: Lease | null
  readonly #stopping = new AbortController()
  readonly #stopped = new Promise((resolve) => {
    this.#stopping.signal.addEventListener('abort', resolve, { once: true })
  })
  #link: Link = { state: 'stopped' }
  #since = new Date()
  #lost: () => void = () => {}
  #running: Promise<void> = Promise.resolve()
  #held: Held | null = null

  constructor(name: string, adapter: Adapter, log: Logger, options: SupervisorOptions = {}) {
    this.name = name
    this.#adapter = adapter
    this.#log = log
    this.#backoff = options.backoff ?? new Backoff(500, 30_000)
    this.#firstAttemptMs = options.firstAttemptMs ?? 10_000
    this.#lease = options.lease ?? null
  }

  get link(): Link {
    return this.#link
  }

  get since(): Date {
    return this.#since
  }

  /** Whether its work is this gateway's: no other has the lease. */
  get ours(): boolean {
    return this.#lease === null || (this.#held !== null && !this.#held.lost.aborted)
  }

  /** What the adapter says of itself. */
  report(link: Link): void {
    if (link.state !== this.#link.state) {
      this.#since = new Date()
      const { state, ...fields } = link
      this.#log[state === 'down' ? 'warn' : 'info']({ ...fields, state }, 'link changed')
    }
    this.#link = link
    if (link.state === 'down') this.#lost()
  }

  /** Resolves after the first attempt, whether or not it succeeded: one dead link holds up nobody. */
  async start(): Promise<void> {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, this.#firstAttemptMs)
      const firstAttemptDone = () => {
        clearTimeout(timer)
        done()
      }
      this.#running = this.#run(firstAttemptDone).finally(firstAttemptDone)
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#lost()
    await this.#running
    this.report({ state: 'stopped' })
  }

  async #run(firstAttemptDone: () => void): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      if (!this.ours && this.#lease !== null) {
        this.#held = await this.#take(this.#lease, firstAttemptDone)
        if (this.#held === null) break
      }
      const held = this.#held
      const began = Date.now()
      failures = (await this.#attempt(held, firstAttemptDone)) ? 0 : failures + 1
      if (signal.aborted) break
      if (held?.lost.aborted === true) {
        this.report({ state: 'stopped' })
        continue
      }
      if (Date.now() - began > 60_000) this.#backoff.reset()
      // It may be this gateway alone that cannot reach the far end.
      if (this.#lease !== null && failures >= failuresKept) {
        this.#held = null
        await this.#lease.release()
      }
      await wait(this.#backoff.next(), undefined, { signal }).catch(() => {})
    }
    this.#held = null
    await this.#lease?.release()
  }

  /** Starts the adapter, and stops it when it is down, when its lease is lost, or at the end. Whether it had started. */
  async #attempt(held: Held | null, firstAttemptDone: () => void): Promise<boolean> {
    const lost = new Promise<void>((resolve) => {
      this.#lost = resolve
    })
    const signals = held === null ? [this.#stopping.signal] : [this.#stopping.signal, held.lost]
    let giveUp = () => {}
    const given = new Promise<false>((resolve) => {
      giveUp = () => {
        resolve(false)
        this.#lost()
      }
    })
    for (const signal of signals) signal.addEventListener('abort', giveUp)
    if (signals.some(({ aborted }) => aborted)) giveUp()
    let starting: Promise<unknown> = Promise.resolve()
    let started = false
    try {
      starting = this.#adapter.start()
      // A start that hangs must hold up neither the stop of the gateway nor another that has the lease now.
      started = await Promise.race([starting.then(() => true), given])
      firstAttemptDone()
      await lost
    } catch (error) {
      this.report({ state: 'down', reason: describe(error) })
      firstAttemptDone()
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', giveUp)
    }
    await this.#stopAdapter(held)
    if (started) return true
    // It is not started again before an earlier start is through, and one that comes up after all is nobody's.
    const through = starting.then(
      () => this.#stopAdapter(held),
      () => {},
    )
    await Promise.race([through, this.#stopped])
    return false
  }

  async #take(lease: Lease, firstAttemptDone: () => void): Promise<Held | null> {
    return lease.take({
      signal: this.#stopping.signal,
      elsewhere: (holder, since) => {
        this.report({ state: 'elsewhere', holder, heldSince: since.toISOString() })
        firstAttemptDone()
      },
      unknown: (reason) => {
        this.report({ state: 'down', reason: `its lease cannot be had: ${reason}` })
        firstAttemptDone()
      },
    })
  }

  async #stopAdapter(held: Held | null): Promise<void> {
    try {
      await this.#adapter.stop(held?.lost)
    } catch (error) {
      this.#log.error({ reason: describe(error) }, 'adapter did not stop cleanly')
    }
  }
}
