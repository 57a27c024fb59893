import type { Pool } from 'pg'
import t, { type Test } from 'tap'
import type { Submitted } from '../gateway/adapter.ts'
import type { Database } from '../gateway/store/database.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { until } from './mqtt-stage.ts'
import { Centre, dlr, eventually, ledgerAddsUp, openOffice, reaches, story, textTo, told } from './notice-stage.ts'

t.setTimeout(280_000)

/** A gateway that dies: from then on nothing it does reaches the database, and nobody stops it. */
function mortal(database: Database): { readonly database: Database; die(): void } {
  let dead = false
  const guarded = new Proxy(database.pool, {
    get(pool, key) {
      const value: unknown = Reflect.get(pool, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => (dead ? Promise.reject(new Error('dead')) : Reflect.apply(value, pool, given))
    },
  }) as Pool
  return {
    database: { ...database, pool: guarded },
    die() {
      dead = true
    },
  }
}

/** Answers that come when the test lets them, or at its end. */
class Gate {
  readonly #waiting: (() => void)[] = []
  constructor(t: Test) {
    t.teardown(() => this.open())
  }
  get waiting(): number {
    return this.#waiting.length
  }
  pass(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
  open(): void {
    for (const go of this.#waiting.splice(0)) go()
  }
}

async function submissions({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query<{ said: string }>(
    `SELECT concat(part, ' ', state, ' ', message_id) AS said FROM submission ORDER BY leg, part, submitted_at`,
  )
  return rows.map(({ said }) => said.trim())
}

t.test('a text is marked, sent once, accepted, and delivered when its receipt says so', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const centre = new Centre()
    const marked: string[][] = []
    centre.answer = async (part) => {
      marked.push(await submissions(database))
      return centre.take(part)
    }
    const { office, counted, wakeUps } = openOffice(t, database, { texts: { sms: centre } })
    const { id, created } = await office.post(textTo(1))
    t.equal(created, true)
    await reaches(database, id, 'accepted')
    t.strictSame(marked, [['1 sending']], 'the mark is in the database before the part leaves')
    t.strictSame(await submissions(database), ['1 accepted sp1-1'])
    t.equal(centre.sent[0]?.part.to, 'tel:+8613800138000')
    await stage.say('still on its way', dlr('sp1-1', null))
    await stage.say('there', dlr('sp1-1', 'delivered'))
    await stage.say('there again', dlr('sp1-1', 'delivered'))
    await stage.say('late and wrong', dlr('sp1-1', 'undeliverable'))
    t.strictSame(await story(database, id), ['queued', 'sending', 'accepted', 'delivered', 'is delivered'])
    t.strictSame(await told(database, id), ['sending', 'accepted', 'delivered'])
    t.strictSame(await submissions(database), ['1 delivered sp1-1'])
    t.equal((await office.post(textTo(1))).created, false)
    t.strictSame([...counted], [['sp1 accepted', 1]])
    t.ok(wakeUps() >= 2)
    t.equal(centre.sent.length, 1)
    t.ok(await ledgerAddsUp(database))
    const { rows } = await database.pool.query(`SELECT subject FROM device`)
    t.strictSame(rows, [], 'a receipt is no word of a device')
  }),
)

t.test('a long text is delivered with the last of its parts, and fails with the first that does', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const long = await office.post(textTo(1, { text: 'one two three four five' }))
    await reaches(database, long.id, 'accepted')
    t.strictSame(centre.texts(), ['one two th', 'ree four f', 'ive'])
    await stage.say('1', dlr('sp1-3', 'delivered'), dlr('sp1-1', 'delivered'))
    t.match(await story(database, long.id), ['queued', 'sending', 'accepted', 'is accepted'])
    await stage.say('2', dlr('sp1-2', 'delivered'))
    t.equal((await story(database, long.id)).at(-1), 'is delivered')

    const other = await office.post(textTo(2, { text: 'six seven eight' }))
    await reaches(database, other.id, 'accepted')
    await stage.say('3', dlr('sp1-4', 'delivered'), dlr('sp1-5', 'undeliverable', { error: '012' }))
    await reaches(database, other.id, 'listed')
    t.strictSame(await story(database, other.id), [
      ...['queued', 'sending', 'accepted', 'undeliverable', 'listed'],
      'is listed',
    ])
    const { rows } = await database.pool.query(
      `SELECT body::jsonb #>> '{data,error}' AS error FROM outbox WHERE ordering_key = $1 AND body LIKE '%"undeliverable"%'`,
      [other.id],
    )
    t.strictSame(rows, [{ error: '012' }])
    await stage.say('4', dlr('sp1-5', 'delivered'))
    t.equal((await story(database, other.id)).at(-1), 'is delivered', 'the centre knew better')
    t.ok(await ledgerAddsUp(database))
  }),
)

