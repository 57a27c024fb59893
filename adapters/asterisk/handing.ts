import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'

const firstPauseMs = 100
const longestPauseMs = 5000

/**
 * Hands messages in, at most `window` at a time. The far end cannot be told to send again, so what is not stored is tried
 * until it is, or until the link's end: then it is lost, and said so.
 */
export class Handing {
  readonly #context: AdapterContext
  readonly #window: number
  readonly #full: (full: boolean) => void
  readonly #underWay = new Set<Promise<void>>()
  readonly #ending = new AbortController()
  #lost = 0

  /** `full`: nothing more should be taken for now. */
  constructor(context: AdapterContext, window: number, full: (full: boolean) => void) {
    this.#context = context
    this.#window = window
    this.#full = full
    // One for each message that waits to be tried again.
    setMaxListeners(0, this.#ending.signal)
  }

  take(message: Inbound): void {
    const handed = this.#hand(message).finally(() => {
      this.#underWay.delete(handed)
      if (this.#underWay.size <= this.#window / 2) this.#full(false)
    })
    this.#underWay.add(handed)
    if (this.#underWay.size >= this.#window) this.#full(true)
  }

  /** Resolves when each is stored or given up; those that were refused are not tried again. */
  async settled(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#underWay)
    if (this.#lost > 0) this.#context.log.warn({ messages: this.#lost }, 'ami events were not stored and are lost')
    this.#lost = 0
  }

  async #hand(message: Inbound): Promise<void> {
    const { signal } = this.#ending
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await this.#context.accept(message)
        return
      } catch (error) {
        this.#context.log.debug({ key: message.key, reason: describe(error) }, 'ami event not stored yet')
      }
      await pause(pauseMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) {
        this.#lost++
        return
      }
    }
  }
}
