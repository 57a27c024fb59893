import type { Pool } from 'pg'
import type { NoticeRow } from '../notices/notice.ts'
import { textArray } from './array-literal.ts'

/** Notices that wait for devices. */

export interface Addressee {
  readonly adapter: string
  readonly addressee: string
}

export interface WaitingNotice extends Pick<NoticeRow, 'id' | 'adapter' | 'addressee' | 'kind' | 'state'> {
  readonly body: unknown
  readonly expiresAt: Date | null
  /** When the claim runs out, as the database writes it: what tells it from another gateway's. */
  readonly claim: string
}

/** Addressees for whom something waits, in an order, behind the last one of the round before. */
export async function addresseesAfter(
  pool: Pool,
  adapters: readonly string[],
  { adapter, addressee }: Addressee,
  most: number,
): Promise<readonly Addressee[]> {
  const { rows } = await pool.query<Addressee>(
    `SELECT DISTINCT adapter, addressee FROM notice
     WHERE state IN ('queued', 'published') AND adapter = ANY($1::text[]) AND (adapter, addressee) > ($2, $3)
       AND (claimed_until IS NULL OR claimed_until < now())
     ORDER BY adapter, addressee LIMIT $4`,
    [textArray(adapters), adapter, addressee, most],
  )
  return rows
}

/** `null` when nothing waits, or another gateway is sending the oldest: then the later ones wait behind it. */
export async function claimOldest(
  pool: Pool,
  { adapter, addressee }: Addressee,
  leaseSeconds: number,
): Promise<WaitingNotice | null> {
  const { rows } = await pool.query<WaitingNotice>(
    `UPDATE notice SET claimed_until = now() + make_interval(secs => $3)
     WHERE (claimed_until IS NULL OR claimed_until < now()) AND id = (
       SELECT id FROM notice WHERE adapter = $1 AND addressee = $2 AND state IN ('queued', 'published')
         AND (expires_at IS NULL OR expires_at > now())
       ORDER BY created_at, id LIMIT 1)
     AND state IN ('queued', 'published')
     RETURNING id, adapter, addressee, kind, state, body, expires_at AS "expiresAt", claimed_until::text AS claim`,
    [adapter, addressee, leaseSeconds],
  )
  return rows[0] ?? null
}

export async function unclaim(pool: Pool, { id, claim }: WaitingNotice): Promise<void> {
  await pool.query('UPDATE notice SET claimed_until = NULL WHERE id = $1 AND claimed_until = $2::timestamptz', [
    id,
    claim,
  ])
}

/** Claims of the gateway that was here before: where the database is ours alone, nobody else can hold one. */
export async function freeClaims(pool: Pool): Promise<void> {
  await pool.query('UPDATE notice SET claimed_until = NULL WHERE claimed_until IS NOT NULL')
}
