import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { constants, cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { type Database, openDatabase } from '../gateway/store/database.ts'
import { readMigrations } from '../gateway/store/migrate.ts'
import { openServer, serverMissing } from './postgres-server.ts'

export type DatabaseKind = Database['kind']

export const silent = pino({ level: 'silent' })

const shared = new Map<DatabaseKind, Promise<Database>>()

/** A migrated database without rows. One process serves a whole test file; each call empties it. */
export async function withDatabase(_t: Test, kind: DatabaseKind = 'embedded'): Promise<Database> {
  let opening = shared.get(kind)
  if (opening === undefined) {
    opening = openShared(kind)
    shared.set(kind, opening)
  }
  const database = await opening
  await truncate(database)
  return database
}

/** Runs a suite on the embedded database and, where one is at hand, on a server. */
export async function forEachDatabase(
  t: Test,
  suite: (t: Test, database: Database) => Promise<unknown>,
): Promise<void> {
  for (const kind of ['embedded', 'server'] as const) {
    const skip = kind === 'server' ? (serverMissing ?? false) : false
    await t.test(`on the ${kind} database`, { skip }, async (t) => suite(t, await withDatabase(t, kind)))
  }
}

async function openShared(kind: DatabaseKind): Promise<Database> {
  if (kind === 'embedded') {
    const { folder, remove } = await copyTemplate()
    const database = await openDatabase({ url: null, folder, log: silent })
    tap.teardown(async () => {
      await database.close()
      await remove()
    })
    return database
  }
  const server = await openServer()
  const database = await openDatabase({ url: await server.createDatabase(), folder: '', log: silent })
  tap.teardown(async () => {
    await database.close()
    await server.close()
  })
  return database
}

async function truncate({ pool }: Database): Promise<void> {
  const { rows } = await pool.query<{ names: string }>(
    `SELECT string_agg(quote_ident(c.relname), ', ') AS names FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> '_prisma_migrations'`,
  )
  await pool.query(`TRUNCATE ${rows[0]?.names} RESTART IDENTITY CASCADE`)
}

/** A folder with a made and migrated embedded database that nobody has open: the first start, five seconds long, saved. */
export async function databaseFolder(t: Test): Promise<string> {
  const { folder, remove } = await copyTemplate()
  t.teardown(remove)
  return folder
}

export async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chengguan-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function copyTemplate(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'chengguan-test-'))
  const folder = join(parent, 'postgres')
  await cp(await template(), folder, { recursive: true, mode: constants.COPYFILE_FICLONE })
  return { folder, remove: () => rm(parent, { recursive: true, force: true }) }
}

/** Made once for each version of the database and its migrations, and kept where npm ci clears it away. */
async function template(): Promise<string> {
  const pglite = await readFile(join(packageRoot, 'node_modules/@electric-sql/pglite/package.json'))
  const key = createHash('sha256').update(pglite)
  for (const { checksum } of await readMigrations()) key.update(checksum)
  const cache = join(packageRoot, 'node_modules/.cache/chengguan-gateway')
  const finished = join(cache, `postgres-${key.digest('hex').slice(0, 16)}`)
  if (existsSync(finished)) return finished
  await mkdir(cache, { recursive: true })
  const own = await mkdtemp(join(cache, 'making-'))
  const database = await openDatabase({ url: null, folder: own, log: silent })
  await database.close()
  // Another test process may have been quicker; its template is as good.
  await rename(own, finished).catch(() => rm(own, { recursive: true, force: true }))
  return finished
}
