import type { Pool } from 'pg'
import { textArray } from './array-literal.ts'

/** Work that one gateway of several does at a time. Only the database's clock says whether a lease has run out. */

export interface LeaseRow {
  readonly name: string
  readonly holder: string
  readonly takenAt: Date
}

/**
 * Renews those of these leases that are the holder's, takes those that nobody has, and returns the names of both. `now()`
 * is no earlier than the moment the statement was sent, so a holder that counts from there ends before the database does.
 */
export async function keepLeases(
  pool: Pool,
  holder: string,
  names: readonly string[],
  seconds: number,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ name: string }>(
    `INSERT INTO lease (name, holder, until, taken_at)
       SELECT name, $1, now() + make_interval(secs => $3), now() FROM unnest($2::text[]) AS v(name) ORDER BY name
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
       taken_at = CASE WHEN lease.holder = excluded.holder THEN lease.taken_at ELSE excluded.taken_at END
     WHERE lease.holder = excluded.holder OR lease.until < now()
     RETURNING name`,
    [holder, textArray(names), seconds],
  )
  return new Set(rows.map(({ name }) => name))
}

export async function readLeases(pool: Pool, names: readonly string[]): Promise<LeaseRow[]> {
  const { rows } = await pool.query<LeaseRow>(
    'SELECT name, holder, taken_at AS "takenAt" FROM lease WHERE name = ANY($1::text[])',
    [textArray(names)],
  )
  return rows
}

export async function releaseLease(pool: Pool, holder: string, name: string): Promise<void> {
  await pool.query('DELETE FROM lease WHERE name = $1 AND holder = $2', [name, holder])
}
