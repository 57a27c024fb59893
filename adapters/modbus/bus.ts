import { setTimeout as wait } from 'node:timers/promises'
import type { ModbusOptions } from './options.ts'
import { isAbsence } from './pdu.ts'
import type { Outcome, Poll } from './poll.ts'
import { SilenceCredit } from './silence-credit.ts'
import { type Ask, UnitPace } from './unit-pace.ts'

/** What a bus is asked through. */
export interface Asked {
  /** Never rejects. */
  read(unit: number, request: Ask['request']): Promise<Outcome>
}

/**
 * One bus: one request at a time, the unit that has waited longest next. Units that do not answer get what is left, and
 * no more of the time than `silentShare`.
 */
export class Bus {
  readonly #options: ModbusOptions
  readonly #units: readonly UnitPace[]
  readonly #credit: SilenceCredit
  readonly #take: (poll: Poll) => void
  #lastMs = 0
  /** Requests in a row that nobody answered. */
  unanswered = 0

  constructor(options: ModbusOptions, take: (poll: Poll) => void) {
    const nowMs = performance.now()
    this.#options = options
    this.#take = take
    this.#credit = new SilenceCredit(options.silentShare, options.timeout, nowMs)
    this.#units = options.units.map((unit) => new UnitPace(unit, options, nowMs))
  }

  /** Polls until it is told to stop, or `over` says that there is no use. */
  async run(asked: Asked, signal: AbortSignal, over: () => boolean): Promise<void> {
    const nowMs = performance.now()
    // Spread over their pace, a second at most, so that many units are not asked all at once and then rest.
    for (const [i, pace] of this.#units.entries())
      pace.renew(nowMs + (Math.min(pace.unit.every, 1000) * i) / this.#units.length)
    this.unanswered = 0
    while (!signal.aborted && !over()) {
      const { pace, inMs } = this.#next(performance.now())
      if (inMs > 0) await wait(inMs, undefined, { signal }).catch(() => {})
      else await this.#poll(pace, asked, signal)
    }
  }

  /** Nothing could be asked: the link cannot be had. */
  unreachable(fault: string): void {
    const nowMs = performance.now()
    for (const pace of this.#units) {
      for (const ask of pace.asks) pace.missed(ask, fault, nowMs)
      pace.polled(false, nowMs)
      this.#say(pace, this.#time(), new Map())
    }
  }

  #next(nowMs: number): { readonly pace: UnitPace; readonly inMs: number } {
    const anyAnswers = this.#units.some(({ answers }) => answers)
    let best: { pace: UnitPace; atMs: number } | null = null
    for (const pace of this.#units) {
      const ready = pace.answers || !anyAnswers ? nowMs : this.#credit.readyMs(nowMs)
      const atMs = Math.max(pace.dueMs, ready)
      // Among those that may be asked the one that has waited longest, silent ones too: on a bus that is never idle they
      // would not be asked again at all.
      const due = atMs <= nowMs ? pace.dueMs : atMs
      if (best === null || due < best.atMs) best = { pace, atMs: due }
    }
    if (best === null) throw new Error('a bus has units')
    return { pace: best.pace, inMs: Math.max(0, best.atMs - nowMs) }
  }

  async #poll(pace: UnitPace, asked: Asked, signal: AbortSignal): Promise<void> {
    const at = this.#time()
    const outcomes = new Map<Ask, Outcome>()
    let heard = false
    for (const ask of pace.turn(performance.now())) {
      heard = (await this.#askOne(pace, ask, asked, signal, outcomes)) || heard
      if (signal.aborted) return
      if (!heard) break
    }
    const woke = heard && !pace.answers
    pace.polled(heard, performance.now())
    if (woke) {
      for (const ask of pace.asks) {
        if (outcomes.has(ask)) continue
        await this.#askOne(pace, ask, asked, signal, outcomes)
        if (signal.aborted) return
      }
    }
    this.#say(pace, at, outcomes)
  }

  async #askOne(pace: UnitPace, ask: Ask, asked: Asked, signal: AbortSignal, outcomes: Map<Ask, Outcome>) {
    const beganMs = performance.now()
    let outcome = await this.#read(pace.unit.unit, ask, asked, signal)
    const code = exceptionOf(outcome)
    // Acknowledge and busy ask for another try (6.2 and table 7 of the standard): one, at once.
    if ((code === 5 || code === 6) && !signal.aborted) outcome = await this.#read(pace.unit.unit, ask, asked, signal)
    const nowMs = performance.now()
    const answers = outcome.is !== 'silent' && !isAbsence(exceptionOf(outcome) ?? 0)
    if (answers) pace.answered(ask)
    else {
      pace.missed(ask, outcome.is === 'silent' ? outcome.fault : 'no answer behind the gateway', nowMs)
      this.#credit.spend(nowMs - beganMs, nowMs)
    }
    this.unanswered = outcome.is === 'silent' ? this.unanswered + 1 : 0
    if (answers || outcome.is === 'answered') outcomes.set(ask, outcome)
    return answers
  }

  async #read(unit: number, ask: Ask, asked: Asked, signal: AbortSignal): Promise<Outcome> {
    const outcome = await asked.read(unit, ask.request)
    if (this.#options.gap > 0) await wait(this.#options.gap, undefined, { signal }).catch(() => {})
    return outcome
  }

  /** What was answered, and what has been silent for long enough; a single miss is not worth a word. */
  #say(pace: UnitPace, at: Date, outcomes: ReadonlyMap<Ask, Outcome>): void {
    const said = pace.asks.flatMap((ask): Outcome[] => {
      const outcome = outcomes.get(ask)
      const silence = pace.silence(ask)
      if (outcome !== undefined && (silence === null || ask.failures === 0)) return [outcome]
      return silence === null ? [] : [outcome ?? { request: ask.request, is: 'silent', fault: silence }]
    })
    if (said.length > 0) this.#take({ unit: pace.unit.unit, at, outcomes: said })
  }

  /** The day's time, never the same twice: it is a poll's identity, also while the clock is being set back. */
  #time(): Date {
    this.#lastMs = Math.max(Date.now(), this.#lastMs + 1)
    return new Date(this.#lastMs)
  }
}

function exceptionOf(outcome: Outcome): number | null {
  if (outcome.is !== 'answered') return null
  const [fn = 0, code = 0] = outcome.pdu
  return (fn & 0x80) === 0 ? null : code
}
