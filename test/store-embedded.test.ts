import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import pg from 'pg'
import t, { type Test } from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { type EmbeddedPostgres, openEmbedded } from '../gateway/store/embedded.ts'
import { DurableNodeFs, durableStartParams, proveDurable } from '../gateway/store/embedded-durability.ts'
import { databaseFolder, silent, temporaryFolder } from './database.ts'

t.setTimeout(240_000)

t.test('PGlite as shipped is refused: its settings say that it does not sync', async (t) => {
  const folder = join(await databaseFolder(t), 'cluster')
  const db = await PGlite.create({ fs: new NodeFS(folder) })
  t.teardown(() => db.close())
  await t.rejects(proveDurable(db, { files: 0, wal: 0 }), { code: 'STORE_NOT_DURABLE', detail: 'fsync is off, not on' })
})

t.test('a file system whose fsync is not called is refused, whatever the settings say', async (t) => {
  const folder = join(await databaseFolder(t), 'cluster')
  const db = await PGlite.create({ fs: new NodeFS(folder), startParams: [...durableStartParams] })
  t.teardown(() => db.close())
  const refusal = { code: 'STORE_NOT_DURABLE', detail: 'a commit did not call fsync' }
  await t.rejects(proveDurable(db, { files: 0, wal: 0 }), refusal)
})

t.test('every commit calls fsync on the log', async (t) => {
  const fs = new DurableNodeFs(join(await databaseFolder(t), 'cluster'), raise)
  const db = await PGlite.create({ fs, startParams: [...durableStartParams] })
  t.teardown(() => db.close())
  await db.exec('CREATE TABLE t (n INT)')
  const before = fs.syncs.wal
  for (let n = 0; n < 20; n++) await db.exec(`INSERT INTO t VALUES (${n})`)
  t.equal(fs.syncs.wal - before, 20)
})

t.test('a disk whose fsync fails is refused at the start', async (t) => {
  const folder = await databaseFolder(t)
  const trigger = join(folder, 'broken')
  await writeFile(trigger, '')
  withFault(t, `fsync:EIO:${trigger}`)
  await t.rejects(openEmbedded({ folder, log: silent }), { code: 'STORE_UNAVAILABLE', message: /EIO/ })
})

for (const fault of ['fsync:EIO', 'write:ENOSPC']) {
  t.test(`when the disk fails later (${fault}) nothing more is acknowledged and the process ends`, async (t) => {
    const folder = await databaseFolder(t)
    const trigger = join(folder, 'broken')
    withFault(t, `${fault}:${trigger}`)
    const database = await openEmbedded({ folder, log: silent })
    const acknowledged = await writeUntil(t, database, 5, () => writeFile(trigger, ''))
    t.match(await database.exited, { expected: false, reason: /exit code 70/ })
    process.env.CHENGGUAN_TEST_FAULT = ''
    await database.close()
    await holdsAll(t, folder, acknowledged)
  })
}

t.test('after a kill -9 of the database everything acknowledged is there, and no batch by half', async (t) => {
  const folder = await databaseFolder(t)
  for (const batches of [3, 40]) {
    const database = await openEmbedded({ folder, log: silent })
    const acknowledged = await writeUntil(t, database, batches, async () => void process.kill(database.pid, 'SIGKILL'))
    t.match(await database.exited, { expected: false, reason: /SIGKILL/ })
    await database.close()
    await holdsAll(t, folder, acknowledged)
  }
})

t.test('a folder in use is refused with the pid of the gateway that has it', async (t) => {
  const folder = await databaseFolder(t)
  const first = await openEmbedded({ folder, log: silent })
  t.teardown(() => first.close())
  const refusal = { code: 'STORE_LOCKED', message: new RegExp(`pid ${process.pid}\\b`) }
  await t.rejects(openEmbedded({ folder, log: silent }), refusal)
  await t.resolves(ask(first, 'SELECT 1'), 'the one that has it is not disturbed')
})

t.test('of several that want the folder at once exactly one gets it', async (t) => {
  const folder = await databaseFolder(t)
  const opened = await Promise.allSettled([1, 2, 3].map(() => openEmbedded({ folder, log: silent })))
  const held = opened.filter((one) => one.status === 'fulfilled')
  t.teardown(() => Promise.all(held.map(({ value }) => value.close())))
  t.equal(held.length, 1)
  for (const one of opened) if (one.status === 'rejected') t.match(one.reason, { code: 'STORE_LOCKED' })
})

t.test('when the gateway is killed its database ends, and the next start waits for it', async (t) => {
  const folder = await databaseFolder(t)
  const { holder, childPid } = await hold(folder)
  holder.kill('SIGKILL')
  const next = await openEmbedded({ folder, log: silent })
  t.teardown(() => next.close())
  t.ok(await ended(childPid))
  t.equal((await readdir(folder)).filter((name) => name.startsWith('lock-')).length, 1)
})

t.test('a signal to the whole process group does not end the database before the gateway is done', async (t) => {
  const database = await openEmbedded({ folder: await databaseFolder(t), log: silent })
  t.teardown(() => database.close())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(database.pid, signal)
  await t.resolves(ask(database, 'SELECT 1'))
})

t.test('closing is idempotent and what was left by others is ignored', async (t) => {
  const folder = await databaseFolder(t)
  await writeFile(join(folder, 'lock-1-deadbeef'), '')
  await writeFile(join(folder, '.s.PGSQL.5432'), '')
  await writeFile(join(folder, 'cluster/postmaster.pid'), `${process.pid}\n/somewhere\n`)
  const database = await openEmbedded({ folder, log: silent })
  t.same(await ask(database, 'SELECT 1 AS one'), [{ one: 1 }])
  await Promise.all([database.close(), database.close()])
  await database.close()
  t.match(await database.exited, { expected: true, reason: /exit code 0/ })
})

