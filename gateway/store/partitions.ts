import { DatabaseError, type Pool, type PoolClient } from 'pg'
import type { Logger } from 'pino'

// Partitions are named by UTC day: message_20261123 holds what was received on 2026-11-23. Each table has a default
// partition, made by the migration, so that a wrong clock costs tidiness and never a message.

const partitioned = ['message', 'position'] as const
type Partitioned = (typeof partitioned)[number]

const dayMs = 86_400_000
const daysBehind = 1
const daysAhead = 3

interface Day {
  /** 20261123 */
  readonly name: string
  readonly from: string
  readonly to: string
}

export function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs
}

function dayOf(ms: number): Day {
  const midnight = startOfDay(ms)
  const from = new Date(midnight).toISOString()
  return { name: from.slice(0, 10).replaceAll('-', ''), from, to: new Date(midnight + dayMs).toISOString() }
}

/** Makes the partitions of yesterday, today and the next three days where they are missing. Several may do so at once. */
export async function ensurePartitions(pool: Pool, log: Logger, nowMs = Date.now()): Promise<void> {
  const days = Array.from({ length: daysBehind + 1 + daysAhead }, (_, i) => dayOf(nowMs + (i - daysBehind) * dayMs))
  const present = new Set(await listPartitions(pool))
  for (const table of partitioned)
    for (const day of days) if (!present.has(`${table}_${day.name}`)) await createPartition(pool, table, day, log)
}

async function listPartitions(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i
     JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
     WHERE p.relname = ANY($1) AND p.relnamespace = current_schema()::regnamespace ORDER BY c.relname`,
    [partitioned],
  )
  return rows.map(({ name }) => name)
}

/** What the default partition holds of that day goes with it: PostgreSQL refuses a partition whose rows lie elsewhere. */
async function createPartition(pool: Pool, table: Partitioned, day: Day, log: Logger): Promise<void> {
  const partition = `${table}_${day.name}`
  try {
    const moved = await inTransaction(pool, async (client) => {
      // Nothing may be added to the default partition while rows move out of it. Writers to other days go on.
      await client.query(`LOCK TABLE ${table}_default IN ACCESS EXCLUSIVE MODE`)
      await client.query(`CREATE TABLE ${partition} (LIKE ${table} INCLUDING ALL)`)
      const { rowCount } = await client.query(
        `WITH gone AS (DELETE FROM ${table}_default WHERE received_at >= '${day.from}' AND received_at < '${day.to}' RETURNING *)
         INSERT INTO ${partition} SELECT * FROM gone`,
      )
      await client.query(
        `ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES FROM ('${day.from}') TO ('${day.to}')`,
      )
      return rowCount ?? 0
    })
    log.info({ partition, moved }, 'partition made')
  } catch (error) {
    if (!isThereAlready(error)) throw error
  }
}

/** Another gateway was quicker: the table, or its row in a catalogue. */
function isThereAlready(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '42P07' || error.code === '23505')
}

export interface PartitionsBefore {
  readonly messagesBefore: Date
  readonly positionsBefore: Date
}

/**
 * Drops the days that lie wholly before these times, oldest first, and returns the partitions' names. Days go whole,
 * out of the default partition too, so that what is left of a day can be held against its counters.
 */
export async function dropOldPartitions(pool: Pool, before: PartitionsBefore): Promise<string[]> {
  const limits: Record<Partitioned, number> = {
    message: startOfDay(before.messagesBefore.getTime()),
    position: startOfDay(before.positionsBefore.getTime()),
  }
  const dropped: string[] = []
  for (const name of await listPartitions(pool)) {
    const day = parseName(name)
    if (day === null || day.endMs > limits[day.table]) continue
    await inTransaction(pool, (client) => client.query(`DROP TABLE IF EXISTS ${name}`))
    dropped.push(name)
  }
  for (const table of partitioned)
    await pool.query(`DELETE FROM ${table}_default WHERE received_at < $1`, [new Date(limits[table])])
  return dropped
}

function parseName(partition: string): { table: Partitioned; endMs: number } | null {
  const [, table, year, month, day] = /^(message|position)_(\d{4})(\d\d)(\d\d)$/.exec(partition) ?? []
  if (table !== 'message' && table !== 'position') return null
  return { table, endMs: Date.UTC(Number(year), Number(month) - 1, Number(day)) + dayMs }
}

// Behind a lock that waits for one long reader, everybody else would wait too. So it gives up soon and the next round of
// upkeep tries again.
async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(`SET LOCAL lock_timeout = '2s'`)
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}
