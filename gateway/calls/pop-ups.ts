import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { City } from '../city/city.ts'
import { describe } from '../errors.ts'
import { type CallerReport, reportsOfCaller } from '../store/caller-reports.ts'
import { type LegAtSeat, legsAtSeats, legsOfCall } from '../store/calls.ts'
import { joinCall } from './join.ts'
import { type Leg, legOf } from './leg.ts'
import { legKey } from './rows.ts'

/** What a seat is shown of a call (来电弹屏). */
export interface PopUp {
  readonly what: 'ring' | 'answer' | 'end'
  readonly exchange: string
  readonly call: string
  readonly leg: string
  readonly seat: string
  readonly caller: string | null
  readonly called: string | null
  readonly district: { readonly code: string; readonly name: string } | null
  readonly digits: string | null
  readonly startedAt: string
  readonly answeredAt: string | null
  readonly endedAt: string | null
  /** A collector, leader or driver that the city knows by the number. */
  readonly subject: { readonly kind: string; readonly id: string; readonly name: string } | null
  readonly reports: readonly CallerReport[]
}

export interface PopUpOptions {
  readonly pool: Pool
  readonly log: Logger
  city(): City
  readonly everyMs?: number
  /** Looks are at least so far apart, however much is committed. */
  readonly leastMs?: number
  readonly now?: () => number
}

/** A leg as it was shown to a listener. */
interface Shown {
  readonly state: string
  readonly version: string
  readonly atMs: number
}

interface Listener {
  readonly seat: string
  /** Legs not heard of since then are known. */
  readonly sinceMs: number
  /** It was there before: calls that go on were shown to it then. */
  readonly resumed: boolean
  readonly shown: Map<string, Shown>
  cursorMs: number
  /** It has been shown what there was when it came. */
  settled: boolean
  show(cursor: string, popUp: PopUp): void
}

/** Nobody wants to see what ended longer ago. */
const windowMs = 600_000
/** What is heard at one moment is committed at several. */
const overlapMs = 5_000
/** Clocks of gateways are no further apart, and no commit takes longer. */
const behindMs = 30_000
/** A call that goes on is shown to a seat that comes to listen, however long it has been silent, up to this. */
const longestCallMs = 4 * 3_600_000

const versionOf = ({ version, callVersion }: LegAtSeat): string => `${version} ${callVersion}`

const isOver = ({ endedAt, ending }: Leg): boolean => endedAt !== null || ending !== null

/**
 * Shows seats their calls, whichever gateway of the database hears the exchange. The store is looked at only while somebody
 * listens: at once when this gateway has stored something, and every second for what others store.
 */
export class PopUps {
  readonly #options: PopUpOptions
  readonly #listeners = new Set<Listener>()
  #timer: NodeJS.Timeout | null = null
  #soon: NodeJS.Timeout | null = null
  #looking: Promise<void> | null = null
  #again = false
  #lookedMs = 0
  /** Everything that had been stored then was shown. */
  #shownMs = 0

  constructor(options: PopUpOptions) {
    this.#options = options
  }

