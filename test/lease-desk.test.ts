import t from 'tap'
import type { Held, Waiting } from '../gateway/leases/lease.ts'
import { fenceMs, leaseMs } from '../gateway/leases/lease.ts'
import { type LeaseBook, LeaseDesk } from '../gateway/leases/lease-desk.ts'
import { keepLeases, readLeases, releaseLease } from '../gateway/store/leases.ts'
import { forEachDatabase, silent } from './database.ts'
import { deferred, until } from './mqtt-stage.ts'

t.setTimeout(120_000)

/** A database whose clock is a number; `away`: why it does not answer. */
class FakeBook {
  nowMs = 0
  away: string | null = null
  /** What the next answer waits for. */
  before: Promise<unknown> = Promise.resolve()
  readonly statements: (readonly string[])[] = []
  readonly rows = new Map<string, { holder: string; untilMs: number }>()

  of(holder: string): LeaseBook {
    return {
      keep: async (names) => {
        this.statements.push([...names])
        if (this.away !== null) throw new Error(this.away)
        for (const name of names) {
          const row = this.rows.get(name)
          if (row === undefined || row.holder === holder || row.untilMs < this.nowMs)
            this.rows.set(name, { holder, untilMs: this.nowMs + leaseMs })
        }
        const ours = new Set(names.filter((name) => this.rows.get(name)?.holder === holder))
        await this.before
        return ours
      },
      holders: async (names) =>
        [...this.rows]
          .filter(([name]) => names.includes(name))
          .map(([name, { holder: by }]) => ({ name, holder: by, takenAt: new Date(0) })),
      release: async (name) => {
        if (this.rows.get(name)?.holder === holder) this.rows.delete(name)
      },
    }
  }
}

const desk = (book: FakeBook, holder: string) =>
  new LeaseDesk({ book: book.of(holder), log: silent, nowMs: () => book.nowMs })

/** Takes it, and lets the look by which it came end. */
async function take(of: LeaseDesk, name: string): Promise<Held | null> {
  const held = await of.lease(name).take(waiting())
  await new Promise((resolve) => setImmediate(resolve))
  return held
}

function waiting(): Waiting & { readonly said: string[]; readonly over: AbortController } {
  const over = new AbortController()
  const said: string[] = []
  return {
    said,
    over,
    signal: over.signal,
    elsewhere: (holder) => said.push(`at ${holder}`),
    unknown: (reason) => said.push(reason),
  }
}

t.test('one of two has it, the other is told who, and has it when the first gives it back', async (t) => {
  const book = new FakeBook()
  const [east, west] = [desk(book, 'east 1'), desk(book, 'west 1')]
  const held = await east.lease('adapter x').take(waiting())
  t.equal(held?.lost.aborted, false)
  const hopes = waiting()
  const taking = west.lease('adapter x').take(hopes)
  await until('it is told', () => hopes.said.length > 0)
  t.strictSame(hopes.said, ['at east'])
  await east.lease('adapter x').release()
  await west.beat()
  t.ok(await taking)
})

t.test('all that a gateway has and wants is one statement', async (t) => {
  const book = new FakeBook()
  const east = desk(book, 'east 1')
  await Promise.all(['a', 'b', 'c'].map((name) => east.lease(name).take(waiting())))
  await desk(book, 'west 1').lease('d').take(waiting())
  void east.lease('d').take(waiting())
  await until('the look at d is over', () => book.statements.at(-1)?.includes('d') === true)
  await east.beat()
  const before = book.statements.length
  await east.beat()
  t.strictSame(book.statements.slice(before), [['a', 'b', 'c', 'd']])
})

t.test('who cannot renew gives up before another may take it', async (t) => {
  const book = new FakeBook()
  const [east, west] = [desk(book, 'east 1'), desk(book, 'west 1')]
  const held = await take(east, 'x')
  book.away = 'no database'
  book.nowMs = fenceMs - 1
  await east.beat()
  t.equal(held?.lost.aborted, false, 'it may be back any moment')
  book.nowMs = fenceMs
  east.fence()
  t.equal(held?.lost.aborted, true)
  book.away = null
  const hopes = waiting()
  const taking = west.lease('x').take(hopes)
  await until('west has looked', () => hopes.said.length > 0)
  t.strictSame(hopes.said, ['at east'], 'and there is time left to stop')
  book.nowMs = leaseMs + 1
  await west.beat()
  t.ok(await taking)
})