t.test('a receipt that overtakes the answer to its submission is not lost', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const centre = new Centre()
    centre.answer = async () => {
      await stage.say('first', dlr('early', 'delivered'))
      return { outcome: 'accepted', messageId: 'early' }
    }
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const { id } = await office.post(textTo(1))
    await reaches(database, id, 'delivered')
    t.strictSame(await story(database, id), ['queued', 'sending', 'accepted', 'delivered', 'is delivered'])
    const waiting = await database.pool.query('SELECT 1 FROM waiting_receipt')
    t.equal(waiting.rowCount, 0)
  }),
)

t.test(
  'what a receipt and a submission both missed is joined a little later, and strangers are dropped and counted',
  (t) =>
    forEachDatabase(t, async (t, database) => {
      const stage = await IntakeStage.open(t, database)
      const centre = new Centre()
      const { office } = openOffice(t, database, { texts: { sms: centre } })
      const { id } = await office.post(textTo(1))
      await reaches(database, id, 'accepted')
      await stage.say('nobody’s', dlr('unheard-of', 'delivered'))
      await stage.say('another account’s', dlr('sp1-1', 'delivered', { account: 'sp2' }))
      t.equal((await story(database, id)).at(-1), 'is accepted')
      await database.pool.query(
        `INSERT INTO waiting_receipt (account, message_ids, subject, state, message_id, received_at)
       VALUES ('sp1', '{0A,sp1-1}', 'tel:+8613800138000', 'delivered', gen_random_uuid(), now())`,
      )
      await reaches(database, id, 'delivered')
      const left = await database.pool.query(
        'SELECT message_ids[1] AS id FROM waiting_receipt ORDER BY waiting_receipt.id',
      )
      t.strictSame(left.rows, [{ id: 'unheard-of' }, { id: 'sp1-1' }])
      await database.pool.query(`UPDATE waiting_receipt SET received_at = now() - interval '73 h'`)
      await eventually(
        'they are gone',
        async () => (await database.pool.query('SELECT 1 FROM waiting_receipt')).rowCount === 0,
      )
      const { rows } = await database.pool.query(
        `SELECT subject, n::int FROM tally WHERE what = 'receipt-unmatched' ORDER BY subject`,
      )
      t.strictSame(rows, [
        { subject: 'sp1', n: 1 },
        { subject: 'sp2', n: 1 },
      ])
    }),
)

t.test('after a crash only what was under way is in doubt; the rest goes on, and nothing leaves twice', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const crashed = mortal(database)
    const gate = new Gate(t)
    const centre = new Centre()
    centre.window = 4
    centre.answer = async (part) => {
      if (centre.sent.length > 60) await gate.pass()
      return centre.take(part)
    }
    const before = openOffice(t, crashed.database, { texts: { sms: centre }, shared: false }).office
    const ids: string[] = []
    for (let n = 0; n < 100; n++)
      ids.push((await before.post(textTo(n, { to: { subscriber: `139000${10_000 + n}` } }))).id)
    await until('the centre hangs', () => gate.waiting === 4)
    crashed.die()

    const second = new Centre()
    second.answer = async () => ({ outcome: 'accepted', messageId: `second-${second.sent.length}` })
    openOffice(t, database, { texts: { sms: second }, shared: false })
    await until('the rest is sent', () => second.sent.length + centre.sent.length >= 90, 20_000)
    for (const id of ids)
      await eventually(`${id} is through`, async () =>
        /is (accepted|in-doubt)/.test((await story(database, id)).at(-1) ?? ''),
      )
    const { rows } = await database.pool.query<{ state: string; n: number }>(
      'SELECT state, count(*)::int AS n FROM notice GROUP BY state ORDER BY state',
    )
    const doubt = rows.find(({ state }) => state === 'in-doubt')?.n ?? 0
    t.ok(doubt >= 4 && doubt <= 16, `${doubt} in doubt: the window, what was marked ahead and what was not written yet`)
    t.equal(
      rows.reduce((sum, { n }) => sum + n, 0),
      100,
    )
    const left = [...centre.sent, ...second.sent].map(({ part }) => part.id)
    t.equal(new Set(left).size, left.length, 'no text left twice')

    const inDoubt = await database.pool.query<{ id: string; addressee: string }>(
      `SELECT id, addressee FROM notice WHERE state = 'in-doubt' ORDER BY id LIMIT 1`,
    )
    const [one] = inDoubt.rows
    if (one === undefined) throw new Error('one is in doubt')
    await stage.say('its receipt', dlr('whatever', 'delivered', { subject: one.addressee }))
    t.equal((await story(database, one.id)).at(-1), 'is delivered', 'a receipt resolves the doubt')
    t.ok(await ledgerAddsUp(database))
  }),
)

