import type { Pool } from 'pg'

export interface PostedNotice {
  readonly id: string
  readonly fingerprint: string
  readonly groupId: string | null
}

export async function noticeWithKey(pool: Pool, idempotencyKey: string): Promise<PostedNotice | null> {
  const { rows } = await pool.query<PostedNotice>(
    'SELECT id, fingerprint, group_id AS "groupId" FROM notice WHERE idempotency_key = $1',
    [idempotencyKey],
  )
  return rows[0] ?? null
}

/** Notices of one request, in the order of its recipients. */
export async function noticesOfGroup(pool: Pool, groupId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM notice WHERE group_id = $1 ORDER BY id', [groupId])
  return rows.map(({ id }) => id)
}

/** The adapter that a device was last heard on. */
export async function adapterHeard(pool: Pool, device: string): Promise<string | null> {
  const { rows } = await pool.query<{ adapter: string }>('SELECT adapter FROM device WHERE subject = $1', [device])
  return rows[0]?.adapter ?? null
}

/** How many texts are in doubt and listed, and the age in seconds of the oldest that is due for each adapter. */
export async function noticeGauges(
  pool: Pool,
): Promise<{ inDoubt: number; listed: number; oldest: readonly { adapter: string; ageS: number }[] }> {
  const [states, oldest] = await Promise.all([
    pool.query<{ state: string; n: string }>(
      `SELECT state, count(*) AS n FROM notice WHERE state IN ('in-doubt', 'listed') GROUP BY state`,
    ),
    pool.query<{ adapter: string; ageS: string }>(
      `SELECT adapter, max(extract(epoch FROM now() - COALESCE(not_before, created_at))) AS "ageS" FROM notice
       WHERE text IS NOT NULL AND state IN ('queued', 'sending') AND COALESCE(not_before, created_at) <= now()
       GROUP BY adapter`,
    ),
  ])
  const n = (state: string) => Number(states.rows.find((row) => row.state === state)?.n ?? 0)
  return {
    inDoubt: n('in-doubt'),
    listed: n('listed'),
    oldest: oldest.rows.map(({ adapter, ageS }) => ({ adapter, ageS: Number(ageS) })),
  }
}
