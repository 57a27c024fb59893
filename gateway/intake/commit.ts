import { type ClientBase, DatabaseError, type Pool } from 'pg'
import type { Receipt } from '../adapter.ts'
import { completeForms } from '../calls/complete-forms.ts'
import { GatewayError } from '../errors.ts'
import { tellIncidents } from '../incidents/events.ts'
import { mergeStorms } from '../incidents/storm.ts'
import { settleDeliveries } from '../notices/deliveries.ts'
import { settleReceipts } from '../notices/notice.ts'
import type { Attachments } from '../store/attachments.ts'
import { findSubmissions } from '../store/notice-deliveries.ts'
import { findKeys, findMemories, findNeighbours, findNotices, findParts, findReports } from '../store/read-batch.ts'
import { writeBatch } from '../store/write-batch.ts'
import type { SubjectMemory } from '../triage/triage.ts'
import { answerEnquiries, type KnownReport, numbersAsked } from './answers.ts'
import type { Arrival } from './arrival.ts'
import { groupKeyOf, PartDesk } from './part-desk.ts'
import { lookedFor, relatedWithinMs, relateIntents } from './relate.ts'
import type { BatchRows } from './rows.ts'
import { type Decoded, type Remembered, subjectsOf, type Understanding, understand } from './understand.ts'

/** What one batch needs at hand. `understanding` is asked for each batch, so that a new city holds from the next on. */
export interface Desk {
  readonly pool: Pool
  readonly attachments: Attachments
  readonly gateway: string
  readonly memories: MemoryCache
  readonly redeliveries: Redeliveries
  /** The database gives each connection a session of its own, where a statement can keep a name. */
  readonly namedStatements: boolean
  understanding(): Understanding
}

/** SQLSTATE of `chengguan_require`. */
export const staleMemory = 'CG001'
const uniqueViolation = '23505'
export const attempts = 5

/**
 * Stores a batch and says what became of each message. Rejects when nothing was stored, or when it cannot be known:
 * the peers send again, and what was stored after all is then a duplicate.
 */
export async function commit(batch: readonly Decoded[], desk: Desk): Promise<Receipt[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryCommit(batch, desk)
    } catch (error) {
      const code = error instanceof DatabaseError ? error.code : undefined
      if (code === uniqueViolation) desk.redeliveries.seen()
      const raced = code === staleMemory || code === uniqueViolation
      if (raced && attempt < attempts) desk.memories.forget(subjectsOf(batch))
      else if (isAboutData(error)) return isolate(batch, error, desk)
      else throw error
    }
  }
}

/**
 * Whether the same rows would fail again: SQLSTATE classes 22 (data exception), 23 (constraint) and 54 (limit exceeded),
 * and our own errors of understanding or writing a message (too large a text, too deep a nesting).
 */
function isAboutData(error: unknown): error is Error {
  if (error instanceof DatabaseError) return /^(22|23|54)/.test(error.code ?? '')
  return error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError
}

/** Halves the batch until the message that the store will not take stands alone, and makes a dead letter of that one. */
async function isolate(batch: readonly Decoded[], error: Error, desk: Desk): Promise<Receipt[]> {
  const [only] = batch
  if (only !== undefined && batch.length === 1) {
    if (only.poison !== null) throw error
    const poison = { code: 'DECODE_CRASHED', detail: `the store refuses its rows: ${error.message}` }
    return commit([{ arrival: only.arrival, reports: null, poison }], desk)
  }
  const middle = batch.length >> 1
  const first = await commit(batch.slice(0, middle), desk)
  return [...first, ...(await commit(batch.slice(middle), desk))]
}

const arrivalOf = ({ arrival }: Decoded): Arrival => arrival

async function tryCommit(batch: readonly Decoded[], desk: Desk): Promise<Receipt[]> {
  const { pool, memories } = desk
  const how = desk.understanding()
  const subjects = subjectsOf(batch)
  const unknown = memories.missing(subjects)
  const groups = groupsOf(batch)
  const [taken, read] = await Promise.all([
    desk.redeliveries.expected() ? findKeys(pool, batch.map(arrivalOf)) : new Map<string, Date>(),
    unknown.length === 0 ? new Map<string, Remembered>() : findMemories(pool, unknown),
  ])
  memories.learn(unknown, read)
  // After the senders' versions: what another gateway holds in between makes these old, and the write fails. Read before
  // them, parts could be older than the version that vouches for them, and each gateway would keep one half.
  const held = groups.length === 0 ? [] : await findParts(pool, groups)
  if (taken.size > 0) desk.redeliveries.seen()

  const rows = understand(batch, taken, memories.of(subjects), how, new PartDesk(held))
  await completeRows(rows, how, pool)
  await Promise.all(rows.files.map(({ sha256, content }) => desk.attachments.keep(sha256, content)))
  try {
    await writeBatch(pool, rows, desk.gateway, desk.namedStatements)
  } catch (error) {
    // Whether it was committed may be unknown (the connection was cut): nothing that was remembered can be relied on.
    memories.forget(subjects)
    throw error
  }
  memories.advance(rows)
  return rows.outcomes
}