t.test('a folder too deep for a socket has it elsewhere', async (t) => {
  const deep = join(await temporaryFolder(t), 'x'.repeat(120))
  await mkdir(deep)
  await cp(await databaseFolder(t), deep, { recursive: true })
  const database = await openEmbedded({ folder: deep, log: silent })
  t.same(await ask(database, 'SELECT 1 AS one'), [{ one: 1 }])
  const elsewhere = database.connection.host ?? ''
  t.not(elsewhere, deep)
  await database.close()
  await t.rejects(readdir(elsewhere), { code: 'ENOENT' })
})

t.test('a first start that was interrupted is begun again', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'cluster.unfinished'))
  await writeFile(join(folder, 'cluster.unfinished/PG_VERSION'), '18\n')
  const database = await openEmbedded({ folder, log: silent })
  t.same(await ask(database, 'SELECT 1 AS one'), [{ one: 1 }])
  await database.close()
  t.same(await readdir(folder), ['cluster'])
})

t.test('connections get their own answers, however large their questions', async (t) => {
  const database = await openEmbedded({ folder: await databaseFolder(t), log: silent })
  const pool = new pg.Pool({ ...database.connection, max: 6 })
  const worker = async (w: number) => {
    for (let i = 0; i < 10; i++) {
      // Several reads of the socket long on every other connection, so that messages of the others come in between.
      const value = `${w}-${i}`.padEnd(w % 2 === 0 ? 300_000 : 10)
      const { rows } = await pool.query(`SELECT $1::text AS of_${w}`, [value])
      if (rows[0]?.[`of_${w}`] !== value) return false
    }
    return true
  }
  t.same(await Promise.all([0, 1, 2, 3, 4, 5].map(worker)), Array(6).fill(true))
  await pool.end()
  await database.close()
})

t.test('a transaction has the database to its end, and is rolled back when its connection breaks', async (t) => {
  const database = await openEmbedded({ folder: await databaseFolder(t), log: silent })
  const pool = new pg.Pool({ ...database.connection, max: 3 })
  await pool.query('CREATE TABLE t (n INT)')
  const client = await pool.connect()
  await client.query('BEGIN')
  await client.query('INSERT INTO t VALUES (1)')
  const other = pool.query('SELECT n FROM t')
  await client.query('INSERT INTO t VALUES (2)')
  await client.query('COMMIT')
  t.equal((await other).rows.length, 2, 'asked in the middle, answered after the commit')

  client.on('error', () => {})
  await client.query('BEGIN')
  await client.query('DELETE FROM t')
  const after = pool.query('SELECT n FROM t')
  client.release(true)
  t.equal((await after).rows.length, 2)
  await pool.end()
  await database.close()
})

function raise(error: unknown): never {
  throw error
}

/** For children started until the test ends. */
function withFault(t: Test, fault: string): void {
  process.env.NODE_OPTIONS = `--import=${join(packageRoot, 'dist/test/embedded-faults.js')}`
  process.env.CHENGGUAN_TEST_FAULT = fault
  t.teardown(() => {
    delete process.env.NODE_OPTIONS
    delete process.env.CHENGGUAN_TEST_FAULT
  })
}

const rowsABatch = 7

/** Writes batches one after the other until one fails; after `count` the fault is made. Returns the acknowledged ones. */
async function writeUntil(
  t: Test,
  { connection }: EmbeddedPostgres,
  count: number,
  fault: () => Promise<void>,
): Promise<number[]> {
  const pool = new pg.Pool({ ...connection, max: 2 })
  pool.on('error', () => {})
  await pool.query('CREATE TABLE IF NOT EXISTS t (batch INT, n INT)')
  const { rows } = await pool.query<{ last: number }>('SELECT COALESCE(max(batch), 0) AS last FROM t')
  const first = (rows[0]?.last ?? 0) + 1
  const acknowledged: number[] = []
  for (let batch = first; batch < first + count + 10_000; batch++) {
    if (batch === first + count) void fault()
    try {
      await pool.query(`INSERT INTO t SELECT $1, n FROM generate_series(1, ${rowsABatch}) n`, [batch])
      acknowledged.push(batch)
    } catch {
      break
    }
  }
  await pool.end()
  t.ok(acknowledged.length >= count)
  return acknowledged
}

async function holdsAll(t: Test, folder: string, acknowledged: readonly number[]): Promise<void> {
  const database = await openEmbedded({ folder, log: silent })
  const rows = await ask(database, 'SELECT batch, count(*)::int AS n FROM t GROUP BY batch')
  await database.close()
  const stored = new Map(rows.map((row) => [row.batch, row.n]))
  t.same(
    acknowledged.filter((batch) => !stored.has(batch)),
    [],
    'nothing acknowledged is missing',
  )
  t.same([...new Set(stored.values())], [rowsABatch], 'no batch by half')
}

async function ask({ connection }: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** A process that nobody has reaped yet has ended too. */
async function ended(pid: number): Promise<boolean> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    if (stat === null || / Z /.test(stat)) return true
    await setImmediate()
  }
  return false
}

async function hold(folder: string): Promise<{ holder: ChildProcess; childPid: number }> {
  const holder = spawn(process.execPath, [join(packageRoot, 'dist/test/embedded-holder.js'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(holder.stdout, 'data')
  return { holder, childPid: Number(String(line)) }
}
