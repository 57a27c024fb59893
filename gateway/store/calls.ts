import type { ClientBase, Pool } from 'pg'
import type { LegFacts } from '../calls/facts.ts'
import type { JoinedCall } from '../calls/join.ts'

/** A leg as stored. */
export interface StoredLeg extends LegFacts {
  readonly version: string
  readonly dueAt: Date | null
}

interface LegRow extends Omit<StoredLeg, 'facts'> {
  readonly facts: Record<string, 1>
}

const legColumns = `l.exchange, l.leg, l.call, l.call_rank AS "callRank", l.seat, l.facts, l.heard_live_at AS "heardLiveAt",
  l.heard_record_at AS "heardRecordAt", l.last_heard_at AS "lastHeardAt", l.adapter, l.channel,
  l.evidence::text[] AS evidence, l.version::text AS version, l.due_at AS "dueAt"`

const storedLeg = ({ facts, ...row }: LegRow): StoredLeg => ({ ...row, facts: new Set(Object.keys(facts)) })

/** A call that had more would be an exchange's mistake; the rest of it stays as legs. */
const mostLegs = 500

/** Every leg of the call that one of these ids is of: from leg to what it belongs to, and to what belongs to it. */
export async function legsOfCall(
  pool: Pool | ClientBase,
  exchange: string,
  ids: readonly string[],
): Promise<StoredLeg[]> {
  const { rows } = await pool.query<LegRow>(
    `WITH RECURSIVE ids(id) AS (
       SELECT unnest($2::text[])
       UNION SELECT next.id FROM ids CROSS JOIN LATERAL (
         SELECT call AS id FROM call_leg WHERE exchange = $1 AND leg = ids.id
         UNION ALL SELECT leg FROM call_leg WHERE exchange = $1 AND call = ids.id) AS next)
     SELECT ${legColumns} FROM (SELECT id FROM ids LIMIT ${mostLegs}) AS i
     JOIN call_leg l ON l.exchange = $1 AND l.leg = i.id ORDER BY l.leg COLLATE "C"`,
    [exchange, ids],
  )
  return rows.map(storedLeg)
}

/** One leg of each call that has had no news since then and is to be looked at; some at a time. */
export async function dueLegs(
  pool: Pool | ClientBase,
  before: Date,
): Promise<{ readonly exchange: string; readonly leg: string }[]> {
  const { rows } = await pool.query<{ exchange: string; leg: string }>(
    `SELECT DISTINCT ON (exchange, call) exchange, leg FROM (
       SELECT exchange, call, leg FROM call_leg WHERE due_at <= $1 ORDER BY due_at LIMIT 500) AS due`,
    [before],
  )
  return rows
}

export interface StoredCall {
  readonly call: string
  readonly revision: number
  readonly mergedInto: string | null
  readonly ids: readonly string[]
  readonly data: JoinedCall
}

/** What was settled under any of these names. */
export async function settledCalls(
  pool: Pool | ClientBase,
  exchange: string,
  calls: readonly string[],
): Promise<StoredCall[]> {
  const { rows } = await pool.query<StoredCall>(
    `SELECT call, revision, merged_into AS "mergedInto", ids, data FROM call WHERE exchange = $1 AND call = ANY($2::text[])`,
    [exchange, calls],
  )
  return rows
}

/** Intents of the forms that name one of these ids. */
export async function formsOfCall(
  pool: Pool | ClientBase,
  exchange: string,
  ids: readonly string[],
): Promise<
  { readonly intentId: string; readonly seat: string | null; readonly receivedAt: Date; readonly intent: unknown }[]
> {
  const { rows } = await pool.query<{ intentId: string; seat: string | null; receivedAt: Date; intent: unknown }>(
    `SELECT f.intent_id AS "intentId", f.seat, f.received_at AS "receivedAt", i.data AS intent
     FROM call_form f LEFT JOIN intent i ON i.id = f.intent_id
     WHERE f.exchange = $1 AND f.call_id = ANY($2::text[]) ORDER BY f.received_at, f.intent_id`,
    [exchange, ids],
  )
  return rows
}
