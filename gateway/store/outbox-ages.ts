import type { Pool } from 'pg'

/**
 * How many events wait for each destination, counted up to 100,000 so that a look costs little, and the oldest's age in
 * seconds. Ordered by `seq + 0` as the index of waiting events is: the primary key leads past all that was delivered.
 */
export async function outboxAges(pool: Pool): Promise<{ destination: string; pending: number; ageS: number }[]> {
  const { rows } = await pool.query<{ destination: string; pending: string; ageS: string | null }>(
    `SELECT d.destination,
       (SELECT count(*) FROM (SELECT 1 FROM outbox o WHERE o.destination = d.destination AND o.state = 'pending' LIMIT 100000) n) AS pending,
       (SELECT extract(epoch FROM now() - o.created_at) FROM outbox o
        WHERE o.destination = d.destination AND o.state = 'pending' ORDER BY o.seq + 0 LIMIT 1) AS "ageS"
     FROM (SELECT DISTINCT subject AS destination FROM tally WHERE what = 'outbox') d`,
  )
  return rows.map(({ destination, pending, ageS }) => ({
    destination,
    pending: Number(pending),
    ageS: Number(ageS ?? 0),
  }))
}
