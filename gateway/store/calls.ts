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
     CROSS JOIN LATERAL (SELECT * FROM call_leg WHERE exchange = $1 AND leg = i.id OFFSET 0) AS l ORDER BY l.leg COLLATE "C"`,
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

export async function settledWith(
  pool: Pool,
  exchange: string,
  call: string,
): Promise<{ readonly revision: number; readonly settledAt: Date } | null> {
  const { rows } = await pool.query<{ revision: number; settledAt: Date }>(
    `SELECT revision, settled_at AS "settledAt" FROM call WHERE exchange = $1 AND call = $2 AND merged_into IS NULL`,
    [exchange, call],
  )
  return rows[0] ?? null
}

export interface CallFigures {
  readonly calls: number
  readonly byEnding: Readonly<Record<string, number>>
  readonly byHeard: Readonly<Record<string, number>>
  readonly byDistrict: Readonly<Record<string, number>>
  readonly talkS: number
  /** Calls that at least one form was filled in for. */
  readonly withForm: number
  readonly forms: number
  /** Forms received in that time whose call is not known. */
  readonly formsWithoutCall: number
}

/** Calls that began from then on and before then; `null`: no bound. */
export async function callFigures(pool: Pool, from: Date | null, to: Date | null): Promise<CallFigures> {
  const within = (column: string) =>
    `($1::timestamptz IS NULL OR ${column} >= $1) AND ($2::timestamptz IS NULL OR ${column} < $2)`
  const [groups, forms] = await Promise.all([
    pool.query<{ ending: string; heard: string; district: string; n: string; form: string; talk: string }>(
      `SELECT ending, heard, COALESCE(district, '') AS district, count(*) AS n, COALESCE(sum(talk_s), 0) AS talk,
         count(*) FILTER (WHERE EXISTS (SELECT FROM call_form f WHERE f.exchange = c.exchange AND f.call_id = ANY(c.ids))) AS form
       FROM call c WHERE merged_into IS NULL AND ${within('started_at')} GROUP BY 1, 2, 3`,
      [from, to],
    ),
    pool.query<{ n: string; unknown: string }>(
      `SELECT count(*) AS n, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM call_leg l
         WHERE l.exchange = f.exchange AND (l.leg = f.call_id OR l.call = f.call_id))) AS unknown
       FROM call_form f WHERE ${within('received_at')}`,
      [from, to],
    ),
  ])
  const sum = (by: 'ending' | 'heard' | 'district') => {
    const sums: Record<string, number> = {}
    for (const row of groups.rows) if (row[by] !== '') sums[row[by]] = (sums[row[by]] ?? 0) + Number(row.n)
    return sums
  }
  const total = (of: 'n' | 'form' | 'talk') => groups.rows.reduce((all, row) => all + Number(row[of]), 0)
  return {
    calls: total('n'),
    ...{ byEnding: sum('ending'), byHeard: sum('heard'), byDistrict: sum('district') },
    talkS: total('talk'),
    withForm: total('form'),
    forms: Number(forms.rows[0]?.n ?? 0),
    formsWithoutCall: Number(forms.rows[0]?.unknown ?? 0),
  }
}

/** How calls stand, for the metrics. */
export async function callGauges(pool: Pool): Promise<{
  readonly calls: readonly { readonly ending: string; readonly heard: string; readonly n: number }[]
  readonly forms: readonly { readonly outcome: string; readonly n: number }[]
}> {
  const [calls, forms] = await Promise.all([
    pool.query<{ ending: string; heard: string; n: string }>(
      'SELECT ending, heard, count(*) AS n FROM call WHERE merged_into IS NULL GROUP BY ending, heard',
    ),
    pool.query<{ outcome: string; n: string }>(
      `SELECT reason AS outcome, sum(n) AS n FROM tally WHERE what = 'call-form' GROUP BY reason`,
    ),
  ])
  return {
    calls: calls.rows.map(({ n, ...row }) => ({ ...row, n: Number(n) })),
    forms: forms.rows.map(({ n, ...row }) => ({ ...row, n: Number(n) })),
  }
}

/** When anything was last heard of any call; `null`: nothing ever was. */
export async function lastHeardOfCalls(pool: Pool): Promise<Date | null> {
  const { rows } = await pool.query<{ at: Date | null }>('SELECT max(last_heard_at) AS at FROM call_leg')
  return rows[0]?.at ?? null
}

/** A leg that rings at a seat; `callVersion` is another when more was said of the leg that it belongs to. */
export interface LegAtSeat extends StoredLeg {
  readonly callVersion: string | null
}

/** Legs that ring or reached one of these seats, and were heard of since then or their callers' legs were; the oldest first. */
export async function legsAtSeats(pool: Pool, seats: readonly string[], since: Date): Promise<LegAtSeat[]> {
  const { rows } = await pool.query<LegRow & { callVersion: string | null }>(
    `WITH heard AS (
       SELECT exchange, leg FROM call_leg WHERE seat = ANY($1::text[]) AND last_heard_at >= $2
       UNION SELECT b.exchange, b.leg FROM call_leg a JOIN call_leg b ON b.exchange = a.exchange AND b.call = a.leg
         WHERE a.seat IS NULL AND a.last_heard_at >= $2 AND b.seat = ANY($1::text[]))
     SELECT ${legColumns}, c.version::text AS "callVersion" FROM heard h JOIN call_leg l ON l.exchange = h.exchange AND l.leg = h.leg
       LEFT JOIN call_leg c ON c.exchange = l.exchange AND c.leg = l.call
     ORDER BY l.last_heard_at, l.leg LIMIT 5000`,
    [seats, since],
  )
  return rows.map(({ callVersion, ...row }) => ({ ...storedLeg(row), callVersion }))
}
