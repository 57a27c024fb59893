import t, { type Test } from 'tap'
import type { OutboundNotice, Sent } from '../gateway/adapter.ts'
import { emptyRows } from '../gateway/intake/rows.ts'
import { enter, type NoticeRow, noticeColumns } from '../gateway/notices/notice.ts'
import type { NoticeRequest } from '../gateway/notices/request.ts'
import { advances, noticeStates } from '../gateway/notices/state.ts'
import type { ReceiptReport } from '../gateway/report.ts'
import type { Database } from '../gateway/store/database.ts'
import { writeBatch } from '../gateway/store/write-batch.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { until } from './mqtt-stage.ts'
import { how, ledgerAddsUp, type Opened, openOffice, reaches, story, textTo, told } from './notice-stage.ts'

t.setTimeout(280_000)

/** Devices as an adapter reaches them: there or not, and what each was sent, in order. */
class Devices {
  readonly present = new Set<string>()
  readonly heard: OutboundNotice[] = []
  tries = 0
  /** Asked before a notice is taken. */
  answer: (notice: OutboundNotice) => Promise<Sent> = async (notice) =>
    this.present.has(notice.addressee) ? this.take(notice) : 'absent'

  constructor(...present: string[]) {
    for (const one of present) this.present.add(one)
  }

  take(notice: OutboundNotice): Sent {
    this.heard.push(notice)
    return 'delivered'
  }

  readonly send = (notice: OutboundNotice): Promise<Sent> => {
    this.tries++
    return this.answer(notice)
  }

  bodies(): unknown[] {
    return this.heard.map(({ body }) => (body as { n: number }).n)
  }
}

function open(t: Test, database: Database, devices: Devices, gateway = 'one', shared = true): Opened {
  return openOffice(t, database, { devices: { handhelds: devices }, gateway, shared })
}

function request(n: number, changes: Partial<NoticeRequest> & { readonly addressee?: string } = {}): NoticeRequest {
  const { addressee = 'h-1', ...rest } = changes
  const body = { n }
  return textTo(n, { to: { device: addressee }, adapter: 'handhelds', kind: 'task', body, text: null, ...rest })
}

t.test('the same key gives the same notice, sent once; with other content it is refused', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1')
    const { office } = open(t, database, devices)
    const posted = await Promise.all(Array.from({ length: 10 }, () => office.post(request(1))))
    t.equal(new Set(posted.map(({ id }) => id)).size, 1)
    t.equal(posted.filter(({ created }) => created).length, 1)
    const id = posted[0]?.id ?? ''
    await reaches(database, id, 'delivered')
    for (const other of [{ body: { n: 2 } }, { addressee: 'h-2' }, { kind: 'notice' as const }])
      await t.rejects(office.post({ ...request(1), ...other }), { code: 'NOTICE_INVALID', message: /another notice/ })
    await t.rejects(office.post({ ...request(1), expiresAt: new Date() }), { code: 'NOTICE_INVALID' })
    t.equal((await office.post(request(1))).created, false, 'after delivery too')
    t.equal(devices.tries, 1)
    t.strictSame(await story(database, id), ['queued', 'delivered', 'is delivered'])
    t.strictSame(await told(database, id), ['delivered'])
  }),
)

t.test('a notice waits for its addressee, is sent when it arrives, and the relay hears of it', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices()
    const { office, wakeUps } = open(t, database, devices)
    const { id } = await office.post(request(1))
    await until('it was tried', () => devices.tries === 1)
    t.strictSame(await story(database, id), ['queued', 'is queued'])
    t.equal(wakeUps(), 0)
    devices.present.add('h-1')
    office.arrived('handhelds', 'h-1')
    await reaches(database, id, 'delivered')
    t.strictSame(devices.heard, [{ id, addressee: 'h-1', kind: 'task', body: { n: 1 }, expiresAt: null }])
    await until('the relay is woken', () => wakeUps() === 1)
  }),
)

t.test('an unknown outcome is said, and the notice sent again under the same id', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1')
    devices.answer = async (notice) => {
      if (devices.tries < 3) throw new Error('no PUBACK')
      return devices.take(notice)
    }
    const { office } = open(t, database, devices)
    const { id } = await office.post(request(1))
    await reaches(database, id, 'published')
    await reaches(database, id, 'delivered')
    t.equal(devices.tries, 3, 'the office itself tried again, nobody arrived')
    t.strictSame(
      devices.heard.map((one) => one.id),
      [id],
    )
    t.strictSame(await story(database, id), ['queued', 'published', 'delivered', 'is delivered'])
    t.strictSame(await told(database, id), ['published', 'delivered'])
    const { rows } = await database.pool.query(`SELECT detail FROM notice_state WHERE state = 'published'`)
    t.strictSame(rows, [{ detail: 'no PUBACK' }])
  }),
)

