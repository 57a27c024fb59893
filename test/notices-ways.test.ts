import { createHash } from 'node:crypto'
import t from 'tap'
import type { OutboundNotice, Sent } from '../gateway/adapter.ts'
import { emptyRows } from '../gateway/intake/rows.ts'
import { noticeOf } from '../gateway/notices/draft.ts'
import { writeBatch } from '../gateway/store/write-batch.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { until } from './mqtt-stage.ts'
import {
  attachmentsIn,
  Centre,
  citizenUri,
  dlr,
  eventually,
  ledgerAddsUp,
  openOffice,
  reaches,
  rules,
  story,
  textTo,
} from './notice-stage.ts'
import { smallCity } from './small-city.ts'

t.setTimeout(280_000)

const by = (adapter: string, afterMs: number | null = null) => ({ by: 'text', adapter, kind: null, afterMs }) as const

t.test('a rejected text takes the next way, and after the last one it is on the operator’s list', (t) =>
  forEachDatabase(t, async (t, database) => {
    const first = new Centre('sp1')
    const second = new Centre('sp2')
    const refuse = async () => ({ outcome: 'rejected', reason: 'ESME_RINVDSTADR' }) as const
    first.answer = refuse
    const { office } = openOffice(t, database, {
      texts: { a: first, b: second },
      rules: { ...rules, routes: { ...rules.routes, citizen: [by('a'), by('b')] } },
    })
    const { id } = await office.post(textTo(1))
    await reaches(database, id, 'accepted')
    t.strictSame(await story(database, id), [
      ...['queued', 'sending', 'rejected', '1:queued', '1:sending', '1:accepted'],
      'is accepted',
    ])
    second.answer = refuse
    const { id: lost } = await office.post(textTo(2))
    await reaches(database, lost, 'listed')
    t.strictSame(await story(database, lost), [
      ...['queued', 'sending', 'rejected', '1:queued', '1:sending', '1:rejected', '1:listed'],
      'is listed',
    ])
    second.answer = async (part) => second.take(part)
    first.answer = async (part) => first.take(part)
    await office.resolve(lost, 'send-again')
    await reaches(database, lost, 'accepted')
    t.equal((await story(database, lost)).at(-2), '2:accepted', 'from the first way on')
    t.ok(await ledgerAddsUp(database))
  }),
)

t.test('without a receipt in time the next way is tried, and an early word still counts', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const first = new Centre('sp1')
    const second = new Centre('sp2')
    const { office } = openOffice(t, database, {
      texts: { a: first, b: second },
      rules: { ...rules, routes: { ...rules.routes, citizen: [by('a', 1000), by('b')] } },
    })
    const { id } = await office.post(textTo(1))
    await until('the second has it', () => second.sent.length === 1)
    await reaches(database, id, 'accepted')
    t.strictSame(await story(database, id), [
      ...['queued', 'sending', 'accepted', '1:queued', '1:sending', '1:accepted'],
      'is accepted',
    ])
    await stage.say('the first after all', dlr('sp1-1', 'delivered'))
    t.strictSame((await story(database, id)).slice(-2), ['delivered', 'is delivered'])
  }),
)

class Handheld {
  readonly heard: OutboundNotice[] = []
  there = true
  readonly send = async (notice: OutboundNotice): Promise<Sent> => {
    if (!this.there) return 'absent'
    this.heard.push(notice)
    return 'delivered'
  }
}

t.test('a collector is reached by the device, and by text when that stays away', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const handheld = new Handheld()
    const [device, text] = rules.routes.collector
    if (device === undefined || text === undefined) throw new Error('there are two')
    const { office } = openOffice(t, database, {
      texts: { sms: centre },
      devices: { handhelds: handheld },
      rules: { ...rules, routes: { ...rules.routes, collector: [{ ...device, afterMs: 1000 }, text] } },
    })
    const verify = { to: { collector: 'c1' }, text: null, template: 'verify', caseNumber: 'A-17' } as const
    const there = await office.post(textTo(1, verify))
    await reaches(database, there.id, 'delivered')
    t.match(handheld.heard, [
      {
        addressee: 'c1',
        kind: 'notice',
        body: { text: '您有核实任务，请查收！案件编号：A-17', template: 'verify', caseNumber: 'A-17' },
      },
    ])
    t.equal(centre.sent.length, 0)
    handheld.there = false
    const away = await office.post(textTo(2, verify))
    await reaches(database, away.id, 'accepted')
    t.equal(centre.sent[0]?.part.to, 'tel:+8613900000001')
    t.strictSame((await story(database, away.id)).slice(0, 2), ['queued', '1:queued'])
    await t.rejects(office.post(textTo(3, { ...verify, to: { collector: 'nobody' } })), { code: 'NOTICE_INVALID' })
    const silent = await office.post(textTo(4, { ...verify, to: { collector: 'c2' } }))
    t.equal((await story(database, silent.id)).at(-1), 'is queued', 'without a phone the device is the only way')
  }),
)

