import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { addNotices } from '../gateway/http/notices.ts'
import type { RouteOptions } from '../gateway/http/route-options.ts'
import { createHttp } from '../gateway/http/server.ts'
import { Metrics } from '../gateway/metrics.ts'
import type { Database } from '../gateway/store/database.ts'
import { noticeGauges } from '../gateway/store/notice-requests.ts'
import { forEachDatabase, silent } from './database.ts'
import { Centre, openOffice, reaches } from './notice-stage.ts'

t.setTimeout(280_000)

async function open(t: Test, database: Database, centre: Centre): Promise<{ app: FastifyInstance; metrics: Metrics }> {
  const { office } = openOffice(t, database, { texts: { sms: centre } })
  const metrics = new Metrics()
  metrics.watch(
    () => 0,
    async () => [],
    [],
    () => noticeGauges(database.pool),
    async () => ({ open: [], totals: [] }),
    async () => ({ calls: [], forms: [] }),
  )
  const app = await createHttp({ apiToken: null, log: silent, metrics, unready: async () => null })
  addNotices(app, { office, prisma: database.prisma } as unknown as RouteOptions)
  t.teardown(() => app.close())
  return { app, metrics }
}

const post = (app: FastifyInstance, key: string, payload: object) =>
  app.inject({ method: 'POST', url: '/notices', headers: { 'idempotency-key': key }, payload })

t.test('a text is posted, looked at with its parts, and cancelled while it has not left', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const { app } = await open(t, database, centre)
    const wanted = { to: { subscriber: '138 0013 8000' }, text: '您好，这是一条测试短信', urgent: true }
    const first = await post(app, 'one', wanted)
    t.equal(first.statusCode, 202)
    const { id, ids } = first.json<{ id: string; ids: string[] }>()
    t.strictSame(ids, [id])
    t.equal(first.headers.location, `/v1/notices/${id}`)
    t.equal((await post(app, 'one', wanted)).statusCode, 200)
    t.match((await post(app, 'one', { ...wanted, urgent: false })).json(), { code: 'NOTICE_INVALID' })
    await reaches(database, id, 'accepted')
    t.match((await app.inject(`/notices/${id}`)).json(), {
      addressee: 'tel:+8613800138000',
      audience: 'citizen',
      state: 'accepted',
      states: [{ state: 'queued' }, { state: 'sending' }, { state: 'accepted', leg: 0 }],
      submissions: [
        { part: 1, parts: 2, account: 'sp1', messageId: 'sp1-1', state: 'accepted' },
        { part: 2, messageId: 'sp1-2' },
      ],
    })
    t.equal((await app.inject({ method: 'DELETE', url: `/notices/${id}` })).statusCode, 409)
    centre.ready = false
    const waiting = (await post(app, 'two', { to: { department: 'd1' }, text: 'x' })).json<{ ids: string[] }>()
    t.equal(waiting.ids.length, 2)
    for (const one of waiting.ids)
      t.equal((await app.inject({ method: 'DELETE', url: `/notices/${one}` })).statusCode, 200)
    t.equal((await app.inject({ method: 'DELETE', url: `/notices/${randomUUID()}` })).statusCode, 404)
  }),
)

t.test('what a request lacks is named, and nothing is stored', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { app } = await open(t, database, new Centre())
    const to = { subscriber: '13800138000' }
    const wrong: readonly (readonly [number, RegExp, object])[] = [
      [400, /either to or addressee/, { text: 'x' }],
      [400, /either to or addressee/, { to, addressee: 'h-1', text: 'x' }],
      [400, /fewer than 1 properties/, { to: {}, text: 'x' }],
      [400, /more than 1 properties/, { to: { ...to, device: 'h-1' }, text: 'x' }],
      [400, /must be a telephone number/, { to: { subscriber: 'me' }, text: 'x' }],
      [400, /"colour" is unknown here/, { to: { colour: 'red' }, text: 'x' }],
      [400, /neither a template nor a text/, { to }],
      [400, /needs the field "queryNumber", "reason"|needs the field "reason"/, { to, template: 'rejected' }],
      [400, /a device is told of which kind/, { to: { device: 'h-1' }, body: {} }],
      [400, /neither text nor template/, { to: { device: 'h-1' }, kind: 'task', body: {}, text: 'x' }],
      [409, /no department/, { to: { department: 'nobody' }, text: 'x' }],
      [409, /no reporter/, { to: { reporterOf: randomUUID() }, text: 'x' }],
      [409, /no way/, { to, text: 'x', adapter: 'another' }],
      [409, /no attachment/, { to, text: 'x', media: [{ sha256: 'a'.repeat(64) }] }],
      [400, /64 hexadecimal digits/, { to, text: 'x', media: [{ sha256: '../../etc/passwd' }] }],
      [400, /fields\/reason must be string/, { to, template: 'rejected', fields: { reason: { a: 1 } } }],
    ]
    for (const [status, message, payload] of wrong) {
      const answer = await post(app, 'one', payload)
      t.equal(answer.statusCode, status, JSON.stringify(payload))
      t.match(answer.json<{ error: string }>().error, message)
    }
    t.equal((await database.pool.query('SELECT 1 FROM notice')).rowCount, 0)
  }),
)

t.test('the operator sees what is listed and in doubt, counts it, and says what became of it', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    centre.answer = async (part) => {
      if (part.text === 'lost') throw new Error('no answer')
      return { outcome: 'rejected', reason: 'no such number' }
    }
    const { app, metrics } = await open(t, database, centre)
    const id = async (key: string, text: string) =>
      (await post(app, key, { to: { subscriber: '13800138000' }, text })).json<{ id: string }>().id
    const refused = await id('one', 'refused')
    const lost = await id('two', 'lost')
    await reaches(database, refused, 'listed')
    await reaches(database, lost, 'in-doubt')
    t.match((await app.inject('/notices')).json(), {
      notices: [{ id: refused, text: 'refused', last: { state: 'listed' } }],
      next: refused,
    })
    t.match((await app.inject('/notices?state=in-doubt')).json(), {
      notices: [{ id: lost, last: { detail: 'no answer' } }],
    })
    t.strictSame((await app.inject(`/notices?after=${refused}`)).json(), { notices: [], next: refused })
    const shown = await metrics.registry.metrics()
    t.match(shown, /chengguan_notices_operator\{state="in-doubt"\} 1/)
    t.match(shown, /chengguan_notices_operator\{state="listed"\} 1/)
    const say = (one: string, as: string) =>
      app.inject({ method: 'POST', url: `/notices/${one}/resolution`, payload: { as } })
    t.equal((await say(lost, 'perhaps')).statusCode, 400)
    t.equal((await say(randomUUID(), 'sent')).statusCode, 404)
    t.equal((await say(lost, 'sent')).statusCode, 200)
    t.equal((await say(lost, 'sent')).statusCode, 409)
    t.equal((await app.inject({ method: 'DELETE', url: `/notices/${refused}` })).statusCode, 200, 'off the list')
    t.strictSame((await app.inject('/notices')).json<{ notices: unknown[] }>().notices, [])
  }),
)
