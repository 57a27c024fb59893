import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'

export interface IntakeSetup {
  readonly context: AdapterContext
  /** Messages that may be under way before the link is no longer read. */
  readonly window: number
  /** How many messages are under way now. */
  readonly moved: (underWay: number) => void
  /** A message was given up: it is lost here, and its call is told by its CDR. */
  readonly failed: (reason: string) => void
}

/** FreeSWITCH sends nothing twice, so what the store does not take is held and offered again, for about three seconds. */
const pausesMs = [50, 100, 200, 400, 800, 1600] as const

/** Hands events in, as many at a time as they come. */
export class EslIntake {
  readonly #setup: IntakeSetup
  readonly #underWay = new Set<Promise<void>>()
  readonly #pauses = new Set<() => void>()
  #ending = false

  constructor(setup: IntakeSetup) {
    this.#setup = setup
  }

  get full(): boolean {
    return this.#underWay.size >= this.#setup.window
  }

  take(message: Inbound): void {
    const taking = this.#offer(message).finally(() => {
      this.#underWay.delete(taking)
      this.#setup.moved(this.#underWay.size)
    })
    this.#underWay.add(taking)
    this.#setup.moved(this.#underWay.size)
  }

  /** Waits for what is under way; what waits for another attempt has its last one now. */
  async end(): Promise<void> {
    this.#ending = true
    for (const wake of this.#pauses) wake()
    await Promise.all(this.#underWay)
  }

  async #offer(message: Inbound): Promise<void> {
    const { context, failed } = this.#setup
    for (let attempt = 0; ; attempt++) {
      try {
        await context.accept(message)
        return
      } catch (error) {
        const pause = pausesMs[attempt]
        if (pause === undefined || this.#ending) {
          context.refused('a live event that the store did not take', { reason: describe(error) })
          failed(describe(error))
          return
        }
        await this.#pause(pause)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#pauses.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#pauses.add(wake)
    })
  }
}
