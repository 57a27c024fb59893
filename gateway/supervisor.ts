import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Adapter, Link } from './adapter.ts'
import { describe } from './errors.ts'
import { Backoff } from './relay/pace.ts'

export interface SupervisorOptions {
  readonly backoff?: Backoff
  /** A first attempt that takes longer is not waited for any more; it goes on. */
  readonly firstAttemptMs?: number
}

/**
 * Keeps one adapter up. Adapters report `down` and never retry; this stops and starts them again, with a back-off that
 * begins anew once a link has held for a minute.
 */
export class Supervisor {
  readonly name: string
  readonly #adapter: Adapter
  readonly #log: Logger
  readonly #backoff: Backoff
  readonly #firstAttemptMs: number
  readonly #stopping = new AbortController()
  #link: Link = { state: 'stopped' }
  #since = new Date()
  #lost: () => void = () => {}
  #running: Promise<void> = Promise.resolve()

  constructor(name: string, adapter: Adapter, log: Logger, options: SupervisorOptions = {}) {
    this.name = name
    this.#adapter = adapter
    this.#log = log
    this.#backoff = options.backoff ?? new Backoff(500, 30_000)
    this.#firstAttemptMs = options.firstAttemptMs ?? 10_000
  }

  get link(): Link {
    return this.#link
  }

  get since(): Date {
    return this.#since
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
    const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    while (!signal.aborted) {
      const lost = new Promise<void>((resolve) => {
        this.#lost = resolve
      })
      const began = Date.now()
      try {
        // A start that hangs must not hold up the stop of the gateway.
        await Promise.race([this.#adapter.start(), stopped])
        firstAttemptDone()
        await lost
      } catch (error) {
        this.report({ state: 'down', reason: describe(error) })
        firstAttemptDone()
      }
      await this.#stopAdapter()
      if (signal.aborted) return
      if (Date.now() - began > 60_000) this.#backoff.reset()
      await wait(this.#backoff.next(), undefined, { signal }).catch(() => {})
    }
  }

  async #stopAdapter(): Promise<void> {
    try {
      await this.#adapter.stop()
    } catch (error) {
      this.#log.error({ reason: describe(error) }, 'adapter did not stop cleanly')
    }
  }
}
