import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Adapter, Link } from './adapter.ts'
import { describe } from './errors.ts'
import { Backoff } from './relay/pace.ts'

/**
 * Keeps one adapter up. Adapters report `down` and never retry; this stops and starts them again, with a back-off that
 * begins anew once a link has held for a minute.
 */
export class Supervisor {
  readonly name: string
  readonly #adapter: Adapter
  readonly #log: Logger
  readonly #backoff = new Backoff(500, 30_000)
  readonly #stopping = new AbortController()
  #link: Link = { state: 'stopped' }
  #since = new Date()
  #lost: (reason: string) => void = () => {}
  #running: Promise<void> = Promise.resolve()

  constructor(name: string, adapter: Adapter, log: Logger) {
    this.name = name
    this.#adapter = adapter
    this.#log = log
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
    if (link.state === 'down') this.#lost(link.reason)
  }

  /** Resolves after the first attempt, whether or not it succeeded: one dead link holds up nobody. */
  start(): Promise<void> {
    return new Promise((firstAttemptDone) => {
      this.#running = this.#run(firstAttemptDone)
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#lost('stopping')
    await this.#running
    this.report({ state: 'stopped' })
  }

  async #run(firstAttemptDone: () => void): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const lost = new Promise<void>((resolve) => {
        this.#lost = () => resolve()
      })
      const began = Date.now()
      try {
        await this.#adapter.start()
        firstAttemptDone()
        if (!signal.aborted) await lost
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