t.test('what expired while waiting is never sent after, and the core is told once by two offices', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices()
    const { office } = open(t, database, devices)
    open(t, database, devices, 'two')
    const { id } = await office.post(request(1, { expiresAt: new Date(Date.now() + 60_000) }))
    const past = await office.post(request(2, { expiresAt: new Date(Date.now() - 1000) }))
    const other = await office.post(request(3))
    await until('each post tried the first', () => devices.tries >= 3)
    await database.pool.query(`UPDATE notice SET expires_at = now() - interval '1 s' WHERE id = $1`, [id])
    devices.present.add('h-1')
    office.arrived('handhelds', 'h-1')
    for (const one of [id, past.id]) await reaches(database, one, 'expired')
    await reaches(database, other.id, 'delivered')
    t.strictSame(devices.bodies(), [3])
    for (const one of [id, past.id]) {
      t.strictSame(await story(database, one), ['queued', 'expired', 'is expired'])
      t.strictSame(await told(database, one), ['expired'])
    }
  }),
)

t.test('of two gateways the one that has the device sends, once', (t) =>
  forEachDatabase(t, async (t, database) => {
    const here = new Devices('h-1')
    const there = new Devices()
    const one = open(t, database, here)
    const two = open(t, database, there, 'two')
    const posted = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).office.post(request(n))),
    )
    for (const { id } of posted) await reaches(database, id, 'delivered')
    t.equal(here.heard.length, 20)
    t.equal(new Set(here.heard.map(({ id }) => id)).size, 20)
    t.equal(there.heard.length, 0)
    for (const { id } of posted) t.strictSame(await told(database, id), ['delivered'])
  }),
)

t.test('two gateways that both reach the device send once, and one after the other', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1')
    let underWay = 0
    let most = 0
    devices.answer = async (notice) => {
      most = Math.max(most, ++underWay)
      await new Promise(setImmediate)
      underWay--
      return devices.take(notice)
    }
    const offices = [open(t, database, devices).office, open(t, database, devices, 'two').office]
    const ids: string[] = []
    for (let n = 0; n < 40; n++) {
      const office = offices[n % 2]
      if (office === undefined) throw new Error('there are two')
      ids.push((await office.post(request(n))).id)
      for (const each of offices) each.arrived('handhelds', 'h-1')
    }
    for (const id of ids) await reaches(database, id, 'delivered')
    t.strictSame(
      devices.bodies(),
      Array.from({ length: 40 }, (_, n) => n),
      'each once, in the order they were posted',
    )
    t.equal(most, 1)
  }),
)

t.test('notices reach one addressee in order, though the first is slow, and hold no other addressee up', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1', 'h-2')
    let letGo: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    devices.answer = async (notice) => {
      if (notice.addressee === 'h-1' && devices.heard.every(({ addressee }) => addressee !== 'h-1')) await held
      return devices.take(notice)
    }
    const { office } = open(t, database, devices)
    const ids: string[] = []
    for (let n = 1; n <= 5; n++) ids.push((await office.post(request(n))).id)
    const { id } = await office.post(request(6, { addressee: 'h-2' }))
    await reaches(database, id, 'delivered')
    t.strictSame(devices.bodies(), [6])
    letGo()
    for (const one of ids) await reaches(database, one, 'delivered')
    t.strictSame(devices.bodies(), [6, 1, 2, 3, 4, 5])
  }),
)

t.test('a thousand notices for one device arrive once and in order', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices()
    const { office } = open(t, database, devices)
    for (let n = 0; n < 1000; n++) await office.post(request(n))
    devices.present.add('h-1')
    office.arrived('handhelds', 'h-1')
    await until('all were sent', () => devices.heard.length >= 1000, 120_000)
    t.strictSame(
      devices.bodies(),
      Array.from({ length: 1000 }, (_, n) => n),
    )
  }),
)

