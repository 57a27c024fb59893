import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { dropOldPartitions, ensurePartitions } from '../gateway/store/partitions.ts'
import { keepUp, type Retention, startUpkeep } from '../gateway/store/upkeep.ts'
import { forEachDatabase, silent } from './database.ts'

t.setTimeout(120_000)

const dayMs = 86_400_000
const hourMs = 3_600_000
const noon = Date.UTC(2031, 4, 10, 12)
const retention: Retention = {
  messagesMs: 3 * dayMs,
  positionsMs: 5 * dayMs,
  settledMs: 2 * dayMs,
  keysMs: 4 * dayMs,
  reportersMs: 30 * dayMs,
  incidentsMs: 7 * dayMs,
  callsMs: 7 * dayMs,
}

forEachDatabase(t, async (t, database) => {
  const { pool } = database

  t.test('partitions are there from yesterday to three days ahead, by UTC day', async (t) => {
    await ensurePartitions(pool, silent, Date.UTC(2031, 4, 10, 23, 59, 59, 999))
    const expected = ['20310509', '20310510', '20310511', '20310512', '20310513']
    for (const table of ['message', 'position']) {
      const found = (await partitionsOf(pool, table)).filter((name) => name.includes('_2031'))
      t.same(
        found,
        expected.map((day) => `${table}_${day}`),
      )
    }
  })

  t.test('gateways that make the same partitions at once do not fail one another', async (t) => {
    const later = noon + 30 * dayMs
    await Promise.all(Array.from({ length: 5 }, () => ensurePartitions(pool, silent, later)))
    t.equal((await partitionsOf(pool, 'message')).filter((name) => name.includes('_203106')).length, 5)
  })

  t.test('a message goes to the partition of its day, at the first and last millisecond too', async (t) => {
    const first = Date.UTC(2031, 4, 11)
    for (const at of [first - 1, first, first + dayMs - 1]) await insertMessage(pool, at)
    t.equal(await countIn(pool, 'message_20310510'), 1)
    t.equal(await countIn(pool, 'message_20310511'), 2)
    await pool.query('TRUNCATE message')
  })

  t.test('a message of a day without a partition is kept, and moves when its partition is made', async (t) => {
    const wrongClock = Date.UTC(2033, 0, 15, 8)
    await insertMessage(pool, wrongClock)
    await insertMessage(pool, wrongClock + 10 * dayMs)
    t.equal(await countIn(pool, 'message_default'), 2)
    await ensurePartitions(pool, silent, wrongClock)
    t.equal(await countIn(pool, 'message_20330115'), 1)
    t.equal(await countIn(pool, 'message_default'), 1)
    t.equal(await countIn(pool, 'message'), 2)
    await pool.query('TRUNCATE message')
  })

  t.test('a day is dropped when all of it is too old, and no sooner', async (t) => {
    const limit = Date.UTC(2031, 4, 11)
    const before = { messagesBefore: new Date(limit - 1), positionsBefore: new Date(0) }
    const first = await dropOldPartitions(pool, before)
    t.ok(first.includes('message_20310509'))
    t.notOk(first.includes('message_20310510'), 'its last millisecond is to be kept')
    t.same(await dropOldPartitions(pool, { ...before, messagesBefore: new Date(limit) }), ['message_20310510'])
    t.ok((await partitionsOf(pool, 'position')).includes('position_20310509'))
  })

  t.test('old days leave the default partition too', async (t) => {
    await insertMessage(pool, Date.UTC(1999, 0, 1))
    await insertMessage(pool, Date.UTC(2050, 0, 1))
    await keepUp({ database, retention, log: silent, now: () => noon })
    t.equal(await countIn(pool, 'message_default'), 1)
    await pool.query('TRUNCATE message')
  })

  t.test('keys are forgotten after their window', async (t) => {
    const keys = [retention.keysMs + hourMs, retention.keysMs - hourMs]
    for (const [i, age] of keys.entries())
      await pool.query('INSERT INTO message_key VALUES ($1, $2, $3)', ['a', `${i}`, new Date(noon - age)])
    await pool.query(`INSERT INTO message_key SELECT 'many', n::text, $1 FROM generate_series(1, 4500) n`, [
      new Date(noon - retention.keysMs - 1),
    ])
    await keepUp({ database, retention, log: silent, now: () => noon })
    t.same((await pool.query('SELECT key FROM message_key')).rows, [{ key: '1' }])
  })

  t.test('an event goes when it is delivered everywhere and old, with its intent, and is counted', async (t) => {
    const old = noon - retention.settledMs - hourMs
    const recent = noon - hourMs
    const gone = await insertIntent(pool, old, [
      ['a', 'delivered', old],
      ['b', 'delivered', old],
    ])
    const lately = await insertIntent(pool, old, [
      ['a', 'delivered', old],
      ['b', 'delivered', recent],
    ])
    const dead = await insertIntent(pool, old, [
      ['a', 'delivered', old],
      ['b', 'dead', old],
    ])
    const pending = await insertIntent(pool, old, [['a', 'pending', null]])
    const forNobody = await insertIntent(pool, old, [])
    await keepUp({ database, retention, log: silent, now: () => noon })

    const left = (await pool.query<{ id: string }>('SELECT id FROM intent')).rows.map(({ id }) => id)
    t.same(left.sort(), [lately, dead, pending].sort())
    const rows = await pool.query('SELECT count(*)::int AS n FROM outbox WHERE event_id = ANY($1)', [[gone, forNobody]])
    t.equal(rows.rows[0].n, 0)
    const counted = await pool.query(
      `SELECT subject, channel, reason, sum(n)::int AS n FROM tally WHERE what = 'outbox-pruned' GROUP BY 1, 2, 3 ORDER BY 1`,
    )
    t.same(counted.rows, [
      { subject: 'a', channel: 'core', reason: 'case-intent', n: 1 },
      { subject: 'b', channel: 'core', reason: 'case-intent', n: 1 },
    ])
    await keepUp({ database, retention, log: silent, now: () => noon })
    t.equal((await pool.query('SELECT 1 FROM outbox')).rows.length, 5, 'again changes nothing')
  })

  t.test('a dead letter goes with the day of its message', async (t) => {
    const keptFrom = Date.UTC(2031, 4, 7)
    for (const at of [keptFrom - 1, keptFrom])
      await pool.query(
        `INSERT INTO dead_letter (message_id, message_received_at, adapter, channel, code, detail)
         VALUES ($1, $2, 'a', 'c', 'DECODE_SYNTAX', '')`,
        [randomUUID(), new Date(at)],
      )
    await keepUp({ database, retention, log: silent, now: () => noon })
    const { rows } = await pool.query('SELECT message_received_at AS at FROM dead_letter')
    t.same(rows, [{ at: new Date(keptFrom) }])
  })

  t.test('a step that fails is reported and the others still run', async (t) => {
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
    await pool.query('ALTER TABLE message_key RENAME TO elsewhere')
    await pool.query(
      `INSERT INTO dead_letter (message_id, message_received_at, adapter, channel, code, detail)
      VALUES ($1, now() - interval '90 years', 'a', 'c', 'DECODE_SYNTAX', '')`,
      [randomUUID()],
    )
    await keepUp({ database, retention, log, now: () => noon })
    await pool.query('ALTER TABLE elsewhere RENAME TO message_key')
    t.match(
      lines.map((line) => JSON.parse(line)),
      [{ step: 'keys', msg: 'upkeep step failed' }],
    )
    t.equal(
      (await pool.query('SELECT 1 FROM dead_letter WHERE message_received_at < now() - interval $$1 year$$')).rows
        .length,
      0,
    )
  })

  t.test('upkeep stops when told, in the middle of a round and again', async (t) => {
    const upkeep = startUpkeep({ database, retention, log: silent, now: () => noon })
    await Promise.all([upkeep.stop(), upkeep.stop()])
    await upkeep.stop()
    t.pass()
  })
})

