import { PrismaPg } from '@prisma/adapter-pg'
import { type ClientConfig, Pool, type PoolConfig } from 'pg'
import type { Logger } from 'pino'
import { describe, GatewayError } from '../errors.ts'
import { statementMs } from '../leases/lease.ts'
import { PrismaClient } from './client/client.ts'
import { type EmbeddedPostgres, openEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'

export interface DatabaseOptions {
  /** A city's own server; null for the embedded PostgreSQL. */
  readonly url: string | null
  /** Where the embedded one keeps itself. */
  readonly folder: string
  readonly log: Logger
  readonly poolSize?: number
}

export interface Database {
  readonly kind: 'embedded' | 'server'
  readonly pool: Pool
  /** Over the same pool. For queries; the hot path writes its own SQL. */
  readonly prisma: PrismaClient
  /** A connection for leases alone, whose statements soon give up; null where the database is nobody else's. */
  readonly leasePool: Pool | null
  readonly embedded: EmbeddedPostgres | null
  /** Again is safe. What is under way is finished first. */
  close(): Promise<void>
}

const connectTimeoutMs = 10_000
/** Longer than any statement of ours; one that takes longer waits for something that will not come. */
const statementTimeoutMs = 60_000
const idleInTransactionMs = 60_000
const impatient: PoolConfig = {
  connectionTimeoutMillis: statementMs,
  query_timeout: statementMs,
  statement_timeout: statementMs,
}

/**
 * Opens the store, migrated and with its partitions. Rejects with STORE_UNAVAILABLE, STORE_LOCKED, STORE_NOT_DURABLE or
 * STORE_MIGRATION, and then nothing is left open. No password is ever part of the message.
 */
export async function openDatabase({ url, folder, log, poolSize = 10 }: DatabaseOptions): Promise<Database> {
  const embedded = url === null ? await openEmbedded({ folder, log }) : null
  const pool = openPool(embedded?.connection ?? { connectionString: url ?? '' }, poolSize, log)
  try {
    await connectOnce(pool, url)
    await requireDurable(pool)
    await migrate(pool, log)
    // Without them messages go to the default partition, and upkeep tries again.
    await ensurePartitions(pool, log).catch((error) => log.warn({ reason: describe(error) }, 'no partitions made'))
  } catch (error) {
    await pool.end()
    await embedded?.close()
    throw asStoreError(error)
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  // A renewal that queued behind a storm of messages would come too late.
  const leasePool = url === null ? null : openPool({ connectionString: url }, 1, log, impatient)
  let closing: Promise<void> | null = null
  const close = async () => {
    await prisma.$disconnect()
    await leasePool?.end()
    await pool.end()
    await embedded?.close()
  }
  return {
    kind: embedded === null ? 'server' : 'embedded',
    pool,
    prisma,
    leasePool,
    embedded,
    close() {
      closing ??= close()
      return closing
    },
  }
}

function asStoreError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  return new GatewayError('STORE_UNAVAILABLE', `it cannot be prepared: ${describe(error)}`, { cause: error })
}

function openPool(connection: ClientConfig, max: number, log: Logger, more: PoolConfig = {}): Pool {
  const options: PoolConfig = {
    ...connection,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    application_name: 'chengguan-gateway',
    keepAlive: true,
    ...more,
  }
  const pool = new Pool(options)
  // A connection that breaks while nobody uses it: the next query opens another one. Unheard, it would end the process.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'database connection lost'))
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function connectOnce(pool: Pool, url: string | null): Promise<void> {
  try {
    await pool.query('SELECT 1')
  } catch (cause) {
    const where = url === null ? 'the embedded PostgreSQL' : withoutPassword(url)
    throw new GatewayError('STORE_UNAVAILABLE', `${where}: ${describe(cause) || codeOf(cause)}`)
  }
}

/** An AggregateError of several addresses has no message of its own. */
function codeOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'code') ?? error)
}

function withoutPassword(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `the server at ${host}${pathname}`
  } catch {
    return 'the server at database.url'
  }
}

const durable = { fsync: 'on', full_page_writes: 'on' } as const

/** Refuses a server that acknowledges what a power cut would take back. Our sessions ask for no less themselves. */
async function requireDurable(pool: Pool): Promise<void> {
  for (const [setting, value] of Object.entries(durable)) {
    const { rows } = await pool.query<Record<string, string>>(`SHOW ${setting}`)
    if (rows[0]?.[setting] !== value) throw new GatewayError('STORE_NOT_DURABLE', `${setting} is ${rows[0]?.[setting]}`)
  }
  const { rows } = await pool.query<{ synchronous_commit: string }>('SHOW synchronous_commit')
  const mode = rows[0]?.synchronous_commit
  if (mode === 'off')
    throw new GatewayError('STORE_NOT_DURABLE', 'synchronous_commit is off for this database or its user')
}
