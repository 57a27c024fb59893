import type { Pool } from 'pg'

export interface ProblemReporter {
  readonly intentId: string
  readonly reporter: { readonly kind: string; readonly id: string; readonly name: string | null }
  readonly channel: string
  /** First receipt, by the gateway's clock. */
  readonly receivedAt: string
  /** The core's last word on this report; `null` while there is none. */
  readonly stage: string | null
  readonly firstValid: boolean
}

/** The stage in which a report is no valid one: the core did not accept it. */
const refusedStage = 'rejected'
/** Links are followed this far; a problem of more reports is told by its first ones. */
const mostReports = 1000

/**
 * Everybody whose intents hang together with this one by links that stand, whichever way they point, in the order of
 * first receipt and, within one millisecond, of storing.
 */
export async function reportersOfProblem(pool: Pool, intentId: string): Promise<ProblemReporter[]> {
  const { rows } = await pool.query<Omit<ProblemReporter, 'firstValid'>>(
    `WITH RECURSIVE problem(id) AS (
       SELECT id FROM intent WHERE id = $1
       UNION
       SELECT CASE WHEN r.intent_id = p.id THEN r.other_id ELSE r.intent_id END
       FROM problem p JOIN relation r ON (r.intent_id = p.id OR r.other_id = p.id) AND r.undone_at IS NULL
     )
     SELECT i.id AS "intentId", i.data -> 'reporter' AS reporter, i.channel, i.data ->> 'receivedAt' AS "receivedAt", c.stage
     FROM problem JOIN intent i ON i.id = problem.id LEFT JOIN correspondence c ON c.intent_id = i.id
     ORDER BY i.data ->> 'receivedAt', i.seq LIMIT ${mostReports}`,
    [intentId],
  )
  const first = rows.find(({ stage }) => stage !== refusedStage)
  return rows.map((row) => ({ ...row, firstValid: row === first }))
}

/** An operator's link; it stands again when it was undone. `false`: one of the two is no intent. */
export async function linkIntents(pool: Pool, intentId: string, otherId: string, because: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `INSERT INTO relation (intent_id, other_id, score, because, made_by, created_at)
     SELECT $1, $2, 1, $3, 'operator', now()
     WHERE (SELECT count(*) FROM intent WHERE id IN ($1, $2)) = 2
     ON CONFLICT (intent_id, other_id) DO UPDATE SET undone_at = NULL, because = excluded.because, made_by = 'operator', score = 1`,
    [intentId, otherId, because],
  )
  return rowCount === 1
}

/** Undoes the link whichever way it points; the row stays, and says when. */
export async function unlinkIntents(pool: Pool, intentId: string, otherId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE relation SET undone_at = now() WHERE undone_at IS NULL
       AND ((intent_id = $1 AND other_id = $2) OR (intent_id = $2 AND other_id = $1))`,
    [intentId, otherId],
  )
  return (rowCount ?? 0) > 0
}