/** The wholes that a batch brings parts of. */
export function groupsOf(batch: readonly Decoded[]): string[] {
  const groups = new Set<string>()
  for (const { reports } of batch)
    for (const report of reports ?? []) if (report.kind === 'part') groups.add(groupKeyOf(report))
  return [...groups]
}

/**
 * The rows that need a look at what is stored: storms of incidents, calls that forms belong to, related intents, answers to who asks for a state, and the notices that
 * receipts speak of.
 */
export async function completeRows(rows: BatchRows, how: Understanding, pool: Pool | ClientBase): Promise<void> {
  const asked = numbersAsked(rows)
  const known = asked.length === 0 ? new Map<string, KnownReport>() : await findReports(pool, asked)
  if (rows.enquiries.length > 0) answerEnquiries(rows, known, how.city)
  await mergeStorms(rows, how, pool)
  if (rows.callForms.length > 0) await completeForms(rows, how, pool)
  if (rows.intents.length > 0) {
    const looked = lookedFor(rows.intents, how.city)
    const earlier = await findNeighbours(pool, looked, new Date(Date.now() - relatedWithinMs))
    relateIntents(rows, earlier, known, how)
  }
  tellIncidents(rows, how)
  if (rows.receipts.length > 0) {
    const notices = await findNotices(pool, rows.receipts)
    settleReceipts(rows.receipts, notices, new Date(), how, rows)
  }
  if (rows.deliveries.length > 0) {
    const found = await findSubmissions(
      pool,
      rows.deliveries.map(({ report }) => report),
    )
    settleDeliveries(rows.deliveries, found, new Date(), how, rows)
  }
}

/**
 * Whether keys are looked up before a batch is written. The unique index finds a redelivery in any case, at the price of
 * writing its batch twice; and redeliveries are rare, but where one is, more follow: a link that was lost, a restart.
 */
export class Redeliveries {
  readonly #batches: number
  #left: number

  /** `batches`: so many are looked up after the start, and after each batch that had a redelivery in it. */
  constructor(batches = 50) {
    this.#batches = batches
    this.#left = batches
  }

  /** Asked once for each attempt to write a batch. */
  expected(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  seen(): void {
    this.#left = this.#batches
  }
}

/**
 * Devices' memories as last written by this gateway. Another gateway may have written since; the row's version tells,
 * and then the batch fails with CG001 and is understood again from what is stored.
 */
export class MemoryCache {
  readonly #entries = new Map<string, Remembered>()
  readonly #limit: number

  constructor(limit = 100_000) {
    this.#limit = limit
  }

  missing(subjects: Iterable<string>): string[] {
    return [...subjects].filter((subject) => !this.#entries.has(subject))
  }

  learn(asked: readonly string[], found: ReadonlyMap<string, Remembered>): void {
    if (this.#entries.size + asked.length > this.#limit) this.#entries.clear()
    for (const subject of asked) this.#entries.set(subject, found.get(subject) ?? { version: 0, memory: null })
  }

  of(subjects: Iterable<string>): Map<string, Remembered> {
    const found = new Map<string, Remembered>()
    for (const subject of subjects) {
      const entry = this.#entries.get(subject)
      // Cleared between `missing` and here can only be by this very batch's `learn`, which put its own back.
      if (entry === undefined) throw new GatewayError('STORE_UNAVAILABLE', `the memory of ${subject} was not read`)
      found.set(subject, entry)
    }
    return found
  }

  forget(subjects: Iterable<string>): void {
    for (const subject of subjects) this.#entries.delete(subject)
  }

  advance({ devices }: BatchRows): void {
    for (const { subject, version, memory } of devices.values())
      this.#entries.set(subject, { version: version + 1, memory: memory as SubjectMemory | null })
  }
}
