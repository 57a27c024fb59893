import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import { dropOldPartitions, ensurePartitions, startOfDay } from './partitions.ts'

/** How long things are kept, in milliseconds. */
export interface Retention {
  /** Raw messages, and the dead letters that speak of them. */
  readonly messagesMs: number
  /** Tracks. */
  readonly positionsMs: number
  /** Events delivered everywhere, with their intents, and notices and incidents that are over. Events that are dead stay. */
  readonly settledMs: number
  /** Idempotency keys: a redelivery later than this is stored again. */
  readonly keysMs: number
  /** What reporters are owed and were told, by query number; links between intents. */
  readonly reportersMs: number
  /** Incidents that never were a case: motion, and what is not mapped. */
  readonly incidentsMs: number
  /** Calls, their legs, and which forms they have. */
  readonly callsMs: number
}

export interface UpkeepOptions {
  readonly database: { readonly pool: Pool }
  readonly retention: Retention
  readonly log: Logger
  readonly everyMs?: number
  readonly now?: () => number
}

export interface Upkeep {
  /** Resolves when nothing of it is under way any more; again is safe. */
  stop(): Promise<void>
}

const tenMinutesMs = 600_000
const rowsABatch = 2_000

/** Keeps partitions ahead of time and applies retention, at once and then every ten minutes. Any number may run at once. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | null = null
  const round = async () => {
    await keepUp(options, stopping.signal)
    if (!stopping.signal.aborted) timer = setTimeout(next, options.everyMs ?? tenMinutesMs)
  }
  let underWay = Promise.resolve()
  const next = () => {
    underWay = round()
  }
  next()
  return {
    async stop() {
      stopping.abort()
      if (timer !== null) clearTimeout(timer)
      await underWay
    },
  }
}

/** One round. A step that fails is logged and left for the next round; the others still run. */
export async function keepUp(options: UpkeepOptions, signal = new AbortController().signal): Promise<void> {
  for (const [name, step] of Object.entries(steps)) {
    if (signal.aborted) return
    try {
      await step(options, (options.now ?? Date.now)(), signal)
    } catch (error) {
      options.log.warn({ step: name, reason: describe(error) }, 'upkeep step failed')
    }
  }
}

type Step = (options: UpkeepOptions, nowMs: number, signal: AbortSignal) => Promise<void>

const steps: Readonly<Record<string, Step>> = {
  partitions: ({ database, log }, nowMs) => ensurePartitions(database.pool, log, nowMs),
  retention: async ({ database, retention, log }, nowMs) => {
    const dropped = await dropOldPartitions(database.pool, {
      messagesBefore: new Date(nowMs - retention.messagesMs),
      positionsBefore: new Date(nowMs - retention.positionsMs),
    })
    if (dropped.length > 0) log.info({ dropped }, 'partitions dropped')
  },
  keys: prune(
    (retention) => retention.keysMs,
    [
      `DELETE FROM message_key WHERE ctid = ANY(ARRAY(
       SELECT ctid FROM message_key WHERE received_at < $1 LIMIT ${rowsABatch}))`,
    ],
  ),
  settled: prune(
    (retention) => retention.settledMs,
    [settledEvents(), intentsForNobody(), notices(), errands(), incidents('true')],
  ),
  incidents: prune((retention) => retention.incidentsMs, [incidents('case_at IS NULL')]),
  reporters: prune((retention) => retention.reportersMs, [correspondences(), relations()]),
  calls: prune((retention) => retention.callsMs, [calls(), legs(), forms()]),
  deadLetters: async (options, nowMs, signal) => {
    // A message's day is dropped whole, and its dead letters with it: without the bytes nothing can be replayed.
    const before = startOfDay(nowMs - options.retention.messagesMs)
    await deleteInBatches(options, deadLetters(), before, signal)
  },
}

function prune(ageMs: (retention: Retention) => number, statements: readonly string[]): Step {
  return async (options, nowMs, signal) => {
    for (const sql of statements) await deleteInBatches(options, sql, nowMs - ageMs(options.retention), signal)
  }
}