t.test('a device that stays away costs one try, not one for each of its notices and each look', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-2')
    const { office } = open(t, database, devices)
    for (let n = 1; n <= 3; n++) await office.post(request(n))
    await until('each post tried', () => devices.tries === 3)
    // A notice that another gateway took in: found by looking, so the office has looked when it is delivered.
    for (let look = 1; look <= 2; look++) {
      await database.pool.query(
        `INSERT INTO notice (id, idempotency_key, fingerprint, adapter, addressee, kind, body, created_at)
         VALUES (gen_random_uuid(), $1, '', 'handhelds', 'h-2', 'task', '{"n":0}', now())`,
        [`elsewhere-${look}`],
      )
      await until('it is found', () => devices.heard.length === look)
    }
    t.equal(devices.tries, 5)
  }),
)

t.test('a restart between the post and the arrival loses and doubles nothing', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices()
    const before = open(t, database, devices)
    const { id } = await before.office.post(request(1))
    await until('it was tried', () => devices.tries === 1)
    await before.office.stop()
    // A gateway that died while it was sending leaves its claim.
    await database.pool.query(`UPDATE notice SET claimed_until = now() - interval '1 s'`)
    const after = open(t, database, devices)
    t.strictSame(await after.office.post(request(1)), { id, ids: [id], created: false })
    devices.present.add('h-1')
    after.office.arrived('handhelds', 'h-1')
    await reaches(database, id, 'delivered')
    t.equal(devices.heard.length, 1)
  }),
)

t.test('a stop waits for what is being sent and sends nothing more', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1')
    const held: (() => void)[] = []
    devices.answer = async (notice) => {
      await new Promise<void>((resolve) => held.push(resolve))
      return devices.take(notice)
    }
    const { office } = open(t, database, devices)
    const first = await office.post(request(1))
    const second = await office.post(request(2))
    await until('the first is being sent', () => held.length === 1)
    const stopped = office.stop()
    held[0]?.()
    await stopped
    t.strictSame(await story(database, first.id), ['queued', 'delivered', 'is delivered'])
    t.strictSame(await story(database, second.id), ['queued', 'is queued'])
  }),
)

t.test('a receipt that is quicker than the acknowledgement is not taken back by it', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const devices = new Devices('h-1')
    devices.answer = async (notice) => {
      t.equal(await stage.say('read before acknowledged', receipt(notice.id, 'read')), 'stored')
      return devices.take(notice)
    }
    const { office } = open(t, database, devices)
    const { id } = await office.post(request(1))
    await until('it was sent', () => devices.heard.length === 1)
    await office.stop()
    t.strictSame(await story(database, id), ['queued', 'read', 'is read'])
    t.strictSame(await told(database, id), ['read'])
  }),
)

function receipt(noticeId: string, state: ReceiptReport['state'], subject = 'h-1'): ReceiptReport {
  return { kind: 'receipt', subject, deviceTime: null, noticeId, state, detail: null } as ReceiptReport
}

t.test('receipts take a notice on and never back, and only its addressee may give them', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const { office } = open(t, database, new Devices('h-1'))
    const { id } = await office.post(request(1))
    await reaches(database, id, 'delivered')
    await stage.say('somebody else', receipt(id, 'done', 'h-2'))
    await stage.say('no id at all', receipt(`'; DROP TABLE notice; --`, 'done'))
    await stage.say('nobody’s', receipt('00000000-0000-4000-8000-000000000000', 'done'))
    t.strictSame(await story(database, id), ['queued', 'delivered', 'is delivered'])
    await stage.say('1', receipt(id, 'delivered'))
    await stage.say('2', receipt(id, 'read'), receipt(id, 'delivered'))
    await stage.say('3', receipt(id.toUpperCase(), 'read'))
    await stage.say('4', receipt(id, 'done'), receipt(id, 'read'), receipt(id, 'done'))
    await stage.say('5', receipt(id, 'read'))
    t.strictSame(await story(database, id), ['queued', 'delivered', 'read', 'done', 'is done'])
    t.strictSame(await told(database, id), ['delivered', 'read', 'done'])
  }),
)

t.test('a notice is not sent by an adapter that cannot, nor to somebody nobody has heard of', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const devices = new Devices('h-1')
    const { office } = openOffice(t, database, { devices: { handhelds: devices, others: devices } })
    await t.rejects(office.post(request(1, { adapter: 'vehicles' })), { code: 'NOTICE_INVALID', message: /vehicles/ })
    await t.rejects(office.post(request(1, { adapter: null })), { message: /never heard of/ })
    await stage.say('it is here', { kind: 'presence', subject: 'h-1', deviceTime: null, state: 'online' } as never)
    await t.rejects(office.post(request(1, { adapter: null })), { message: /never heard of/ }, 'heard by no sender')
    await database.pool.query(`UPDATE device SET adapter = 'others'`)
    const { id } = await office.post(request(1, { adapter: null }))
    await reaches(database, id, 'delivered')
    const { rows } = await database.pool.query('SELECT adapter FROM notice')
    t.strictSame(rows, [{ adapter: 'others' }])
  }),
)