  listening(seat: string): { readonly all: number; readonly here: number } {
    const here = [...this.#listeners].filter((listener) => listener.seat === seat).length
    return { all: this.#listeners.size, here }
  }

  /** `after`: the cursor of the last pop-up that was seen. Returns what ends it. */
  listen(seat: string, after: string | null, show: Listener['show']): () => void {
    const nowMs = this.#now()
    const afterMs = after !== null && /^\d{1,15}$/.test(after) ? Number(after) : null
    const sinceMs = afterMs === null ? nowMs - longestCallMs : Math.max(afterMs - overlapMs, nowMs - windowMs)
    const listener: Listener = {
      ...{ seat, sinceMs, show, resumed: afterMs !== null, shown: new Map<string, Shown>() },
      cursorMs: afterMs ?? 0,
      settled: false,
    }
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => this.#look(), this.#options.everyMs ?? 1000)
    this.#look()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#rest()
    }
  }

  /** Something was stored. */
  wake(): void {
    if (this.#listeners.size === 0 || this.#soon !== null) return
    const waitMs = Math.max(0, this.#lookedMs + (this.#options.leastMs ?? 100) - performance.now())
    this.#soon = setTimeout(() => {
      this.#soon = null
      this.#look()
    }, waitMs)
  }

  async stop(): Promise<void> {
    this.#listeners.clear()
    this.#rest()
    await this.#looking
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#soon !== null) clearTimeout(this.#soon)
    this.#timer = null
    this.#soon = null
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** One look at a time; what is asked for meanwhile is looked for once more after it. */
  #look(): void {
    if (this.#looking !== null) {
      this.#again = true
      return
    }
    this.#lookedMs = performance.now()
    this.#looking = this.#show()
      .catch((error: unknown) =>
        this.#options.log.error({ reason: describe(error) }, 'calls could not be shown to seats'),
      )
      .finally(() => {
        this.#looking = null
        if (this.#again && this.#listeners.size > 0) {
          this.#again = false
          this.#look()
        }
      })
  }

  async #show(): Promise<void> {
    const nowMs = this.#now()
    const listeners = [...this.#listeners]
    const settled = listeners.filter((listener) => listener.settled)
    if (settled.length > 0) await this.#showTo(settled, this.#shownMs - behindMs)
    this.#shownMs = nowMs
    for (const listener of listeners.filter((each) => !each.settled)) {
      await this.#showTo([listener], listener.sinceMs)
      listener.settled = true
    }
    for (const { shown } of listeners)
      for (const [key, { atMs }] of shown) if (atMs < nowMs - longestCallMs) shown.delete(key)
  }

  async #showTo(listeners: readonly Listener[], sinceMs: number): Promise<void> {
    const seats = [...new Set(listeners.map(({ seat }) => seat))]
    const reports = new Map<string, readonly CallerReport[]>()
    for (const leg of await legsAtSeats(this.#options.pool, seats, new Date(sinceMs))) {
      const waiting = listeners.filter((listener) => this.#listeners.has(listener) && this.#isNew(leg, listener))
      if (waiting.length === 0) continue
      const popUp = await this.#popUpOf(leg, reports)
      if (popUp !== null) for (const listener of waiting) this.#showOne(leg, popUp, listener)
    }
  }

  #showOne(leg: LegAtSeat, popUp: PopUp, listener: Listener): void {
    const { shown, show, resumed } = listener
    const { what, caller } = popUp
    const state = `${what} ${caller}`
    const key = legKey(leg.exchange, leg.leg)
    const before = shown.get(key)?.state
    shown.set(key, { state, version: versionOf(leg), atMs: this.#now() })
    if (before === state || (what === 'end' && before === undefined && !resumed)) return
    listener.cursorMs = Math.max(listener.cursorMs, leg.lastHeardAt.getTime())
    show(String(listener.cursorMs), popUp)
  }

  #isNew(leg: LegAtSeat, { seat, resumed, shown }: Listener): boolean {
    if (leg.seat !== seat) return false
    const before = shown.get(legKey(leg.exchange, leg.leg))
    if (before === undefined) return resumed || !isOver(legOf(leg))
    if (before.state.startsWith('end')) return false
    return before.version !== versionOf(leg)
  }

  /** `reports`: what callers reported before, as far as this look has read it. */
  async #popUpOf(stored: LegAtSeat, reports: Map<string, readonly CallerReport[]>): Promise<PopUp | null> {
    const { pool } = this.#options
    const city = this.#options.city()
    const { exchange, leg, seat } = stored
    const whole = joinCall(await legsOfCall(pool, exchange, [leg]), city)
    // The caller's own leg may name the seat that it reached, and that seat's leg is the one that rings.
    if (!whole.seats.some((each) => each.leg === leg)) return null
    const own = legOf(stored)
    const { call, caller, called, district, digits, startedAt } = whole
    const subject = caller === null ? null : city.subjectByPhone(caller)
    const before =
      caller === null ? [] : (reports.get(caller) ?? (await reportsOfCaller(pool, caller, subject?.id ?? null, city)))
    if (caller !== null) reports.set(caller, before)
    const over = isOver(own) || whole.ending !== null
    return {
      what: over ? 'end' : own.answeredAt !== null ? 'answer' : 'ring',
      ...{ exchange, call, leg, seat: seat ?? '', caller, called, district, digits, startedAt },
      ...{ answeredAt: own.answeredAt, endedAt: own.endedAt ?? whole.endedAt },
      subject: subject === null ? null : { kind: subject.kind, id: subject.id, name: subject.name },
      reports: before,
    }
  }
}
