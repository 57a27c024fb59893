import type { Pool } from 'pg'
import { plainArray } from '../store/array-literal.ts'

/** One event on its way to one destination. */
export interface Claimed {
  readonly seq: string
  readonly eventId: string
  /** The CloudEvent as JSON text. */
  readonly body: string
  /** Earlier attempts. */
  readonly attempts: number
  readonly createdAt: Date
}

/** How long a claim holds without being renewed. A gateway that dies delays its events by this and no more. */
export const claimSeconds = 15

// A function of the database, because it brings the planner's settings with it: the migration says why.
const claimSql = `SELECT seq, event_id AS "eventId", body, attempts, created_at AS "createdAt"
  FROM chengguan_claim($1, $2, $3, ${claimSeconds})`

/** Takes up to `limit` events for a destination, in order, none whose predecessor by key is still unsettled elsewhere. */
export async function claim(pool: Pool, destination: string, limit: number, holder: string): Promise<Claimed[]> {
  const { rows } = await pool.query<Claimed>(claimSql, [destination, limit, holder])
  return rows.sort((a, b) => (BigInt(a.seq) < BigInt(b.seq) ? -1 : 1))
}

export async function renewClaims(pool: Pool, underWay: readonly string[], holder: string): Promise<void> {
  await pool.query(
    `UPDATE outbox SET claimed_until = now() + make_interval(secs => ${claimSeconds})
     WHERE seq = ANY($1::bigint[]) AND claimed_by = $2 AND state = 'claimed'`,
    [plainArray(underWay), holder],
  )
}

/** Gives back the claims of gateways that have died; with `everybodys`, all: only where no other gateway can be. */
export async function releaseStaleClaims(pool: Pool, everybodys: boolean): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE outbox SET state = 'pending', claimed_by = NULL, claimed_until = NULL
     WHERE state = 'claimed' AND ($1 OR claimed_until < now())`,
    [everybodys],
  )
  return rowCount ?? 0
}

export async function settleDelivered(pool: Pool, claimed: readonly Claimed[], holder: string): Promise<void> {
  await pool.query(
    `UPDATE outbox SET state = 'delivered', attempts = attempts + 1, last_error = NULL, settled_at = now(),
       claimed_by = NULL, claimed_until = NULL
     WHERE seq = ANY($1::bigint[]) AND claimed_by = $2`,
    [seqs(claimed), holder],
  )
}

export async function settleDead(pool: Pool, claimed: readonly Claimed[], holder: string, why: string): Promise<void> {
  await pool.query(
    `UPDATE outbox SET state = 'dead', attempts = attempts + 1, last_error = $3, settled_at = now(),
       claimed_by = NULL, claimed_until = NULL
     WHERE seq = ANY($1::bigint[]) AND claimed_by = $2`,
    [seqs(claimed), holder, why],
  )
}

/** Back to waiting; `why` is `null` when it was not even tried. */
export async function release(
  pool: Pool,
  claimed: readonly Claimed[],
  holder: string,
  why: string | null,
): Promise<void> {
  await pool.query(
    `UPDATE outbox SET state = 'pending', attempts = attempts + $4, last_error = COALESCE($3, last_error),
       claimed_by = NULL, claimed_until = NULL
     WHERE seq = ANY($1::bigint[]) AND claimed_by = $2`,
    [seqs(claimed), holder, why, why === null ? 0 : 1],
  )
}

function seqs(claimed: readonly Claimed[]): string {
  return plainArray(claimed.map(({ seq }) => seq))
}