async function partitionsOf(pool: Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
    [table],
  )
  return rows.map(({ name }) => name)
}

async function insertMessage(pool: Pool, atMs: number): Promise<void> {
  await pool.query(
    `INSERT INTO message (id, received_at, adapter, channel, key, raw, envelope, disposition)
     VALUES ($1, $2, 'a', 'c', 'k', '', '{}', 'stored')`,
    [randomUUID(), new Date(atMs)],
  )
}

async function countIn(pool: Pool, table: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`)
  return rows[0]?.n ?? -1
}

type Delivery = readonly [destination: string, state: string, settledMs: number | null]

async function insertIntent(pool: Pool, atMs: number, deliveries: readonly Delivery[]): Promise<string> {
  const id = randomUUID()
  await pool.query(
    `INSERT INTO intent (id, received_at, purpose, channel, kind, urgency, reporter, message_id, destinations, data)
     VALUES ($1, $2, 'report', 'c', 'event', 'normal', 'r', $1, $3, '{}')`,
    [id, new Date(atMs), deliveries.map(([destination]) => destination)],
  )
  for (const [destination, state, settledMs] of deliveries)
    await pool.query(
      `INSERT INTO outbox (destination, event_id, type, ordering_key, body, state, created_at, settled_at)
       VALUES ($1, $2, 'case-intent', 'k', '{}', $3, $4, $5)`,
      [destination, id, state, new Date(atMs), settledMs === null ? null : new Date(settledMs)],
    )
  return id
}
