import { isDeepStrictEqual } from 'node:util'
import { DatabaseError } from 'pg'
import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import { type Desk, staleMemory } from '../intake/commit.ts'
import { emptyRows } from '../intake/rows.ts'
import { Looks } from '../looks.ts'
import { dueLegs, formsOfCall, legsOfCall, type StoredCall, settledCalls } from '../store/calls.ts'
import { writeBatch } from '../store/write-batch.ts'
import { tellCall } from './events.ts'
import { type JoinedCall, joinCall } from './join.ts'
import type { CallRow } from './rows.ts'

export interface CallLimits {
  /** A call that is over is settled when nothing more was said of it for so long. */
  readonly settleAfterMs: number
  /** One whose end was never told is settled without it. */
  readonly giveUpAfterMs: number
}

export interface SettleOptions {
  readonly desk: Desk
  readonly limits: CallLimits
  readonly log: Logger
  readonly everyMs?: number
  readonly now?: () => number
  /** There are new outbox rows. */
  posted(): void
  /** A call was settled without any record of it. */
  unrecorded(exchange: string, from: Date, to: Date): void
}

/**
 * Joins the legs of calls that are over. Any number of gateways may look, and more may be said meanwhile: the legs'
 * versions let one of them write, and what comes later makes a new revision of the same call.
 */
export class CallSettlement {
  readonly #options: SettleOptions
  readonly #looks: Looks<number>

  constructor(options: SettleOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#look(), options.everyMs ?? 1000)
  }

  start(): void {
    this.#looks.start()
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  /** One look; calls during one wait for it. How many calls it wrote. */
  look(): Promise<number> {
    return this.#looks.look()
  }

  async #look(): Promise<number> {
    const { desk, limits, log, posted } = this.#options
    let written = 0
    try {
      const nowMs = (this.#options.now ?? Date.now)()
      // One that fails holds up none of the others.
      for (const { exchange, leg } of await dueLegs(desk.pool, new Date(nowMs - limits.settleAfterMs)))
        written += await this.#settle(exchange, leg, nowMs).catch((error: unknown) =>
          this.#failed(exchange, leg, error),
        )
      if (written > 0) posted()
    } catch (error) {
      log.error({ reason: describe(error) }, 'calls could not be settled')
    }
    return written
  }

  #failed(exchange: string, leg: string, error: unknown): 0 {
    // More was said meanwhile, or another gateway was faster: it is looked at again when it is due.
    if (!(error instanceof DatabaseError && error.code === staleMemory))
      this.#options.log.error({ exchange, leg, reason: describe(error) }, 'a call could not be settled')
    return 0
  }

  async #settle(exchange: string, leg: string, nowMs: number): Promise<number> {
    const { desk, limits, unrecorded } = this.#options
    const { settleAfterMs, giveUpAfterMs } = limits
    const how = desk.understanding()
    const legs = await legsOfCall(desk.pool, exchange, [leg])
    const newsMs = Math.max(...legs.map(({ lastHeardAt }) => lastHeardAt.getTime()))
    const joined = joinCall(legs, how.city)
    const fresh = newsMs > nowMs - settleAfterMs
    const goesOn = joined.ending === null && newsMs > nowMs - giveUpAfterMs
    const rows = emptyRows()
    const calls: CallRow[] = []
    if (!fresh && !goesOn) {
      const ids = [...new Set([joined.call, ...legs.map((each) => each.leg)])].sort()
      const call = joined.ending === null ? neverEnded(joined) : joined
      calls.push(...revisions(call, ids, await settledCalls(desk.pool, exchange, ids), new Date(nowMs)))
      const intents =
        calls.length === 0 ? [] : (await formsOfCall(desk.pool, exchange, ids)).map(({ intentId }) => intentId)
      for (const row of calls) tellCall(row, intents, how, rows)
    }
    const againMs = fresh ? newsMs : goesOn ? newsMs + giveUpAfterMs - settleAfterMs : null
    const read = legs.map(({ exchange, leg, version }) => ({ exchange, leg, version }))
    rows.settledCalls.push({ legs: read, dueAt: againMs === null ? null : new Date(againMs), calls })
    await writeBatch(desk.pool, rows, desk.gateway)
    if (calls.length > 0 && joined.heard === 'live')
      unrecorded(exchange, new Date(joined.startedAt), new Date(joined.endedAt ?? newsMs))
    return calls.length
  }
}

/** What the ending is taken for when nobody said one. */
function neverEnded(call: JoinedCall): JoinedCall & { readonly ending: NonNullable<JoinedCall['ending']> } {
  const remarks = [...call.remarks, { reason: 'never-ended', detail: 'no end was told' }]
  return { ...call, ending: call.answeredAt === null ? 'lost' : 'answered', remarks }
}

/** The call where it is new or known better, and what was settled under ids of its legs and is part of it. */
function revisions(
  call: JoinedCall,
  ids: readonly string[],
  stored: readonly StoredCall[],
  settledAt: Date,
): CallRow[] {
  const before = stored.find((one) => one.call === call.call)
  const plain = JSON.parse(JSON.stringify(call))
  const same = before?.mergedInto === null && isDeepStrictEqual(before.data, plain)
  const own = same ? [] : [{ call, revision: (before?.revision ?? 0) + 1, settledAt, mergedInto: null, ids }]
  const parts = stored.filter((one) => one.call !== call.call && one.mergedInto !== call.call)
  return [
    ...own,
    ...parts.map(({ data, revision, ids: own }) => {
      return { call: data, revision: revision + 1, settledAt, mergedInto: call.call, ids: own }
    }),
  ]
}
