import type { Pool } from 'pg'
import type { Errand } from '../adapter.ts'
import { textArray } from './array-literal.ts'

export interface ClaimedErrand extends Errand {
  readonly adapter: string
  /** When the claim runs out, as the database writes it: what tells it from another gateway's. */
  readonly claim: string
}

/** Longer than an adapter takes for one; a gateway that dies delays its errands by this. */
const claimSeconds = 180

/** Errands that are due for these adapters, oldest first, each counted as one more attempt. */
export async function claimErrands(pool: Pool, adapters: readonly string[], limit: number): Promise<ClaimedErrand[]> {
  const { rows } = await pool.query<ClaimedErrand>(
    `UPDATE errand SET claimed_until = now() + make_interval(secs => ${claimSeconds}), attempts = attempts + 1
     WHERE id IN (SELECT id FROM errand WHERE state = 'pending' AND due_at <= now() AND adapter = ANY($1::text[])
       AND (claimed_until IS NULL OR claimed_until < now()) ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id, adapter, subject, content, received_at AS "receivedAt", attempts AS attempt, claimed_until::text AS claim`,
    [textArray(adapters), limit],
  )
  return rows
}

export type ErrandOutcome =
  | { readonly state: 'done' }
  | { readonly state: 'dead'; readonly reason: string }
  | { readonly state: 'pending'; readonly reason: string; readonly dueAt: Date }

/** Does nothing where the claim ran out meanwhile and another gateway has it. */
export async function settleErrand(pool: Pool, { id, claim }: ClaimedErrand, outcome: ErrandOutcome): Promise<void> {
  const reason = outcome.state === 'done' ? null : outcome.reason.slice(0, 1000)
  const dueAt = outcome.state === 'pending' ? outcome.dueAt : null
  await pool.query(
    `UPDATE errand SET state = $3, last_error = $4, due_at = COALESCE($5, due_at), claimed_until = NULL,
       settled_at = CASE WHEN $3 = 'pending' THEN NULL ELSE now() END
     WHERE id = $1 AND claimed_until = $2::timestamptz`,
    [id, claim, outcome.state, reason, dueAt],
  )
}

/** Claims of the gateway that was here before: where the database is ours alone, nobody else can hold one. */
export async function freeErrandClaims(pool: Pool): Promise<void> {
  await pool.query(`UPDATE errand SET claimed_until = NULL WHERE claimed_until IS NOT NULL AND state = 'pending'`)
}

/** Puts a dead errand back in line; `false` when there is none. */
export async function retryErrand(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE errand SET state = 'pending', due_at = now(), settled_at = NULL, attempts = 0 WHERE id = $1 AND state = 'dead'`,
    [id],
  )
  return rowCount === 1
}