t.test('devices that never acknowledge hold up neither others nor the expiry of others', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices()
    const hanging = new AbortController()
    devices.answer = (notice) =>
      notice.addressee.startsWith('silent')
        ? new Promise((_resolve, reject) =>
            hanging.signal.addEventListener('abort', () => reject(new Error('no PUBACK'))),
          )
        : Promise.resolve(devices.take(notice))
    // Waiting from before, so that only the poll can find them.
    const before = open(t, database, new Devices()).office
    for (let i = 0; i < 40; i++) await before.post(request(i, { addressee: `silent-${i}` }))
    const { id: waiting } = await before.post(request(50, { addressee: 'zz-late' }))
    const { id: expiring } = await before.post(
      request(51, { addressee: 'silent-0', expiresAt: new Date(Date.now() + 500) }),
    )
    await before.stop()
    const { office } = open(t, database, devices)
    try {
      await reaches(database, waiting, 'delivered')
      await reaches(database, expiring, 'expired')
      t.ok(devices.tries > 32, 'while the silent ones were still being waited for')
    } finally {
      hanging.abort()
      await office.stop()
    }
  }),
)

t.test('what a killed gateway had claimed is free at the next start, where nobody else uses the database', (t) =>
  forEachDatabase(t, async (t, database) => {
    const before = open(t, database, new Devices()).office
    const { id } = await before.post(request(1))
    await before.stop()
    await database.pool.query(`UPDATE notice SET claimed_until = now() + interval '1 hour'`)
    open(t, database, new Devices('h-1'), 'one', false)
    await reaches(database, id, 'delivered')
  }),
)

t.test('a state that is written late takes no notice back, and is not told again', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { office } = open(t, database, new Devices())
    const { id } = await office.post(request(1))
    await office.stop()
    const { rows: notices } = await database.pool.query<NoticeRow>(`SELECT ${noticeColumns('notice')} FROM notice`)
    const [notice] = notices
    if (notice === undefined) throw new Error('it was posted')
    let toldOf = 0
    for (const from of noticeStates) {
      for (const to of noticeStates) {
        await database.pool.query('UPDATE notice SET state = $1', [from])
        const late = emptyRows()
        enter(notice, { state: to, at: new Date() }, how(), late)
        await writeBatch(database.pool, late, 'one')
        const { rows } = await database.pool.query<{ state: string }>('SELECT state FROM notice')
        t.equal(rows[0]?.state, advances(from, to) ? to : from, `${from} to ${to}`)
        if (advances(from, to)) toldOf++
      }
    }
    t.equal((await told(database, id)).length, toldOf)
    t.ok(await ledgerAddsUp(database))
  }),
)

t.test('a device that never acknowledges is left alone for longer each time, unless it arrives', (t) =>
  forEachDatabase(t, async (t, database) => {
    const devices = new Devices('h-1')
    const tries: number[] = []
    devices.answer = async () => {
      tries.push(performance.now())
      throw new Error('no PUBACK')
    }
    const { office } = open(t, database, devices)
    const { id } = await office.post(request(1))
    await until('it was tried three times', () => tries.length === 3, 60_000)
    const [first = 0, second = 0, third = 0] = tries
    // A poll comes every two seconds: without a growing pause the third would follow the second as soon. What a busy machine
    // is late with at one try is missing before the next.
    t.ok(third - second > 3000, `${second - first} ms, then ${third - second} ms`)
    devices.answer = async (notice) => devices.take(notice)
    office.arrived('handhelds', 'h-1')
    await reaches(database, id, 'delivered')
    t.strictSame(await story(database, id), ['queued', 'published', 'delivered', 'is delivered'])
  }),
)

t.test('no state leads back, and what ended stays ended unless the device knows better', async (t) => {
  for (const from of noticeStates)
    for (const to of noticeStates) t.notOk(advances(from, to) && advances(to, from), `${from} and ${to}`)
  t.notOk(advances('done', 'refused'))
  t.notOk(advances('delivered', 'expired'))
  t.ok(advances('expired', 'read'))
})