t.test('parts that were accepted before a crash are not sent again', (t) =>
  forEachDatabase(t, async (t, database) => {
    const crashed = mortal(database)
    const gate = new Gate(t)
    const centre = new Centre()
    centre.window = 1
    centre.answer = async (part) => {
      if (part.number === 2) await gate.pass()
      return centre.take(part)
    }
    const before = openOffice(t, crashed.database, { texts: { sms: centre }, shared: false }).office
    const { id } = await before.post(textTo(1, { text: 'first part second one third one and fourth' }))
    await until('the second is under way', () => gate.waiting === 1)
    await eventually(
      'the first is written down',
      async () => (await submissions(database))[0]?.startsWith('1 accepted') ?? false,
    )
    crashed.die()
    const second = new Centre('sp1')
    openOffice(t, database, { texts: { sms: second }, shared: false })
    await reaches(database, id, 'in-doubt')
    const numbers = second.sent.map(({ part }) => part.number)
    t.notOk(numbers.includes(1), 'the first was accepted')
    t.notOk(numbers.includes(2), 'nobody knows of the second')
    t.ok(numbers.includes(5), 'the last goes on')
  }),
)

t.test('one in doubt is the operator’s: it was sent, it failed, or it is sent again, but never by itself', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    let silent = true
    centre.answer = async (part) => {
      if (silent) throw new Error('no submit_sm_resp')
      return centre.take(part)
    }
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const ids: string[] = []
    for (let n = 1; n <= 3; n++) ids.push((await office.post(textTo(n, { to: { subscriber: `1390000000${n}` } }))).id)
    const [sent = '', failed = '', again = ''] = ids
    for (const id of ids) await reaches(database, id, 'in-doubt')
    silent = false
    t.equal(centre.sent.length, 3)
    await office.resolve(sent, 'sent')
    t.strictSame(await story(database, sent), ['queued', 'sending', 'in-doubt', 'accepted', 'is accepted'])
    await office.resolve(failed, 'failed')
    t.strictSame(await story(database, failed), ['queued', 'sending', 'in-doubt', 'unknown', 'listed', 'is listed'])
    await office.resolve(again, 'send-again')
    await reaches(database, again, 'accepted')
    t.strictSame(await story(database, again), [
      ...['queued', 'sending', 'in-doubt', '1:queued', '1:sending', '1:accepted'],
      'is accepted',
    ])
    t.equal(centre.sent.length, 4)
    await t.rejects(office.resolve(again, 'sent'), { code: 'NOTICE_INVALID' })
    t.equal(await office.resolve('00000000-0000-4000-8000-000000000000', 'sent'), false)
    await office.resolve(failed, 'sent')
    t.equal((await story(database, failed)).at(-1), 'is done', 'the operator telephoned')
  }),
)

t.test('of two in doubt to one subscriber a receipt resolves neither, unless it gives the reference back', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const centre = new Centre()
    centre.answer = () => Promise.reject(new Error('lost'))
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const one = await office.post(textTo(1, { text: '#one' }))
    const two = await office.post(textTo(2, { text: '#two' }))
    for (const { id } of [one, two]) await reaches(database, id, 'in-doubt')
    await stage.say('of which', dlr('x', 'delivered'))
    t.equal((await story(database, one.id)).at(-1), 'is in-doubt')
    t.equal((await story(database, two.id)).at(-1), 'is in-doubt')
    const reference = Number.parseInt(two.id.slice(-4), 16)
    await stage.say('of the second', dlr('y', 'delivered', { reference }))
    t.equal((await story(database, two.id)).at(-1), 'is delivered')
    // Now only one is left that the first receipt can be of.
    await reaches(database, one.id, 'delivered')
  }),
)

