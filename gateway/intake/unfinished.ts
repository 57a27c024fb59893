import { DatabaseError, type PoolClient } from 'pg'
import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import { Looks } from '../looks.ts'
import { heldGroup, ripeGroups } from '../store/held-parts.ts'
import { findMemories, findParts } from '../store/read-batch.ts'
import { inTransaction } from '../store/transaction.ts'
import { writeBatch } from '../store/write-batch.ts'
import type { Arrival, Source } from './arrival.ts'
import { attempts, completeRows, type Desk, staleMemory } from './commit.ts'
import { type HeldPart, whole } from './part-desk.ts'
import { emptyRows } from './rows.ts'
import { type Decoded, subjectsOf, understand } from './understand.ts'

/**
 * Parts whose others never come go on without them after a time, marked as incomplete: half of what a citizen wrote is
 * more than nothing. Any number of gateways may look; the sender's version lets one of them do it.
 */
export interface UnfinishedOptions {
  readonly desk: Desk
  readonly sources: ReadonlyMap<string, Source>
  readonly log: Logger
  /** How long the first part waits for the others. */
  readonly withinMs: number
  readonly everyMs?: number
  readonly now?: () => number
  /** There are new outbox rows and notices. */
  posted(): void
}

export class Unfinished {
  readonly #options: UnfinishedOptions
  readonly #looks: Looks<void>

  constructor(options: UnfinishedOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#look(), options.everyMs ?? Math.min(5000, Math.max(100, options.withinMs / 4)))
  }

  start(): void {
    this.#looks.start()
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  /** One look; calls during one wait for it. */
  look(): Promise<void> {
    return this.#looks.look()
  }

  async #look(): Promise<void> {
    const { desk, withinMs, log, posted } = this.#options
    try {
      const before = new Date((this.#options.now ?? Date.now)() - withinMs)
      let released = 0
      // One that cannot go on now holds up none of the others.
      for (const groupKey of await ripeGroups(desk.pool, before))
        if (await this.#release(groupKey).catch((error: unknown) => this.#failed(groupKey, error))) released++
      if (released > 0) posted()
    } catch (error) {
      log.error({ reason: describe(error) }, 'incomplete texts could not go on')
    }
  }

  #failed(groupKey: string, error: unknown): false {
    this.#options.log.error({ group: groupKey, reason: describe(error) }, 'an incomplete text could not go on')
    return false
  }

  async #release(groupKey: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (
          (await inTransaction(this.#options.desk.pool, (client) => this.#releaseLocked(groupKey, client))) !== null
        )
      } catch (error) {
        // The sender's next part came meanwhile: what is held is read again.
        if (!(error instanceof DatabaseError && error.code === staleMemory) || attempt === attempts) throw error
      }
    }
  }

  async #releaseLocked(groupKey: string, client: PoolClient): Promise<true | null> {
    const { desk, sources } = this.#options
    const [some] = await findParts(client, [groupKey])
    if (some === undefined) return null
    const subjects = [some.subject]
    // Before the parts, as at the intake: its version vouches for them.
    const remembered = await findMemories(client, subjects)
    const parts = await heldGroup(client, groupKey)
    const [first] = [...parts].sort((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime())
    if (first === undefined) return null
    const arrival = arrivalOf(first, sources)
    // The part itself stands among the reports so that the sender's row is written, with its version.
    const decoded: Decoded = { arrival, reports: [whole(parts)], poison: null }
    const rows = understand([decoded], new Map(), remembered, desk.understanding())
    rows.devices.set(first.subject, {
      subject: first.subject,
      adapter: first.adapter,
      lastSeen: first.receivedAt,
      presence: null,
      battery: null,
      position: null,
      version: remembered.get(first.subject)?.version ?? 0,
      memory: remembered.get(first.subject)?.memory ?? null,
    })
    rows.parts = { held: [], gone: parts }
    await completeRows(rows, desk.understanding(), client)
    const { tally } = emptyRows()
    // Its messages were counted when they came.
    for (const row of rows.tally.rows())
      if (!['received', 'stored', 'filtered', 'dead-lettered'].includes(row.what))
        tally.add(new Date(row.day), row.subject, row.channel, row.what, row.reason, row.n)
    await writeBatch(client, { ...rows, messages: [], tally }, desk.gateway)
    desk.memories.forget([...subjects, ...subjectsOf([decoded])])
    return true
  }
}

function arrivalOf(part: HeldPart, sources: ReadonlyMap<string, Source>): Arrival {
  const { messageId: id, adapter, channel, receivedAt } = part
  const source = sources.get(adapter) ?? { adapter, channel, keyScope: adapter, decode: () => [] }
  return { id, source, message: { key: `parts ${part.groupKey}`, raw: new Uint8Array(), envelope: {}, receivedAt } }
}
