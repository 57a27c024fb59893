import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t, { type Test } from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { replayEvents } from '../gateway/intake/replay.ts'
import { emptyRows } from '../gateway/intake/rows.ts'
import { cloudEvent } from '../gateway/relay/cloud-event.ts'
import type { Claimed } from '../gateway/relay/outbox.ts'
import { type Destination, Relay, type RelayObserver } from '../gateway/relay/relay.ts'
import { Traffic } from '../gateway/relay/traffic.ts'
import type { Database } from '../gateway/store/database.ts'
import { writeBatch } from '../gateway/store/write-batch.ts'
import { type CoreEvent, type CoreMood, SimulatedCore } from '../simulators/core.ts'
import { seeded } from '../simulators/seeded.ts'
import { forEachDatabase, silent } from './database.ts'
import { until } from './mqtt-stage.ts'

t.setTimeout(280_000)

const secret = `whsec_${randomBytes(32).toString('base64')}`
const key = Buffer.from(secret.slice(6), 'base64')

function destination(url: string, changes: Partial<Destination> = {}): Destination {
  return {
    name: 'core',
    url,
    key,
    timeoutMs: 5000,
    filter: { types: ['case-intent'], districts: [], purposes: [], urgencies: [] },
    batch: 10,
    concurrency: 1,
    perSecond: 0,
    backoff: { firstMs: 2, mostMs: 10 },
    ...changes,
  }
}

/** Everything that a relay told of its work. */
class Watch implements RelayObserver {
  readonly done: string[] = []
  refused = 0
  failures = 0
  delivered(_destination: string, events: readonly Claimed[]): void {
    this.done.push(...events.map(({ eventId }) => eventId))
  }
  dead(_destination: string, events: number): void {
    this.refused += events
  }
  failed(): void {
    this.failures++
  }
}

async function running(
  t: Test,
  { pool }: Database,
  destinations: readonly Destination[],
  shared = true,
): Promise<{ relay: Relay; watch: Watch }> {
  const watch = new Watch()
  const relay = new Relay(pool, destinations, shared, silent, watch)
  t.teardown(() => relay.stop(0))
  await relay.start()
  return { relay, watch }
}

async function core(t: Test, mood?: (request: number) => CoreMood): Promise<{ core: SimulatedCore; url: string }> {
  const made = new SimulatedCore(secret, mood)
  t.teardown(() => made.stop())
  return { core: made, url: await made.start() }
}

