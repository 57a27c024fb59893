import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Frames } from '../gateway/store/embedded-frames.ts'
import { Sessions } from '../gateway/store/embedded-sessions.ts'
import { databaseFolder, temporaryFolder } from './database.ts'

t.setTimeout(120_000)

const parse = message('P', 'statement\0SELECT 1\0\0\0')
const bind = message('B', `\0statement\0${'\0'.repeat(6)}`)
const flush = message('H', '')
const sync = message('S', '')
const query = message('Q', 'SELECT 1\0')
const terminate = message('X', '')
const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])

t.test('messages are cut into what is executed at a stretch', async (t) => {
  const stream = Buffer.concat([sslRequest, startup, parse, bind, flush, sync, query, terminate])
  const expected = [
    ['refuse-encryption', sslRequest],
    ['whole', startup],
    ['part', Buffer.concat([parse, bind, flush])],
    ['whole', sync],
    ['whole', query],
    ['end', terminate],
  ]
  for (const size of [1, 2, 7, stream.length]) {
    const frames = new Frames()
    const units = []
    for (let at = 0; at < stream.length; at += size) units.push(...frames.read(stream.subarray(at, at + size)))
    t.same(
      units.map(({ kind, bytes }) => [kind, bytes]),
      expected,
      `in chunks of ${size}`,
    )
  }
})

t.test('a length that cannot be ends the connection', async (t) => {
  t.same(
    new Frames().read(Buffer.from([0, 0, 0, 3, 0, 0, 0, 0])).map(({ kind }) => kind),
    ['end'],
  )
  const frames = new Frames()
  frames.read(startup)
  t.same(
    frames.read(Buffer.from('Q\0\0\0\x03', 'latin1')).map(({ kind }) => kind),
    ['end'],
  )
})

t.test('a large message is put together once', async (t) => {
  const large = message('Q', `${'x'.repeat(8_000_000)}\0`)
  const frames = new Frames()
  frames.read(startup)
  const units = []
  for (let at = 0; at < large.length; at += 65_536) units.push(...frames.read(large.subarray(at, at + 65_536)))
  t.equal(units.length, 1)
  t.ok(units[0]?.bytes.equals(large))
})

t.test('a transaction that says nothing is rolled back and the others go on', async (t) => {
  const { connect, warnings } = await serve(t, 50)
  const [idle, busy] = [await connect(), await connect()]
  await busy.query('CREATE TABLE t (n INT)')
  await idle.query('BEGIN')
  await idle.query('INSERT INTO t VALUES (1)')
  t.same((await busy.query('SELECT n FROM t')).rows, [])
  t.equal(warnings.length, 1)
  await t.rejects(idle.query('COMMIT'))
})

t.test('a transaction that ended in time is not cut later, whoever asked in between', async (t) => {
  const { connect } = await serve(t, 200)
  const [first, second, third] = [await connect(), await connect(), await connect()]
  await first.query('BEGIN')
  const between = [second.query('SELECT 1'), third.query('SELECT 1')]
  await first.query('COMMIT')
  await Promise.all(between)
  // By the time this one is cut, a clock of the first's would have run down.
  await second.query('BEGIN')
  await third.query('SELECT 1')
  t.same((await first.query('SELECT 1 AS one')).rows, [{ one: 1 }])
})

t.test('an error inside a transaction and outside of one leaves the session in order', async (t) => {
  const { connect } = await serve(t, 5_000)
  const [one, other] = [await connect(), await connect()]
  await t.rejects(one.query('SELECT 1 / $1::int', [0]), { code: '22012' })
  t.same((await other.query('SELECT $1::int AS n', [1])).rows, [{ n: 1 }])
  await one.query('BEGIN')
  await t.rejects(one.query('nonsense'), { code: '42601' })
  await t.rejects(one.query('SELECT 1'), { code: '25P02' })
  await one.query('ROLLBACK')
  t.same((await other.query('SELECT 2 AS n')).rows, [{ n: 2 }])
})

async function serve(t: Test, idleInTransactionMs: number) {
  const warnings: string[] = []
  const db = await PGlite.create({ fs: new NodeFS(join(await databaseFolder(t), 'cluster')) })
  const fail = (error: unknown) => {
    throw error
  }
  const sessions = new Sessions({
    db,
    idleInTransactionMs,
    warn: (words) => void warnings.push(words),
    after: () => {},
    fail,
  })
  const folder = await temporaryFolder(t)
  await sessions.listen(join(folder, '.s.PGSQL.5432'))
  const clients: pg.Client[] = []
  t.teardown(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
    await sessions.close()
    await db.close()
  })
  const connect = async () => {
    const client = new pg.Client({ host: folder, port: 5432, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }
  return { connect, warnings }
}

function message(letter: string, body: string): Buffer {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(`${letter}\0\0\0\0${body}`, 'latin1')
  bytes.writeInt32BE(4 + body.length, 1)
  return bytes
}