t.test('a centre that asks to wait gets the part later, and its mark is taken back meanwhile', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    centre.answer = async (part): Promise<Submitted> =>
      centre.sent.length <= 2 ? { outcome: 'later', reason: 'ESME_RTHROTTLED', afterMs: 150 } : centre.take(part)
    const { office, counted } = openOffice(t, database, { texts: { sms: centre } })
    const began = performance.now()
    const { id } = await office.post(textTo(1))
    await reaches(database, id, 'accepted')
    t.ok(performance.now() - began >= 300)
    t.equal(centre.sent.length, 3)
    t.equal(counted.get('sp1 later'), 2)
    t.strictSame(await story(database, id), ['queued', 'sending', 'accepted', 'is accepted'])
    t.strictSame(await submissions(database), ['1 accepted sp1-1'])
  }),
)

t.test('without a link nothing is claimed, and what was claimed is given back when it goes', (t) =>
  forEachDatabase(t, async (t, database) => {
    const here = new Centre()
    const there = new Centre()
    here.ready = false
    there.ready = false
    const one = openOffice(t, database, { texts: { sms: here } })
    openOffice(t, database, { texts: { sms: there }, gateway: 'two' })
    const { id } = await one.office.post(textTo(1))
    there.ready = true
    await reaches(database, id, 'accepted')
    t.equal(here.sent.length, 0)
    t.equal(there.sent.length, 1)
  }),
)

t.test('two gateways on one account send each text once', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centres = [new Centre(), new Centre()]
    for (const [n, centre] of centres.entries())
      centre.answer = async () => ({ outcome: 'accepted', messageId: `${n}-${centre.sent.length}` })
    const offices = centres.map(
      (centre, n) => openOffice(t, database, { texts: { sms: centre }, gateway: `g${n}` }).office,
    )
    const ids: string[] = []
    for (let n = 0; n < 100; n++) {
      const posted = await offices[n % 2]?.post(textTo(n, { to: { subscriber: `139000${10_000 + n}` } }))
      ids.push(posted?.id ?? '')
    }
    for (const id of ids) await reaches(database, id, 'accepted')
    const left = centres.flatMap(({ sent }) => sent.map(({ part }) => part.id))
    t.equal(left.length, 100)
    t.equal(new Set(left).size, 100)
    t.ok(await ledgerAddsUp(database))
  }),
)

t.test('a stop waits for the answers to what left, and takes back the marks of what did not', (t) =>
  forEachDatabase(t, async (t, database) => {
    const gate = new Gate(t)
    const centre = new Centre()
    centre.perSecond = 20
    centre.answer = async (part) => {
      await gate.pass()
      return centre.take(part)
    }
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    for (let n = 0; n < 20; n++) await office.post(textTo(n))
    await until('some are under way', () => gate.waiting >= 2)
    const pausing = office.pause(10_000)
    const under = gate.waiting
    gate.open()
    await pausing
    await office.stop()
    const states = (await submissions(database)).map((said) => said.split(' ')[1])
    t.equal(states.length, centre.sent.length)
    t.ok(states.length <= under + 1)
    t.ok(
      states.every((state) => state === 'accepted'),
      String(states),
    )
    const { rows } = await database.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM notice WHERE claimed_until IS NOT NULL`,
    )
    t.strictSame(rows, [{ n: 0 }], 'and gives its claims back')
  }),
)

t.test('a text that is half sent when its time is over is in doubt where a part is, and expired where none is', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    centre.window = 1
    centre.answer = async (part) => {
      if (part.number === 2) centre.ready = false
      if (part.number === 2 && part.text.startsWith('lost')) throw new Error('the link broke')
      return centre.take(part)
    }
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const expiresAt = new Date(Date.now() + 6000)
    const lost = await office.post(textTo(1, { text: '0123456789lost456789012345', expiresAt }))
    await until('the link is gone', () => !centre.ready)
    await reaches(database, lost.id, 'in-doubt')
    centre.ready = true
    const half = await office.post(
      textTo(2, { text: '0123456789half456789012345', expiresAt: new Date(Date.now() + 4000) }),
    )
    await until('the link is gone again', () => !centre.ready)
    await reaches(database, half.id, 'expired')
    centre.ready = true
    office.arrived('sms', '')
    const { id } = await office.post(textTo(3))
    await reaches(database, id, 'accepted')
    t.notOk(centre.texts().includes('012345'), 'what was left of them never leaves')
  }),
)
