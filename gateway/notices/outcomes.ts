import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Submitted } from '../adapter.ts'
import { describe } from '../errors.ts'
import { type BatchRows, emptyRows } from '../intake/rows.ts'
import type { Posting } from '../relay/post.ts'
import { findSubmissions, type WaitingReceipt, writeOutcomes } from '../store/notice-deliveries.ts'
import { type Mark, releaseClaims, withdrawMarks } from '../store/notice-text.ts'
import { writeBatch } from '../store/write-batch.ts'
import { settleDeliveries, stateOfLeg } from './deliveries.ts'
import type { HeldText } from './held-text.ts'
import { enter } from './notice.ts'

/** What became of a part, as its line saw it. */
export interface Outcome {
  readonly held: HeldText
  readonly part: number
  readonly outcome: Submitted | { readonly outcome: 'in-doubt'; readonly reason: string }
}

export interface OutcomesOptions {
  readonly pool: Pool
  readonly gateway: string
  readonly namedStatements: boolean
  readonly log: Logger
  readonly account: string
  understanding(): Posting
  posted(): void
}

const retryMs = 1000

/** Writes down what became of parts and of whole texts: all that comes while one commit is under way is the next one. */
export class Outcomes {
  readonly #options: OutcomesOptions
  readonly #forget: (held: HeldText) => void
  #outcomes: Outcome[] = []
  #touched = new Set<HeldText>()
  #writing: Promise<void> | null = null
  #closed = false

  /** `forget`: nothing of the text is here any more. */
  constructor(options: OutcomesOptions, forget: (held: HeldText) => void) {
    this.#options = options
    this.#forget = forget
  }

  add(outcome: Outcome): void {
    outcome.held.unrecorded++
    this.#outcomes.push(outcome)
    this.finish(outcome.held)
  }

  /** The text may be through. */
  finish(held: HeldText): void {
    this.#touched.add(held)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when all is written down. */
  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  /** No later try: what is not written by now is found in doubt. */
  close(): void {
    this.#closed = true
  }

  async #writeAll(): Promise<void> {
    // What this very moment brings shares the first commit.
    await new Promise(setImmediate)
    while (this.#touched.size > 0) {
      const outcomes = this.#outcomes.splice(0)
      const touched = this.#touched
      this.#touched = new Set()
      try {
        await this.#write(outcomes, [...touched])
      } catch (error) {
        // It has happened, so it is kept and written when the database is back.
        this.#options.log.error(
          { account: this.#options.account, reason: describe(error) },
          'outcomes of texts could not be stored',
        )
        this.#outcomes.unshift(...outcomes)
        for (const held of touched) this.#touched.add(held)
        if (this.#closed) break
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
    }
    this.#writing = null
  }

  async #write(outcomes: readonly Outcome[], touched: readonly HeldText[]): Promise<void> {
    const { pool, gateway, namedStatements, account, understanding, posted } = this.#options
    const rows = emptyRows()
    const at = new Date()
    const withdrawn: Omit<Mark, 'parts'>[] = []
    const recorded = new Map<HeldText, number>()
    for (const { held, part, outcome } of outcomes) {
      const { id: noticeId, leg, addressee } = held.due
      recorded.set(held, (recorded.get(held) ?? 0) + 1)
      if (outcome.outcome === 'later') {
        withdrawn.push({ noticeId, leg, part, account, addressee, reference: null })
        continue
      }
      const messageId = outcome.outcome === 'accepted' ? outcome.messageId : null
      const error = outcome.outcome === 'accepted' ? null : outcome.reason
      if (outcome.outcome === 'rejected') held.reject(outcome.reason)
      held.knows(part, outcome.outcome)
      rows.submissions.push({ noticeId, leg, part, state: outcome.outcome, messageId, error, at })
    }
    const over = touched.filter(
      (held) => !held.closed && held.waiting <= 0 && held.unrecorded === (recorded.get(held) ?? 0),
    )
    const released = over.filter((held) => !this.#conclude(held, at, understanding(), rows))
    await withdrawMarks(pool, withdrawn)
    const overtaken = await writeOutcomes(pool, rows, gateway, account, namedStatements)
    for (const notBefore of new Set(released.map((held) => held.notBefore?.getTime() ?? null)))
      await releaseClaims(
        pool,
        released.filter((held) => (held.notBefore?.getTime() ?? null) === notBefore).map(({ due }) => due.id),
        notBefore === null ? null : new Date(notBefore),
      )
    for (const [held, n] of recorded) held.unrecorded -= n
    for (const held of over) {
      held.closed = true
      this.#forget(held)
    }
    if (rows.noticeStates.some(({ events }) => events.length > 0)) posted()
    await this.#join(overtaken)
  }

  /** The text's state when nothing of it is under way; `false`: it goes on later, or elsewhere. */
  #conclude(held: HeldText, at: Date, how: Posting, rows: BatchRows): boolean {
    if (held.rejected !== null) {
      enter(held.due, { state: 'rejected', at, detail: held.rejected }, how, rows)
      return true
    }
    const state = held.parts === 0 ? null : stateOfLeg([...held.states.values()], held.parts)
    if (state === null) return false
    const detail =
      state === 'in-doubt' ? (rows.submissions.find(({ noticeId }) => noticeId === held.due.id)?.error ?? null) : null
    enter(held.due, { state, at, detail }, how, rows)
    return true
  }

  /** Receipts that were quicker than the answer to the submission. */
  async #join(receipts: readonly WaitingReceipt[]): Promise<void> {
    if (receipts.length === 0) return
    const { pool, gateway, understanding, posted } = this.#options
    const found = await findSubmissions(
      pool,
      receipts.map(({ report }) => report),
    )
    const rows = emptyRows()
    settleDeliveries(receipts, found, new Date(), understanding(), rows)
    const still = new Set<unknown>(rows.waitingReceipts.splice(0))
    rows.joinedReceipts.push(...receipts.filter((receipt) => !still.has(receipt)).map(({ id }) => id))
    await writeBatch(pool, rows, gateway)
    posted()
  }
}
