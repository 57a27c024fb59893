import type { Pool } from 'pg'

/** Who wrote, how they are answered, and what they have had. */

export interface Reporter {
  readonly intentId: string
  readonly queryNumber: string
  readonly subject: string
  readonly adapter: string
  readonly recipient: string | null
}

const columns = 'intent_id AS "intentId", query_number AS "queryNumber", subject, adapter, recipient'

export async function reporterOf(pool: Pool, intentId: string): Promise<Reporter | null> {
  const { rows } = await pool.query<Reporter>(`SELECT ${columns} FROM correspondence WHERE intent_id = $1`, [intentId])
  return rows[0] ?? null
}

export async function reporterWith(pool: Pool, queryNumber: string): Promise<Reporter | null> {
  const { rows } = await pool.query<Reporter>(`SELECT ${columns} FROM correspondence WHERE query_number = $1`, [
    queryNumber,
  ])
  return rows[0] ?? null
}

/** Who told an intent that nobody is owed an answer for: a collector. */
export async function speakerOf(pool: Pool, intentId: string): Promise<string | null> {
  const { rows } = await pool.query<{ reporter: string }>('SELECT reporter FROM intent WHERE id = $1', [intentId])
  return rows[0]?.reporter ?? null
}

export interface OpenReporter extends Reporter {
  readonly receivedAt: Date
  readonly caseNumber: string | null
  readonly stage: string | null
  readonly stageText: string | null
  readonly stageAt: Date | null
  readonly answeredAt: Date | null
  readonly toldAt: Date | null
  /** `unreachable`: what was to be sent failed; `unanswered`: no answer has left; `untold`: nothing of the core's word has. */
  readonly reason: 'unreachable' | 'unanswered' | 'untold'
  /** The newest notice to them, and its state. */
  readonly noticeId: string | null
  readonly noticeState: string | null
}

/** Reporters who wait, the longest first, behind a time and an intent. */
export async function openReporters(
  pool: Pool,
  after: { readonly receivedAt: Date; readonly intentId: string } | null,
  most: number,
): Promise<OpenReporter[]> {
  const { rows } = await pool.query<OpenReporter>(
    `SELECT c.intent_id AS "intentId", c.query_number AS "queryNumber", c.subject, c.adapter, c.recipient,
       c.received_at AS "receivedAt", c.case_number AS "caseNumber", c.stage, c.stage_text AS "stageText",
       c.stage_at AS "stageAt", c.answered_at AS "answeredAt", c.told_at AS "toldAt", n.id AS "noticeId", n.state AS "noticeState",
       CASE WHEN n.state IN ('listed', 'expired', 'in-doubt', 'refused') THEN 'unreachable'
         WHEN c.answered_at IS NULL AND c.told_at IS NULL THEN 'unanswered' ELSE 'untold' END AS reason
     FROM correspondence c
     LEFT JOIN LATERAL (SELECT id, state FROM notice WHERE intent_id = c.intent_id AND tells IS NOT NULL
       ORDER BY created_at DESC, id DESC LIMIT 1) n ON true
     WHERE c.closed_at IS NULL AND (c.told_at IS NULL OR c.told_at < c.stage_at)
       AND ($1::timestamptz IS NULL OR (c.received_at, c.intent_id) > ($1, $2::uuid))
     ORDER BY c.received_at, c.intent_id LIMIT $3`,
    [after?.receivedAt ?? null, after?.intentId ?? null, most],
  )
  return rows
}

/** `false`: there is no such reporter. Closed again keeps the first reason. */
export async function closeReporter(pool: Pool, intentId: string, why: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE correspondence SET closed_at = COALESCE(closed_at, now()), closed_why = COALESCE(closed_why, $2)
     WHERE intent_id = $1`,
    [intentId, why],
  )
  return rowCount === 1
}
