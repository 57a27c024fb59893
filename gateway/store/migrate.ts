import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClientBase, Pool } from 'pg'
import type { Logger } from 'pino'
import { describe, GatewayError } from '../errors.ts'
import { packageRoot } from '../package-root.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** As Prisma has it: SHA-256 of the file, in hex. */
  readonly checksum: string
}

/** The migrations this gateway brings, in order. */
export async function readMigrations(folder = join(packageRoot, 'prisma/migrations')): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(join(folder, name, 'migration.sql'))
      return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') }
    }),
  )
}

// Prisma's own table, column for column, so that its command line sees a history it knows.
const historyTable = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`

/**
 * Brings the database to this gateway's version, one transaction a migration. Any number of gateways may do so at once:
 * each takes a lock on the history's table, that every database has. Rejects with STORE_MIGRATION and leaves the
 * migration that failed undone.
 */
export async function migrate(pool: Pool, log: Logger, migrations?: readonly Migration[]): Promise<void> {
  const wanted = migrations ?? (await readMigrations())
  const client = await pool.connect()
  try {
    await createHistory(client)
    for (;;) {
      const applied = await step(client, wanted)
      if (applied === null) return
      log.info({ migration: applied }, 'migration applied')
    }
  } finally {
    client.release()
  }
}

/** Applies the next migration and returns its name; null when there is none. */
async function step(client: ClientBase, wanted: readonly Migration[]): Promise<string | null> {
  await client.query('BEGIN')
  try {
    // What it waits for may take as long as another gateway's migration.
    await client.query('SET LOCAL statement_timeout = 0')
    await client.query('LOCK TABLE _prisma_migrations IN SHARE ROW EXCLUSIVE MODE')
    const next = await findNext(client, wanted)
    if (next !== null) await apply(client, next)
    await client.query('COMMIT')
    return next?.name ?? null
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

async function apply(client: ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query(sql)
  } catch (cause) {
    throw new GatewayError('STORE_MIGRATION', `${name} failed: ${describe(cause)}`, { cause })
  }
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksum, name],
  )
}

interface HistoryRow {
  readonly migration_name: string
  readonly checksum: string
  readonly finished_at: Date | null
}

/** The first migration not applied yet. Rejects when the database has been elsewhere than this gateway knows. */
async function findNext(client: ClientBase, wanted: readonly Migration[]): Promise<Migration | null> {
  const { rows } = await client.query<HistoryRow>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at',
  )
  const known = new Map(wanted.map((migration) => [migration.name, migration]))
  for (const { migration_name: name, checksum, finished_at: finishedAt } of rows) {
    const migration = known.get(name)
    if (migration === undefined)
      throw new GatewayError('STORE_MIGRATION', `it has ${name}, which this gateway does not know: a newer one made it`)
    if (finishedAt === null)
      throw new GatewayError('STORE_MIGRATION', `${name} was begun by another tool and never finished`)
    if (checksum !== migration.checksum)
      throw new GatewayError('STORE_MIGRATION', `${name} is not what was applied: its file was changed afterwards`)
  }
  const applied = new Set(rows.map(({ migration_name: name }) => name))
  return wanted.find(({ name }) => !applied.has(name)) ?? null
}

/** Two gateways that create the table at once: one of them fails on a catalogue's unique index, and finds it there. */
async function createHistory(client: ClientBase): Promise<void> {
  const raced = ['23505', '42P07', '42710']
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(historyTable)
      return
    } catch (error) {
      if (attempt === 3 || !raced.includes(String(Reflect.get(Object(error), 'code')))) throw error
    }
  }
}