t.test('it counts from before it asked, however late the answer', async (t) => {
  const book = new FakeBook()
  const east = desk(book, 'east 1')
  const held = await take(east, 'x')
  book.nowMs = 2000
  const answer = deferred<void>()
  book.before = answer.promise
  const beat = east.beat()
  book.nowMs = 3900
  answer.resolve()
  await beat
  book.nowMs = 2000 + fenceMs - 1
  east.fence()
  t.equal(held?.lost.aborted, false)
  book.nowMs = 2000 + fenceMs
  east.fence()
  t.equal(held?.lost.aborted, true)
})

t.test('an answer that comes too late to begin on is none', async (t) => {
  const book = new FakeBook()
  const east = desk(book, 'east 1')
  const answer = deferred<void>()
  book.before = answer.promise
  let held: Held | null = null
  const taking = east
    .lease('x')
    .take(waiting())
    .then((got) => {
      held = got
    })
  await until('it has asked', () => book.statements.length === 1)
  book.nowMs = fenceMs
  answer.resolve()
  await east.beat()
  t.equal(held, null)
  await east.beat()
  await taking
  t.ok(held)
})

t.test(
  'who slept through its lease learns it from its clock, and from the database when the clock slept too',
  async (t) => {
    const book = new FakeBook()
    const [east, west] = [desk(book, 'east 1'), desk(book, 'west 1')]
    const held = await take(east, 'x')
    book.rows.set('x', { holder: 'west 1', untilMs: leaseMs })
    await east.beat()
    t.equal(held?.lost.aborted, true)
    await west.stop()
  },
)

t.test('who gives up waiting while it is asked for leaves nothing behind', async (t) => {
  const book = new FakeBook()
  const east = desk(book, 'east 1')
  const answer = deferred<void>()
  book.before = answer.promise
  const hopes = waiting()
  const lease = east.lease('x')
  const taking = lease.take(hopes)
  await until('it has asked', () => book.statements.length === 1)
  hopes.over.abort()
  t.equal(await taking, null)
  const released = lease.release()
  answer.resolve()
  await released
  t.equal(book.rows.size, 0)
})

t.test('while the database is away whoever waits is told why', async (t) => {
  const book = new FakeBook()
  book.away = 'no database'
  const hopes = waiting()
  const east = desk(book, 'east 1')
  const taking = east.lease('x').take(hopes)
  await until('it is told', () => hopes.said.length > 0)
  t.strictSame(hopes.said, ['no database'])
  book.away = null
  await east.beat()
  t.ok(await taking)
})

forEachDatabase(t, async (t, { pool }) => {
  t.test('a lease is renewed by its holder, taken when it has run out, and released by its holder alone', async (t) => {
    t.strictSame([...(await keepLeases(pool, 'east 1', ['b', 'a'], 60))].sort(), ['a', 'b'])
    const [first] = await readLeases(pool, ['a'])
    t.strictSame([...(await keepLeases(pool, 'west 1', ['a', 'c'], 60))], ['c'])
    await releaseLease(pool, 'west 1', 'a')
    t.strictSame([...(await keepLeases(pool, 'east 1', ['a'], 60))], ['a'])
    t.strictSame(await readLeases(pool, ['a']), [first], 'since when it is had does not change by that')
    await pool.query(`UPDATE lease SET until = now() - interval '1 ms' WHERE name = 'a'`)
    t.strictSame([...(await keepLeases(pool, 'west 1', ['a', 'b'], 60))], ['a'])
    t.match(await readLeases(pool, ['a']), [{ holder: 'west 1' }])
    await releaseLease(pool, 'west 1', 'a')
    t.strictSame(await readLeases(pool, ['a']), [])
  })

  t.test('of many who ask at once one has it', async (t) => {
    const askers = Array.from({ length: 20 }, (_, i) => keepLeases(pool, `g ${i}`, ['rare', 'other'], 60))
    const had = (await Promise.all(askers)).filter((names) => names.has('rare'))
    t.equal(had.length, 1)
  })
})
