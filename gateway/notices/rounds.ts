import type { Pool } from 'pg'
import { emptyRows } from '../intake/rows.ts'
import { dropUnmatched, findSubmissions, joinable } from '../store/notice-deliveries.ts'
import { decideOn, dueForReview, expired, type LockedNotice, type StateStore } from '../store/notice-states.ts'
import { doubtAbandoned } from '../store/notice-text.ts'
import { writeBatch } from '../store/write-batch.ts'
import { settleDeliveries } from './deliveries.ts'
import { reviewed, type Surroundings } from './legs.ts'
import { advances } from './state.ts'

export interface RoundsOptions extends StateStore, Pick<Surroundings, 'ways' | 'sends' | 'shared'> {
  readonly pool: Pool
  /** A notice begins to wait for this adapter. */
  queued(adapter: string, addressee: string): void
}

const atOnce = 500
/** Receipts may come for so long before what they are of is known. */
const waitingReceiptMs = 72 * 3_600_000

/** What the office does now and then, in this order. One that fails is tried in the next round. */
export class Rounds {
  readonly #options: RoundsOptions
  #receiptsAfter = '0'

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  readonly steps: Readonly<Record<string, () => Promise<void>>> = {
    expire: () => this.#expire(),
    abandoned: () => this.#abandoned(),
    review: () => this.#review(),
    receipts: () => this.#joinReceipts(),
    unmatched: () => {
      const { pool, gateway } = this.#options
      return dropUnmatched(pool, gateway, new Date(Date.now() - waitingReceiptMs))
    },
  }

  async #expire(): Promise<void> {
    const ids = await expired(this.#options.pool, atOnce)
    if (ids.length === 0) return
    const at = new Date()
    await decideOn(this.#options, ids, false, ({ state, expiresAt, partStates }) => {
      if (!advances(state, 'expired') || expiresAt === null || expiresAt > at) return null
      // Part of it may have been in time.
      if (partStates.includes('in-doubt')) return { entries: [{ state: 'in-doubt', at, detail: 'its time is over' }] }
      return { entries: [{ state: 'expired', at, reviewAt: null }] }
    })
  }

  /** Parts that a gateway was sending when it went: in doubt, and with the last of its parts the text is. */
  async #abandoned(): Promise<void> {
    const ids = await doubtAbandoned(this.#options.pool, atOnce)
    if (ids.length === 0) return
    const at = new Date()
    await decideOn(this.#options, ids, true, ({ state, parts, partStates, expiresAt }) => {
      const over = partStates.length >= parts || (expiresAt !== null && expiresAt <= at)
      return over && advances(state, 'in-doubt') && partStates.includes('in-doubt')
        ? { entries: [{ state: 'in-doubt', at, detail: 'the gateway that was sending it is gone' }] }
        : null
    })
  }

  /** Ways that failed or have had their time. */
  async #review(): Promise<void> {
    const { queued } = this.#options
    const ids = await dueForReview(this.#options.pool, atOnce)
    if (ids.length === 0) return
    const around: Surroundings = { ...this.#options, at: new Date() }
    const begun: { adapter: string; addressee: string }[] = []
    await decideOn(this.#options, ids, false, (notice: LockedNotice) => {
      if (notice.claimed) return null
      const decision = reviewed(notice, around)
      begun.push(...decision.entries.flatMap(({ way }) => way ?? []))
      return decision
    })
    for (const { adapter, addressee } of begun) queued(adapter, addressee)
  }

  /** What a receipt's transaction and a submission's both missed, because neither saw the other. */
  async #joinReceipts(): Promise<void> {
    const { pool, gateway, namedStatements, understanding, posted } = this.#options
    const receipts = await joinable(pool, this.#receiptsAfter, atOnce)
    // From the beginning again in the next round: what cannot be joined now perhaps can then.
    this.#receiptsAfter = receipts.length < atOnce ? '0' : (receipts.at(-1)?.id ?? '0')
    if (receipts.length === 0) return
    const found = await findSubmissions(
      pool,
      receipts.map(({ report }) => report),
    )
    const rows = emptyRows()
    settleDeliveries(receipts, found, new Date(), understanding(), rows)
    const still = new Set<unknown>(rows.waitingReceipts.splice(0))
    rows.joinedReceipts.push(...receipts.filter((receipt) => !still.has(receipt)).map(({ id }) => id))
    await writeBatch(pool, rows, gateway, namedStatements)
    if (rows.noticeStates.length > 0) posted()
  }
}