t.test('a department’s duty phones get one notice each, within their hours', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const request = textTo(1, { to: { department: 'd1' }, text: null, template: 'forwarded', caseNumber: 'A-17' })
    const posted = await office.post(request)
    t.equal(posted.ids.length, 2)
    for (const id of posted.ids) await reaches(database, id, 'accepted')
    t.strictSame([...new Set(centre.sent.map(({ part }) => part.to))].sort(), [
      'tel:+8613800000001',
      'tel:+8613800000002',
    ])
    t.equal(centre.sent[0]?.part.whole.text, '市政公司有新任务，请登录系统查收！案件编号：A-17')
    t.strictSame(await office.post(request), { ...posted, created: false })
    for (const code of ['d3', 'd9'])
      await t.rejects(office.post(textTo(2, { to: { department: code } })), { code: 'NOTICE_INVALID' })
    // The garden office works from 8 to 18 in Shanghai.
    const hours = await office.post(textTo(3, { to: { department: 'd2' } }))
    const urgent = await office.post(textTo(4, { to: { department: 'd2' }, urgent: true }))
    const { rows } = await database.pool.query<{ id: string; hour: number | null }>(
      `SELECT id, extract(hour FROM not_before AT TIME ZONE 'Asia/Shanghai')::int AS hour FROM notice
       WHERE id = ANY($1) ORDER BY id`,
      [[hours.id, urgent.id]],
    )
    const minute = new Date(Date.now() + 8 * 3_600_000).getUTCHours()
    t.strictSame(
      rows.map(({ hour }) => hour),
      [minute >= 8 && minute < 18 ? null : 8, null],
    )
  }),
)

t.test('citizens are left alone at night and after so many a day, and the states say so', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    // 22:30 in Shanghai, some night to come.
    const night = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 14.5 * 3_600_000
    const morning = new Date(night + 9.5 * 3_600_000)
    const quiet = { startMinute: 21 * 60, endMinute: 8 * 60 }
    const { office } = openOffice(t, database, {
      texts: { sms: centre },
      rules: { ...rules, quietHours: quiet },
      now: () => night,
    })
    const late = await office.post(textTo(1, { expiresAt: new Date(Date.now() + 9e8) }))
    const urgent = await office.post(textTo(2, { urgent: true }))
    await reaches(database, urgent.id, 'accepted')
    await eventually('it is held', async () => (await story(database, late.id)).length === 3)
    const { rows } = await database.pool.query(
      `SELECT n.not_before AS "notBefore", s.detail FROM notice n JOIN notice_state s ON s.notice_id = n.id
       WHERE n.id = $1 AND s.detail IS NOT NULL`,
      [late.id],
    )
    t.strictSame(rows, [
      {
        notBefore: morning,
        detail: `quiet hours: not before ${morning.toISOString()}`,
      },
    ])
    t.strictSame(centre.texts(), ['text 2'])
  }),
)

t.test('the daily cap is a subscriber’s, over all texts but urgent ones', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre }, rules: { ...rules, dailyCap: 3 } })
    const ids: string[] = []
    for (let n = 1; n <= 5; n++) ids.push((await office.post(textTo(n))).id)
    const other = await office.post(textTo(6, { to: { subscriber: '13900000009' } }))
    const urgent = await office.post(textTo(7, { urgent: true }))
    for (const id of [...ids.slice(0, 3), other.id, urgent.id]) await reaches(database, id, 'accepted')
    const waiting = async () =>
      (
        await database.pool.query<{ n: number }>(
          `SELECT count(DISTINCT notice_id)::int AS n FROM notice_state WHERE detail LIKE 'the daily cap of 3 texts is reached%'`,
        )
      ).rows[0]?.n
    await eventually('two are held', async () => (await waiting()) === 2)
    t.equal(centre.sent.length, 5)
    const { rows } = await database.pool.query(
      `SELECT DISTINCT extract(hour FROM not_before AT TIME ZONE 'Asia/Shanghai')::int AS hour, not_before > now() AS later
       FROM notice WHERE not_before IS NOT NULL`,
    )
    t.strictSame(rows, [{ hour: 0, later: true }])
  }),
)

t.test('the daily cap holds while texts come as others leave', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre }, rules: { ...rules, dailyCap: 3 } })
    const people = Array.from({ length: 30 }, (_, i) => `139000000${10 + i}`)
    for (let n = 0; n < 5; n++)
      await Promise.all(people.map((subscriber, i) => office.post(textTo(100 * n + i, { to: { subscriber } }))))
    const seen = async () =>
      (
        await database.pool.query<{ held: number; sent: number }>(
          `SELECT count(*) FILTER (WHERE not_before IS NOT NULL)::int AS held,
                  count(*) FILTER (WHERE state = 'accepted')::int AS sent FROM notice`,
        )
      ).rows[0]
    await eventually('each is sent or held', async () => {
      const { held = 0, sent = 0 } = (await seen()) ?? {}
      return held + sent === 150
    })
    t.strictSame(await seen(), { held: 60, sent: 90 })
  }),
)

