import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { openDatabase } from '../gateway/store/database.ts'
import { openEmbedded } from '../gateway/store/embedded.ts'
import { readMigrations } from '../gateway/store/migrate.ts'
import { databaseFolder, silent, temporaryFolder } from './database.ts'
import { openServer, serverMissing } from './postgres-server.ts'

t.setTimeout(120_000)

const skip =
  serverMissing ?? (process.env.CHENGGUAN_TEST_DATABASE_URL ? 'the server given is not ours to break' : false)

for (const url of ['postgresql://city:hunter2@127.0.0.1:1/gateway', 'nonsense://city:hunter2@', 'hunter2']) {
  t.test(`a server that is not there is said to be so without the password (${url.slice(0, 10)}…)`, async (t) => {
    const error: unknown = await openDatabase({ url, folder: '', log: silent }).catch((reason: unknown) => reason)
    t.match(error, { code: 'STORE_UNAVAILABLE' })
    t.notMatch(String(Reflect.get(Object(error), 'stack')), /hunter2@|:hunter2/)
  })
}

t.test('the embedded database opens, keeps what is written and opens again', async (t) => {
  const folder = join(await temporaryFolder(t), 'data')
  const first = await openDatabase({ url: null, folder, log: silent })
  t.equal(first.kind, 'embedded')
  await first.pool.query(`INSERT INTO message_key VALUES ('a', 'k', now())`)
  await Promise.all([first.close(), first.close()])
  const second = await openDatabase({ url: null, folder, log: silent })
  t.equal(await second.prisma.messageKey.count(), 1)
  await second.close()
})

t.test('when the embedded database dies, queries fail, the process lives and is told', async (t) => {
  const database = await openDatabase({ url: null, folder: await databaseFolder(t), log: silent })
  const client = await database.pool.connect()
  await client.query('BEGIN')
  process.kill(database.embedded?.pid ?? 0, 'SIGKILL')
  t.match(await database.embedded?.exited, { expected: false })
  await t.rejects(client.query('COMMIT'))
  client.release(true)
  await t.rejects(database.pool.query('SELECT 1'))
  await database.close()
})

t.test('a folder in use leaves nothing open', async (t) => {
  const folder = await databaseFolder(t)
  const holder = await openEmbedded({ folder, log: silent })
  await t.rejects(openDatabase({ url: null, folder, log: silent }), { code: 'STORE_LOCKED' })
  await holder.close()
})

t.test('a city’s own server', { skip }, async (t) => {
  const server = await openServer()
  const url = await server.createDatabase()

  t.test('ten gateways that open a new database at once all get it', async (t) => {
    const opened = await Promise.all(
      Array.from({ length: 10 }, () => openDatabase({ url, folder: '', log: silent, poolSize: 2 })),
    )
    t.same([...new Set(opened.map(({ kind }) => kind))], ['server'])
    t.equal(await ask(url, 'SELECT count(*)::int FROM _prisma_migrations'), (await readMigrations()).length)
    await Promise.all(opened.map((database) => database.close()))
  })

  for (const [setting, how, back] of [
    ['fsync', 'ALTER SYSTEM SET fsync = off', 'ALTER SYSTEM RESET fsync'],
    ['full_page_writes', 'ALTER SYSTEM SET full_page_writes = off', 'ALTER SYSTEM RESET full_page_writes'],
    ['synchronous_commit', 'ALTER ROLE postgres SET synchronous_commit = off', 'ALTER ROLE postgres RESET ALL'],
  ] as const) {
    t.test(`one that has ${setting} off is refused`, async (t) => {
      await configure(url, setting, how)
      const refusal = { code: 'STORE_NOT_DURABLE', message: new RegExp(`${setting} is off`) }
      await t.rejects(openDatabase({ url, folder: '', log: silent }), refusal)
      await configure(url, setting, back)
    })
  }

  t.test('when it dies queries fail and the process lives; when it is back they work again', async (t) => {
    const database = await openDatabase({ url, folder: '', log: silent })
    const busy = await database.pool.connect()
    const ended = server.process === null ? null : once(server.process, 'exit')
    server.process?.kill('SIGKILL')
    await ended
    await t.rejects(busy.query('SELECT pg_sleep(30)'))
    busy.release(true)
    await server.restart()
    t.equal(await works(database.pool), true)
    await database.close()
  })

  t.teardown(() => server.close())
})

/** Connections that broke while idle may be handed out once each before the pool has noticed. */
async function works(pool: pg.Pool): Promise<boolean> {
  for (let attempt = 0; attempt < 12; attempt++) {
    const done = await pool.query('SELECT 1').then(
      () => true,
      () => false,
    )
    if (done) return true
  }
  return false
}

/** Runs the SQL and waits until new connections see another value than before. */
async function configure(url: string, setting: string, sql: string): Promise<void> {
  const before = await ask(url, `SHOW ${setting}`)
  await ask(url, sql)
  await ask(url, 'SELECT pg_reload_conf()')
  const deadline = Date.now() + 10_000
  while ((await ask(url, `SHOW ${setting}`)) === before) if (Date.now() > deadline) throw new Error(`${setting} stays`)
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<Record<string, unknown>>(sql)
  await client.end()
  return Object.values(rows[0] ?? {})[0]
}
