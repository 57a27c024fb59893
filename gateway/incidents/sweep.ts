import { DatabaseError, type PoolClient } from 'pg'
import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import { attempts, completeRows, type Desk, staleMemory } from '../intake/commit.ts'
import { emptyRows } from '../intake/rows.ts'
import { Looks } from '../looks.ts'
import { dueIncidents, endLost } from '../store/incidents.ts'
import { newId } from '../store/message-id.ts'
import { findMemories } from '../store/read-batch.ts'
import { inTransaction } from '../store/transaction.ts'
import { writeBatch } from '../store/write-batch.ts'
import { changeOf } from '../triage/alarms.ts'
import { noAlarms } from '../triage/incident-state.ts'
import { passTime } from '../triage/incident-time.ts'
import { blankMemory } from '../triage/memory.ts'
import { enterIncidents } from './rows.ts'

export interface SweepOptions {
  readonly desk: Desk
  readonly log: Logger
  readonly everyMs?: number
  readonly now?: () => number
  /** There are new outbox rows. */
  posted(): void
}

/**
 * Does to incidents what time does: those that nothing is heard of are over, those that go on become cases or are
 * flagged. Any number of gateways may look, and alarms may come meanwhile: the device's version lets one of them write.
 */
export class IncidentSweep {
  readonly #options: SweepOptions
  readonly #looks: Looks<number>

  constructor(options: SweepOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#look(), options.everyMs ?? 1000)
  }

  start(): void {
    this.#looks.start()
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  /** One look; calls during one wait for it. How many devices something was done for. */
  look(): Promise<number> {
    return this.#looks.look()
  }

  async #look(): Promise<number> {
    const { desk, log, posted } = this.#options
    let done = 0
    try {
      const nowMs = (this.#options.now ?? Date.now)()
      // One that fails holds up none of the others.
      for (const [subject, ids] of await dueIncidents(desk.pool, new Date(nowMs)))
        if (await this.#pass(subject, ids, nowMs).catch((error: unknown) => this.#failed(subject, error))) done++
      if (done > 0) posted()
    } catch (error) {
      log.error({ reason: describe(error) }, 'incidents could not be looked at')
    }
    return done
  }

  #failed(subject: string, error: unknown): false {
    this.#options.log.error({ subject, reason: describe(error) }, 'incidents of a device could not be looked at')
    return false
  }

  async #pass(subject: string, ids: readonly string[], nowMs: number): Promise<boolean> {
    const { desk } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        const passed = await inTransaction(desk.pool, (client) => this.#passLocked(subject, ids, nowMs, client))
        desk.memories.forget([subject])
        return passed !== null
      } catch (error) {
        // It was heard meanwhile, or another gateway was faster: what is known of it is read again.
        if (!(error instanceof DatabaseError && error.code === staleMemory) || attempt === attempts) throw error
      }
    }
  }

  async #passLocked(subject: string, ids: readonly string[], nowMs: number, client: PoolClient): Promise<true | null> {
    const { desk } = this.#options
    const how = desk.understanding()
    const remembered = (await findMemories(client, [subject])).get(subject) ?? { version: 0, memory: null }
    const memory = remembered.memory ?? blankMemory
    const before = memory.alarms ?? noAlarms
    const open = before.incidents.filter(({ cleared }) => cleared === null)
    const lost = ids.filter((id) => !open.some((state) => state.id === id))
    if (lost.length > 0) await endLost(client, lost, new Date(nowMs))
    const circumstances = { city: how.city, limits: how.limits, newId }
    const { alarms, made } = passTime(subject, before, nowMs, circumstances)
    const rows = emptyRows()
    for (const { state, entries } of made) enterIncidents([changeOf(subject, state, entries, circumstances)], rows)
    // A rule of the city that changed has changed when they are due.
    for (const state of open)
      if (ids.includes(state.id) && !rows.incidents.has(state.id))
        enterIncidents([changeOf(subject, state, [], circumstances)], rows)
    const [first] = rows.incidents.values()
    if (first === undefined) return lost.length > 0 ? true : null
    for (const { intent, state } of made)
      if (intent !== null)
        rows.intents.push({
          intent,
          receivedAt: new Date(nowMs),
          messageId: state.evidence[0] ?? intent.id,
          orderingKey: intent.component?.id ?? intent.reporter.id,
        })
    rows.devices.set(subject, {
      subject,
      adapter: first.state.adapter,
      lastSeen: new Date(Math.max(...open.map(({ heardMs }) => heardMs))),
      presence: null,
      battery: null,
      position: null,
      version: remembered.version,
      memory: { ...memory, alarms },
    })
    await completeRows(rows, how, client)
    await writeBatch(client, rows, desk.gateway)
    return true
  }
}