t.test('an expired text never leaves, and a cancelled one neither', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    centre.ready = false
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const expiring = await office.post(textTo(1, { expiresAt: new Date(Date.now() + 200) }))
    const cancelled = await office.post(textTo(2))
    const sent = await office.post(textTo(3))
    t.equal(await office.cancel(cancelled.id), true)
    t.equal(await office.cancel(cancelled.id), false)
    t.equal(await office.cancel('00000000-0000-4000-8000-000000000000'), null)
    await reaches(database, expiring.id, 'expired')
    centre.ready = true
    office.arrived('sms', '')
    await reaches(database, sent.id, 'accepted')
    t.equal(await office.cancel(sent.id), false)
    t.strictSame(centre.texts(), ['text 3'])
    t.strictSame(await story(database, cancelled.id), ['queued', 'expired', 'is expired'])
    t.strictSame(await story(database, expiring.id), ['queued', 'expired', 'is expired'])
  }),
)

t.test('pictures go by the adapter for pictures, and without one the words go alone', (t) =>
  forEachDatabase(t, async (t, database) => {
    const attachments = attachmentsIn(t)
    const content = Buffer.from('a picture')
    const sha256 = createHash('sha256').update(content).digest('hex')
    await attachments.keep(sha256, content)
    const words = new Centre('sp1')
    const pictures = new Centre('sp2', 'mms')
    const media = [{ sha256, name: 'a.jpg', mediaType: 'image/jpeg' }]
    const { office } = openOffice(t, database, { texts: { sms: words, mms: pictures }, attachments })
    const { id } = await office.post(textTo(1, { media }))
    await reaches(database, id, 'accepted')
    t.match(pictures.sent[0]?.part.whole.attachments, [{ name: 'a.jpg', mediaType: 'image/jpeg', content }])
    t.equal(words.sent.length, 0)
    pictures.answer = async () => ({ outcome: 'rejected', reason: 'too large' })
    const again = await office.post(textTo(2, { media }))
    await reaches(database, again.id, 'accepted')
    t.strictSame(words.texts(), ['text 2'])
    t.strictSame(words.sent[0]?.part.whole.attachments, [])
    await t.rejects(office.post(textTo(3, { media: [{ ...media[0], sha256: '0'.repeat(64) } as never] })), {
      message: /no attachment/,
    })
  }),
)

t.test('an answer of the intake is sent back the way the report came, else by whatever sends texts', (t) =>
  forEachDatabase(t, async (t, database) => {
    const first = new Centre('sp1')
    const second = new Centre('sp2')
    openOffice(t, database, { texts: { a: first, b: second }, shared: false })
    const draft = {
      id: '01a2080d-0cc9-7658-9596-5faf8e86bd36',
      idempotencyKey: 'answer 1',
      to: { subscriber: citizenUri },
      adapter: 'b',
      template: 'received',
      fields: { queryNumber: 'Q7', category: '井盖' },
      intentId: null,
      urgent: false,
      extension: '17',
      expiresAt: null,
    }
    const rows = emptyRows()
    const answer = noticeOf(draft, smallCity, new Date())
    const web = noticeOf(
      { ...draft, id: '01a2080d-0cc9-7658-9596-5faf8e86bd37', idempotencyKey: 'answer 2', adapter: 'web' },
      smallCity,
      new Date(),
    )
    if (answer === null || web === null) throw new Error('the city has the template')
    rows.notices.push(answer, web)
    await writeBatch(database.pool, rows, 'one')
    await writeBatch(database.pool, rows, 'one')
    await reaches(database, answer.id, 'accepted')
    t.strictSame(
      [...new Set(second.sent.map(({ part }) => part.whole))].map(({ text, extension }) => ({ text, extension })),
      [{ text: '已收到您的反映，查询号Q7。', extension: '17' }],
    )
    await reaches(database, web.id, 'accepted')
    t.match(await story(database, web.id), ['queued', '1:queued', '1:sending', '1:accepted'])
    t.ok(first.sent.length > 0)
    t.equal(noticeOf({ ...draft, template: 'nothing' }, smallCity, new Date()), null)
    t.equal(noticeOf({ ...draft, fields: {} }, smallCity, new Date()), null)
  }),
)

t.test('where nothing sends texts a request is refused, and an answer ends on the operator’s list', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { office } = openOffice(t, database, { shared: false })
    await t.rejects(office.post(textTo(1)), { code: 'NOTICE_INVALID', message: /no way to this citizen/ })
    const answer = noticeOf(
      {
        id: '01a2080d-0cc9-7658-9596-5faf8e86bd36',
        idempotencyKey: 'answer 1',
        to: { subscriber: citizenUri },
        adapter: 'web',
        template: 'received',
        fields: { queryNumber: 'Q7' },
        intentId: null,
        urgent: false,
        extension: null,
        expiresAt: null,
      },
      smallCity,
      new Date(),
    )
    if (answer === null) throw new Error('the city has the template')
    const rows = emptyRows()
    rows.notices.push(answer)
    await writeBatch(database.pool, rows, 'one')
    await reaches(database, answer.id, 'listed')
  }),
)