/** A core that does what no kind core does. */
async function server(t: Test, listener: RequestListener): Promise<{ url: string; server: Server }> {
  const made = createServer(listener)
  const sockets = new Set<Socket>()
  made.on('connection', (socket) => sockets.add(socket))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => made.close(() => resolve()))
  })
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}/`, server: made }
}

interface Posted {
  readonly id: string
  readonly orderingKey: string
}

/** Puts events in line as the intake does, in one transaction. */
async function post(
  { pool }: Database,
  orderingKeys: readonly string[],
  destinations: readonly string[] = ['core'],
): Promise<Posted[]> {
  const rows = emptyRows()
  const posted = orderingKeys.map((orderingKey) => ({ id: uuidv7(), orderingKey }))
  const createdAt = new Date()
  for (const { id, orderingKey } of posted) {
    const draft = {
      id,
      type: 'case-intent',
      subject: orderingKey,
      orderingKey,
      time: createdAt.toISOString(),
      data: {},
    }
    const body = cloudEvent({ ...draft, type: 'case-intent' }, '/chengguan/test')
    for (const name of destinations)
      rows.outbox.push({ destination: name, eventId: id, type: 'case-intent', orderingKey, body, createdAt })
  }
  await writeBatch(pool, rows, 'test')
  return posted
}

/** Where the core saw the events of a key in another order than they were posted in. */
function disorder(events: Iterable<CoreEvent>, posted: readonly Posted[]): string[] {
  const seen = new Map<string, string[]>()
  for (const { id, partitionkey } of events) seen.set(partitionkey, [...(seen.get(partitionkey) ?? []), id])
  const wanted = new Map<string, string[]>()
  for (const { id, orderingKey } of posted) wanted.set(orderingKey, [...(wanted.get(orderingKey) ?? []), id])
  return [...wanted].filter(([one, ids]) => ids.join() !== (seen.get(one) ?? []).join()).map(([one]) => one)
}

async function states({ pool }: Database): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; n: number }>(
    'SELECT state, count(*)::int AS n FROM outbox GROUP BY state',
  )
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

/** Waits for a condition that only the database can tell: a query of one row with the column `holds`. */
async function asked({ pool }: Database, sql: string, what: string): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const { rows } = await pool.query<{ holds: boolean }>(sql)
    if (rows[0]?.holds) return
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const many = (n: number, keys: number) => Array.from({ length: n }, (_, i) => `k${i % keys}`)

t.test('order by key holds under a bad core', (t) =>
  forEachDatabase(t, async (t, database) => {
    for (const relays of [1, 2]) {
      await t.test(`with ${relays} of four lanes each`, async (t) => {
        const random = seeded(relays)
        const { core: bad, url } = await core(t, () => {
          const chance = random()
          if (chance < 0.2) return { does: 'fail', status: 503 }
          if (chance < 0.4) return { does: 'take-and-cut' }
          if (chance < 0.6) return { does: 'delay', ms: random() * 20 }
          return { does: 'answer' }
        })
        const first = await post(database, many(100, 5))
        const destinations = [destination(url, { concurrency: 4, batch: 7 })]
        const { relay } = await running(t, database, destinations)
        if (relays === 2) await running(t, database, destinations)
        const later = await post(database, many(60, 9))
        relay.wake()
        const all = [...first, ...later]
        await bad.until('all events are there', () => bad.events.size >= all.length)
        await asked(database, `SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE state <> 'delivered') AS holds`, 'settled')
        t.equal(bad.events.size, all.length, 'and none else')
        t.strictSame(disorder(bad.events.values(), all), [])
        t.ok(bad.repeated > 0, 'some came twice, as they must under such a core')
        await database.pool.query('TRUNCATE outbox')
      })
    }
  }),
)

t.test('a key whose delivery hangs holds no other key back', (t) =>
  forEachDatabase(t, async (t, database) => {
    const held: (() => void)[] = []
    const { url } = await server(t, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (Buffer.concat(chunks).includes('"partitionkey":"slow"')) held.push(() => response.writeHead(204).end())
        else response.writeHead(204).end()
      })
    })
    await post(database, ['slow'])
    const { relay, watch } = await running(t, database, [destination(url, { concurrency: 2, batch: 1 })])
    await until('the slow one is under way', () => held.length === 1)
    const [behind, ...others] = await post(database, ['slow', 'a', 'b', 'c'])
    relay.wake()
    await until('the others are delivered', () => watch.done.length === 3)
    t.strictSame(
      watch.done,
      others.map(({ id }) => id),
      'in their order',
    )
    held.shift()?.()
    await until('the one behind is under way', () => held.length === 1)
    held.shift()?.()
    await until('and is delivered', () => watch.done.length === 5)
    t.equal(watch.done.at(-1), behind?.id)
  }),
)

t.test('a destination that is down or hangs delays no other', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { url: deaf } = await server(t, () => {})
    const { core: good, url } = await core(t)
    const { watch } = await running(t, database, [
      destination('http://127.0.0.1:1/', { name: 'down' }),
      destination(deaf, { name: 'deaf' }),
      destination(url),
    ])
    await post(database, many(50, 3), ['down', 'deaf', 'core'])
    await good.until('all are there', () => good.events.size === 50)
    await until('they are settled', () => watch.done.length === 50)
    t.strictSame((await states(database)).delivered, 50)
  }),
)

t.test('of a batch with an event that the core refuses, that one alone is dead; replayed, it arrives', (t) =>
  forEachDatabase(t, async (t, database) => {
    const posted = await post(database, many(20, 4))
    const poison = posted[7]?.id ?? ''
    let refuses = true
    const order: string[] = []
    const { url } = await server(t, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const events = JSON.parse(Buffer.concat(chunks).toString('utf8')) as CoreEvent[]
        if (refuses && events.some(({ id }) => id === poison)) return response.writeHead(422).end('no such place')
        order.push(...events.map(({ id }) => id))
        return response.writeHead(204).end()
      })
    })
    const { relay, watch } = await running(t, database, [destination(url, { batch: 20 })])
    await until('all are settled', () => watch.done.length === 19 && watch.refused === 1)
    t.strictSame(
      order,
      posted.map(({ id }) => id).filter((id) => id !== poison),
    )
    const { rows } = await database.pool.query('SELECT event_id, last_error, attempts FROM outbox WHERE state = $1', [
      'dead',
    ])
    t.match(rows, [{ event_id: poison, last_error: 'HTTP 422 "no such place"' }])
    refuses = false
    t.equal(await replayEvents(database.pool, { destination: 'other', seq: null, limit: 10 }), 0)
    t.equal(await replayEvents(database.pool, { destination: 'core', seq: null, limit: 10 }), 1)
    relay.wake()
    await until('it is delivered', () => watch.done.length === 20)
    t.equal(order.at(-1), poison)
  }),
)

t.test('a failure in the middle of a refused batch loses nothing and keeps the order', (t) =>
  forEachDatabase(t, async (t, database) => {
    const posted = await post(database, many(16, 2))
    const poison = posted[3]?.id ?? ''
    let requests = 0
    const order: string[] = []
    const { url } = await server(t, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        requests++
        const events = JSON.parse(Buffer.concat(chunks).toString('utf8')) as CoreEvent[]
        if (requests % 4 === 3) return response.writeHead(503).end()
        if (events.some(({ id }) => id === poison)) return response.writeHead(400).end()
        order.push(...events.map(({ id }) => id))
        return response.writeHead(204).end()
      })
    })
    const { watch } = await running(t, database, [destination(url, { batch: 16 })])
    await until('all are settled', () => watch.done.length === 15 && watch.refused === 1)
    t.ok(watch.failures > 0)
    const keyOf = new Map(posted.map(({ id, orderingKey }) => [id, orderingKey]))
    const seen = order.map((id) => ({ id, partitionkey: keyOf.get(id) ?? '' }) as CoreEvent)
    t.strictSame(
      disorder(
        seen,
        posted.filter(({ id }) => id !== poison),
      ),
      [],
    )
  }),
)

t.test('claims of a gateway that died are taken over when they have run out, not before', (t) =>
  forEachDatabase(t, async (t, database) => {
    const [lost, behind] = await post(database, ['a', 'a'])
    const claim = (until: string) =>
      database.pool.query(
        `UPDATE outbox SET state = 'claimed', claimed_by = gen_random_uuid(), claimed_until = now() + $2::interval
         WHERE event_id = $1`,
        [lost?.id, until],
      )
    await claim('1 hour')
    const { core: good, url } = await core(t)
    const first = await running(t, database, [destination(url)])
    await post(database, ['b'])
    first.relay.wake()
    await good.until('another key arrives', () => good.events.size === 1)
    t.notOk(good.events.has(behind?.id ?? ''), 'nothing overtakes the event of the other gateway')
    await first.relay.stop(1000)
    await claim('-1 second')
    await running(t, database, [destination(url)])
    await good.until('both arrive', () => good.events.size === 3)
    t.strictSame([...good.events.keys()].slice(1), [lost?.id, behind?.id])
  }),
)

t.test('a gateway that has the database alone takes every claim back at its start', (t) =>
  forEachDatabase(t, async (t, database) => {
    await post(database, ['a'])
    await database.pool.query(
      `UPDATE outbox SET state = 'claimed', claimed_by = gen_random_uuid(), claimed_until = now() + interval '1 hour'`,
    )
    const { core: good, url } = await core(t)
    await running(t, database, [destination(url)], false)
    await good.until('it arrives', () => good.events.size === 1)
    t.pass()
  }),
)

t.test('an event whose settling failed is delivered again', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { core: good, url } = await core(t)
    await post(database, ['a'])
    // The first settling finds a database that says no.
    // A sequence counts on when its transaction is rolled back.
    await database.pool.query('CREATE SEQUENCE settlings')
    await database.pool.query(`CREATE FUNCTION no_settling() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN IF NEW.state = 'delivered' AND nextval('settlings') > 0 THEN RAISE EXCEPTION 'not now'; END IF; RETURN NEW; END$$`)
    await database.pool.query(
      'CREATE TRIGGER no_settling BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION no_settling()',
    )
    const drop = async () => {
      await database.pool.query('DROP FUNCTION IF EXISTS no_settling CASCADE')
      await database.pool.query('DROP SEQUENCE IF EXISTS settlings')
    }
    t.teardown(drop)
    const { watch } = await running(t, database, [destination(url)])
    await good.until('it has come once', () => good.events.size === 1)
    await asked(database, 'SELECT is_called AS holds FROM settlings', 'its settling has failed')
    await drop()
    await database.pool.query(`UPDATE outbox SET claimed_until = now() - interval '1 s' WHERE state = 'claimed'`)
    await until('it is settled', () => watch.done.length === 1)
    t.equal(good.events.size, 1)
    t.equal(good.repeated, 1)
  }),
)

t.test('a redirect is not followed, and the events stay', (t) =>
  forEachDatabase(t, async (t, database) => {
    let elsewhere = 0
    const { url: other } = await server(t, (_request, response) => {
      elsewhere++
      response.end()
    })
    const { url } = await server(t, (request, response) => {
      request.resume()
      response.writeHead(307, { location: other }).end()
    })
    const [event] = await post(database, ['a'])
    const { watch } = await running(t, database, [destination(url)])
    await until('it was tried twice', () => watch.failures >= 2)
    t.equal(elsewhere, 0)
    const { rows } = await database.pool.query('SELECT event_id, state, last_error FROM outbox')
    t.match(rows, [{ event_id: event?.id, last_error: 'HTTP 307' }])
  }),
)

t.test('answers that never end', (t) =>
  forEachDatabase(t, async (t, database) => {
    const endless: RequestListener = (request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'text/plain' })
      const more = () => {
        if (!response.destroyed && response.write('x'.repeat(65_536))) setImmediate(more)
      }
      response.on('drain', more)
      more()
    }
    const trickle: RequestListener = (request, response) => {
      request.resume()
      response.writeHead(request.url === '/refused' ? 422 : 200).write('it begins and')
    }
    for (const [what, listener] of Object.entries({ 'of many bytes': endless, 'of few': trickle })) {
      await t.test(`${what} are taken at their status`, async (t) => {
        await database.pool.query('TRUNCATE outbox')
        const { url } = await server(t, listener)
        const { watch } = await running(t, database, [destination(url, { timeoutMs: 60_000 })])
        await post(database, ['a', 'b'])
        await until('both are settled', () => watch.done.length === 2)
        t.equal(watch.failures, 0)
      })
    }
    await t.test('of a refusal keep their beginning as the reason', async (t) => {
      await database.pool.query('TRUNCATE outbox')
      const { url } = await server(t, trickle)
      const { watch } = await running(t, database, [destination(`${url}refused`)])
      await post(database, ['a'])
      await until('it is dead', () => watch.refused === 1)
      const { rows } = await database.pool.query('SELECT last_error FROM outbox')
      t.match(rows, [{ last_error: 'HTTP 422 "it begins and"' }])
    })
  }),
)

t.test('a core that takes the line and says nothing is asked again after the timeout', (t) =>
  forEachDatabase(t, async (t, database) => {
    let deaf = 2
    const { url } = await server(t, (request, response) => {
      request.resume()
      if (deaf-- <= 0) response.writeHead(204).end()
    })
    await post(database, ['a'])
    const { watch } = await running(t, database, [destination(url, { timeoutMs: 50 })])
    await until('it is delivered', () => watch.done.length === 1)
    t.equal(watch.failures, 2)
    const { rows } = await database.pool.query('SELECT attempts, last_error FROM outbox')
    t.strictSame(rows, [{ attempts: 3, last_error: null }])
  }),
)

t.test('a stop waits for the delivery under way, and cuts one that outlasts its grace', (t) =>
  forEachDatabase(t, async (t, database) => {
    const held: (() => void)[] = []
    const { url } = await server(t, (request, response) => {
      request.resume()
      held.push(() => response.writeHead(204).end())
    })
    await post(database, ['a', 'a'])
    const patient = await running(t, database, [destination(url, { batch: 1 })])
    await until('it is under way', () => held.length === 1)
    const stopped = patient.relay.stop(20_000)
    held[0]?.()
    await stopped
    t.strictSame(await states(database), { delivered: 1, pending: 1 }, 'settled, and nothing more was claimed')
    t.equal(held.length, 1)

    const hasty = await running(t, database, [destination(url, { batch: 1, timeoutMs: 60_000 })])
    await until('the second is under way', () => held.length === 2)
    await hasty.relay.stop(0)
    t.strictSame(await states(database), { delivered: 1, pending: 1 }, 'it waits again, claimed by nobody')
    t.equal(hasty.watch.done.length, 0)
  }),
)

t.test('an event that is posted while the relay idles leaves at the wake-up, not at the next look', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { core: good, url } = await core(t)
    const { relay } = await running(t, database, [destination(url)])
    // Far more events one after the other than the times that a relay looks by itself until the deadline.
    for (let i = 1; i <= 60; i++) {
      await post(database, ['a'])
      relay.wake()
      await good.until(`event ${i} is there`, () => good.events.size === i, 20_000)
    }
    t.equal(good.requests, 60)
  }),
)

t.test('after a refusal less is taken at once, until the core takes it again', async (t) => {
  const traffic = new Traffic({ batch: 16, perSecond: 0, backoff: { firstMs: 1, mostMs: 1 } }, 0)
  traffic.refused(16)
  t.equal(traffic.most, 8)
  traffic.refused(3)
  t.equal(traffic.most, 1)
  traffic.refused(1)
  t.equal(traffic.most, 1)
  const sizes = Array.from({ length: 6 }, () => {
    traffic.recovered()
    return traffic.most
  })
  t.strictSame(sizes, [2, 4, 8, 16, 16, 16])
})

t.test('lanes of a destination pause together', async (t) => {
  const asked = { batch: 100, perSecond: 0, backoff: { firstMs: 1000, mostMs: 8000 } }
  const traffic = new Traffic(asked, 0)
  t.equal(traffic.pauseMs(0), 0)
  traffic.failed(0, 10, 0)
  const first = traffic.pauseMs(10)
  t.ok(first >= 500 && first <= 1000, `${first}`)
  traffic.failed(0, 11, 0)
  t.equal(traffic.failures, 1, 'two requests that failed together are one failure')
  t.equal(traffic.pauseMs(10), first)
  traffic.failed(5, 12, 60_000)
  t.equal(traffic.pauseMs(12), 60_000, 'Retry-After holds for all lanes')
  traffic.failed(70_000, 70_001, 0)
  t.equal(traffic.failures, 2)
  const second = traffic.pauseMs(70_001)
  t.ok(second >= 1000 && second <= 2000, `${second}`)
  t.ok(traffic.recovered())
  t.notOk(traffic.recovered())
})

t.test(
  'the pace is of a destination, however many lanes it has, and a batch is no more than a second of it',
  async (t) => {
    const traffic = new Traffic({ batch: 100, perSecond: 20, backoff: { firstMs: 1, mostMs: 1 } }, 0)
    t.equal(traffic.most, 20)
    traffic.sent(20, 0)
    t.equal(traffic.pauseMs(0), 0)
    traffic.sent(20, 0)
    t.equal(traffic.pauseMs(0), 1000)
    const slow = { batch: 100, backoff: { firstMs: 1, mostMs: 1 } }
    t.equal(new Traffic({ ...slow, perSecond: 0.5 }, 0).most, 1)
    t.equal(new Traffic({ ...slow, perSecond: 0 }, 0).most, 100)
  },
)

t.test('a core that asks to wait is left alone by every lane', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { core: busy, url } = await core(t, () => ({ does: 'fail', status: 503, retryAfterS: 3600 }))
    const { core: other, url: otherUrl } = await core(t)
    const { relay, watch } = await running(t, database, [
      destination(url, { concurrency: 4, batch: 1 }),
      destination(otherUrl, { name: 'other', batch: 1 }),
    ])
    await post(database, many(12, 12), ['core', 'other'])
    relay.wake()
    await other.until('the other has all', () => other.events.size === 12)
    await until('and settled', () => watch.done.length === 12)
    t.ok(busy.requests >= 1 && busy.requests <= 4, `${busy.requests} requests, one a lane at most`)
    await relay.stop(1000)
    const before = busy.requests
    t.equal((await states(database)).claimed, undefined)
    t.equal(busy.requests, before)
  }),
)

t.test('a Retry-After of years does not become no pause at all', (t) =>
  forEachDatabase(t, async (t, database) => {
    for (const value of ['9'.repeat(400), '99999999999', 'Fri, 31 Dec 9999 23:59:59 GMT']) {
      await database.pool.query('TRUNCATE outbox')
      let requests = 0
      const { url } = await server(t, (request, response) => {
        request.resume()
        requests++
        response.writeHead(429, { 'retry-after': value }).end()
      })
      const { core: other, url: otherUrl } = await core(t)
      const { relay, watch } = await running(t, database, [destination(url), destination(otherUrl, { name: 'other' })])
      await post(database, ['a'], ['core'])
      relay.wake()
      await until('it was tried', () => watch.failures >= 1)
      for (let i = 1; i <= 5; i++) {
        await post(database, ['b'], ['other'])
        relay.wake()
        await other.until('the other goes on', () => other.events.size === i)
      }
      t.equal(requests, 1, value.slice(0, 30))
      await relay.stop(0)
    }
  }),
)

t.test('a hundred thousand waiting events are neither loaded nor in the way', (t) =>
  forEachDatabase(t, async (t, database) => {
    await database.pool.query(`INSERT INTO outbox (destination, event_id, type, ordering_key, body, created_at)
      SELECT 'core', gen_random_uuid(), 'case-intent', 'k' || (i % 500), repeat('x', 200), now() FROM generate_series(1, 100000) i`)
    const sizes: number[] = []
    const held: (() => void)[] = []
    const { url } = await server(t, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        sizes.push(Buffer.concat(chunks).length)
        held.push(() => response.writeHead(204).end())
      })
    })
    const { relay, watch } = await running(t, database, [destination(url, { concurrency: 2, batch: 50 })])
    await until('two batches are under way', () => held.length === 2)
    t.ok(Math.max(...sizes) < 51 * 201, 'no more than a batch each')
    for (const release of held.splice(0)) release()
    await until('they are settled', () => watch.done.length >= 100)
    for (const release of held.splice(0)) release()
    await relay.stop(0)
  }),
)
