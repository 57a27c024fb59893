import type { AdapterContext } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import type { Assembly, Outcome } from './assembly.ts'
import type { Clock } from './clock.ts'
import { isoDate } from './epoch.ts'

/** Strangers that are remembered, so that each costs one row a day; beyond these they are only counted. */
const mostStrangers = 1024

/** Talkers turned away today: the first time a row says so, after that a counter. Shared by the links of an adapter. */
export class Strangers {
  readonly #seen = new Set<string>()
  #day = ''

  first(talker: string, now: Date): boolean {
    const day = isoDate(now.getTime())
    if (day !== this.#day) this.#seen.clear()
    this.#day = day
    if (this.#seen.has(talker) || this.#seen.size >= mostStrangers) return false
    this.#seen.add(talker)
    return true
  }
}

export interface IntakeSetup {
  readonly assembly: Assembly
  readonly context: AdapterContext
  readonly clock: Clock
  readonly strangers: Strangers
  readonly peer: string
  readonly quietAfterMs: number
  /** Called after each change of how many messages are being stored. */
  readonly moved: (underWay: number) => void
  /** A message was not stored. NMEA has no acknowledgement: all that the far end can be told is that the link is gone. */
  readonly failed: (reason: string) => void
}

/** The way from one talker's bytes to `accept`, with the timer that ends an epoch after silence. */
export class Intake {
  readonly #setup: IntakeSetup
  readonly #underWay = new Set<Promise<void>>()
  #callOff: (() => void) | null = null
  #lastMs = 0

  constructor(setup: IntakeSetup) {
    this.#setup = setup
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Lines of gpsd's own that were passed over. */
  get skipped(): number {
    return this.#setup.assembly.skipped
  }

  push(chunk: Buffer): void {
    const { assembly, clock } = this.#setup
    this.#take(assembly.push(chunk, clock.now()))
    this.#watch()
  }

  datagram(chunk: Buffer): void {
    const { assembly, clock } = this.#setup
    this.#take(assembly.datagram(chunk, clock.now()))
    this.#watch()
  }

  /** Hands in what is held and waits for everything under way. Never rejects. */
  async end(): Promise<void> {
    this.#callOff?.()
    this.#callOff = null
    this.#take(this.#setup.assembly.end(this.#setup.clock.now()))
    await this.settled()
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** One timer a silence, not one a chunk: when it fires too early it is set for the rest. */
  #watch(): void {
    const { clock, quietAfterMs } = this.#setup
    this.#lastMs = clock.now().getTime()
    this.#callOff ??= clock.after(quietAfterMs, () => this.#quiet())
  }

  #quiet(): void {
    const { assembly, clock, quietAfterMs } = this.#setup
    this.#callOff = null
    const restMs = quietAfterMs - (clock.now().getTime() - this.#lastMs)
    // A clock that was set back must not keep an epoch waiting.
    if (restMs > 0 && restMs <= quietAfterMs) this.#callOff = clock.after(restMs, () => this.#quiet())
    else this.#take(assembly.quiet(clock.now()))
  }

  #take(outcomes: readonly Outcome[]): void {
    const { context, strangers, clock, peer } = this.#setup
    for (const outcome of outcomes) {
      if (outcome.kind === 'refused') {
        context.refused('an unknown talker', { talker: outcome.talker, peer })
        if (!strangers.first(outcome.talker, clock.now())) continue
      }
      this.#accept(outcome)
    }
  }

  #accept({ message }: Outcome): void {
    const { context, moved, failed } = this.#setup
    const stored = context.accept(message).then(
      () => {},
      (error: unknown) => failed(describe(error)),
    )
    const done = stored.finally(() => {
      this.#underWay.delete(done)
      moved(this.#underWay.size)
    })
    this.#underWay.add(done)
    moved(this.#underWay.size)
  }
}