/** Small transactions, one after the other: a large one would hold the intake up, and all of it on the embedded one. */
async function deleteInBatches({ database }: UpkeepOptions, sql: string, beforeMs: number, signal: AbortSignal) {
  for (;;) {
    const { rowCount } = await database.pool.query(sql, [new Date(beforeMs)])
    if (signal.aborted || (rowCount ?? 0) === 0) return
  }
}

/**
 * Events of which every row is delivered, with their intents. They are counted as they go, in the transaction that takes
 * them, so that the ledger still adds up. A row per event comes back.
 */
function settledEvents(): string {
  return `WITH over AS (
    SELECT event_id FROM outbox o WHERE state = 'delivered' AND settled_at < $1
      AND NOT EXISTS (SELECT 1 FROM outbox x WHERE x.event_id = o.event_id AND (x.state <> 'delivered' OR x.settled_at >= $1))
    LIMIT ${rowsABatch}
  ), gone AS (
    DELETE FROM outbox WHERE event_id IN (SELECT event_id FROM over) AND state = 'delivered'
    RETURNING event_id, destination, type, (created_at AT TIME ZONE 'UTC')::date AS day
  ), intents AS (
    DELETE FROM intent WHERE id IN (SELECT event_id FROM gone)
  ), counted AS (
    INSERT INTO tally (day, gateway, subject, channel, what, reason, n)
    SELECT day, '', destination, 'core', 'outbox-pruned', type, count(*) FROM gone GROUP BY day, destination, type
    ORDER BY day, destination, type
    ON CONFLICT (day, gateway, subject, channel, what, reason) DO UPDATE SET n = tally.n + excluded.n
  )
  SELECT DISTINCT event_id FROM gone`
}

function intentsForNobody(): string {
  return `DELETE FROM intent WHERE id = ANY(ARRAY(
    SELECT id FROM intent WHERE received_at < $1 AND cardinality(destinations) = 0 LIMIT ${rowsABatch}))`
}

function notices(): string {
  return `DELETE FROM notice WHERE id = ANY(ARRAY(
    SELECT id FROM notice WHERE created_at < $1 AND state NOT IN ('queued', 'published', 'sending', 'in-doubt', 'listed')
    LIMIT ${rowsABatch}))`
}

function deadLetters(): string {
  return `DELETE FROM dead_letter WHERE id = ANY(ARRAY(
    SELECT id FROM dead_letter WHERE message_received_at < $1 LIMIT ${rowsABatch}))`
}

function errands(): string {
  return `DELETE FROM errand WHERE id = ANY(ARRAY(
    SELECT id FROM errand WHERE state <> 'pending' AND settled_at < $1 LIMIT ${rowsABatch}))`
}

function incidents(which: string): string {
  return `DELETE FROM incident WHERE id = ANY(ARRAY(
    SELECT id FROM incident WHERE state = 'cleared' AND cleared_at < $1 AND ${which} LIMIT ${rowsABatch}))`
}

function calls(): string {
  return `DELETE FROM call WHERE seq = ANY(ARRAY(SELECT seq FROM call WHERE settled_at < $1 LIMIT ${rowsABatch}))`
}

/** One that waits to be settled stays until it is. */
function legs(): string {
  return `DELETE FROM call_leg WHERE (exchange, leg) IN (
    SELECT exchange, leg FROM call_leg WHERE last_heard_at < $1 AND due_at IS NULL LIMIT ${rowsABatch})`
}

function forms(): string {
  return `DELETE FROM call_form WHERE intent_id = ANY(ARRAY(
    SELECT intent_id FROM call_form WHERE received_at < $1 LIMIT ${rowsABatch}))`
}

/** A reporter who still waits stays on the list, however long ago it was. */
function correspondences(): string {
  return `DELETE FROM correspondence WHERE intent_id = ANY(ARRAY(
    SELECT intent_id FROM correspondence WHERE received_at < $1 AND (closed_at IS NOT NULL OR told_at IS NOT NULL)
    LIMIT ${rowsABatch}))`
}

function relations(): string {
  return `DELETE FROM relation WHERE (intent_id, other_id) IN (
    SELECT intent_id, other_id FROM relation WHERE created_at < $1 LIMIT ${rowsABatch})`
}
