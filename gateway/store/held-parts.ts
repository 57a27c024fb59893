import type { Pool, PoolClient } from 'pg'
import type { HeldPart } from '../intake/part-desk.ts'
import { findParts } from './read-batch.ts'

/** Wholes whose first part came before this, the oldest first, some at a time. */
export async function ripeGroups(pool: Pool, before: Date): Promise<string[]> {
  const { rows } = await pool.query<{ groupKey: string }>(
    `SELECT group_key AS "groupKey" FROM message_part GROUP BY group_key HAVING min(received_at) < $1
     ORDER BY min(received_at) LIMIT 200`,
    [before],
  )
  return rows.map(({ groupKey }) => groupKey)
}

/** The parts of one whole, locked; empty when another gateway was faster. */
export async function heldGroup(client: PoolClient, groupKey: string): Promise<HeldPart[]> {
  await client.query('SELECT 1 FROM message_part WHERE group_key = $1 ORDER BY number FOR UPDATE', [groupKey])
  return findParts(client, [groupKey])
}
