import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { addReporters } from '../gateway/http/reporters.ts'
import type { RouteOptions } from '../gateway/http/route-options.ts'
import { createHttp } from '../gateway/http/server.ts'
import { Metrics } from '../gateway/metrics.ts'
import type { Database } from '../gateway/store/database.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { Centre, dlr, openOffice, reaches, story, textTo } from './notice-stage.ts'

t.setTimeout(280_000)

interface Waiting {
  readonly intentId: string
  readonly queryNumber: string
  readonly subject: string
  readonly reason: string
  readonly stage: string | null
  readonly noticeState: string | null
}

async function routes(t: Test, { pool }: Database): Promise<FastifyInstance> {
  const app = await createHttp({ apiToken: null, log: silent, metrics: new Metrics(), unready: async () => null })
  addReporters(app, { pool, desk: { gateway: 'one' } } as unknown as RouteOptions)
  t.teardown(() => app.close())
  return app
}

async function waiting(app: FastifyInstance, query = ''): Promise<{ reporters: Waiting[]; next: string | null }> {
  return (await app.inject(`/reporters/open${query}`)).json()
}

/** Somebody wrote, so many minutes ago. */
async function wrote(
  { pool }: Database,
  n: number,
  minutesAgo: number,
  subject = `tel:+8613800138${n}`,
): Promise<string> {
  const id = randomUUID()
  await pool.query(
    `INSERT INTO correspondence (intent_id, query_number, subject, adapter, recipient, received_at)
     VALUES ($1, $2, $3, 'sms', '10612319', now() - make_interval(mins => $4))`,
    [id, `Q${n}`, subject, minutesAgo],
  )
  return id
}

async function marks({ pool }: Database, intentId: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query(
    `SELECT answered_at IS NOT NULL AS answered, told_at IS NOT NULL AS told, stage, stage_text AS "stageText",
       case_number AS "caseNumber", closed_why AS "closedWhy" FROM correspondence WHERE intent_id = $1`,
    [intentId],
  )
  return rows[0] ?? {}
}

t.test('a reporter waits until answered and told, and is told what the core last said', (t) =>
  forEachDatabase(t, async (t, database) => {
    const app = await routes(t, database)
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const later = await wrote(database, 101, 5)
    const intentId = await wrote(database, 100, 10)
    t.match(await waiting(app), {
      reporters: [
        { intentId, reason: 'unanswered', subject: 'tel:…8100', queryNumber: 'Q100' },
        { intentId: later, reason: 'unanswered' },
      ],
    })
    t.equal((await waiting(app, '?numbers=shown')).reporters[0]?.subject, 'tel:+8613800138100')

    const answer = await office.post(textTo(1, { to: { reporterOf: intentId }, text: null, template: 'received' }))
    await reaches(database, answer.id, 'accepted')
    t.match(await marks(database, intentId), { answered: true, told: false, stage: null })
    t.match(await waiting(app), { reporters: [{ intentId, reason: 'untold' }, { intentId: later }] })
    t.equal(centre.sent.map(({ part }) => part.text).join(''), '已收到您的反映，查询号Q100。')

    const result = await office.post(
      textTo(2, {
        to: { queryNumber: 'Q100' },
        text: null,
        template: 'rejected',
        fields: { reason: '不属城管职责' },
        caseNumber: 'A-17',
      }),
    )
    await reaches(database, result.id, 'accepted')
    t.match(await marks(database, intentId), { told: true, stage: 'rejected', caseNumber: 'A-17' })
    t.match((await waiting(app)).reporters, [{ intentId: later }])
    t.equal((await waiting(app)).reporters.length, 1)

    // The core thinks again, and only says so: told of the first word, not of this one.
    const said = await app.inject({
      method: 'PUT',
      url: `/intents/${intentId}/case`,
      payload: { stage: 'closed', text: '已修复', caseNumber: 'A-18' },
    })
    t.equal(said.statusCode, 200)
    t.match(await marks(database, intentId), { stage: 'closed', stageText: '已修复', caseNumber: 'A-18' })
    t.match((await waiting(app)).reporters[0], { intentId, reason: 'untold', stage: 'closed' })
    const older = { stage: 'rejected', at: '2020-01-01T00:00:00Z' }
    await app.inject({ method: 'PUT', url: `/intents/${intentId}/case`, payload: older })
    t.match(await marks(database, intentId), { stage: 'closed' }, 'an older word changes nothing')
    const closed = await office.post(textTo(3, { to: { reporterOf: intentId }, text: null, template: 'closed' }))
    await reaches(database, closed.id, 'accepted')
    t.match((await waiting(app)).reporters, [{ intentId: later }])
  }),
)

t.test('the core’s word stays though nothing can be sent, and who cannot be reached is said', (t) =>
  forEachDatabase(t, async (t, database) => {
    const app = await routes(t, database)
    const stage = await IntakeStage.open(t, database)
    const centre = new Centre()
    centre.answer = async () => ({ outcome: 'rejected', reason: 'no such number' })
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const intentId = await wrote(database, 100, 10)
    const told = textTo(1, {
      to: { reporterOf: intentId },
      text: null,
      template: 'rejected',
      fields: { reason: '重复' },
    })
    const { id } = await office.post(told)
    await reaches(database, id, 'listed')
    t.match(await marks(database, intentId), { told: false, stage: 'rejected' })
    t.match((await waiting(app)).reporters, [{ intentId, reason: 'unreachable', noticeState: 'listed' }])
    centre.answer = async (part) => centre.take(part)
    await office.resolve(id, 'send-again')
    await reaches(database, id, 'accepted')
    t.match(await marks(database, intentId), { told: true })
    await stage.say('there', dlr('sp1-1', 'delivered'))
    t.strictSame((await waiting(app)).reporters, [])
  }),
)

t.test('a reporter who wants none, or is seen to by other means, is closed with the reason', (t) =>
  forEachDatabase(t, async (t, database) => {
    const app = await routes(t, database)
    const [one, two] = [await wrote(database, 100, 10), await wrote(database, 101, 5)]
    const none = { stage: 'closed', text: '已办结', feedback: 'none' }
    t.equal((await app.inject({ method: 'PUT', url: `/intents/${one}/case`, payload: none })).statusCode, 200)
    t.match(await marks(database, one), { stage: 'closed', closedWhy: 'no feedback wanted: 已办结' })
    const close = (id: string, why: string) =>
      app.inject({ method: 'POST', url: `/reporters/${id}/close`, payload: { why } })
    t.equal((await close(two, '电话回复')).statusCode, 200)
    t.equal((await close(two, '又一次')).statusCode, 200)
    t.match(await marks(database, two), { closedWhy: '电话回复' }, 'the first reason stays')
    t.strictSame((await waiting(app)).reporters, [])
    t.equal((await close(randomUUID(), 'x')).statusCode, 404)
    const nobody = { method: 'PUT', url: `/intents/${randomUUID()}/case`, payload: { stage: 'closed' } } as const
    t.equal((await app.inject(nobody)).statusCode, 404)
    for (const payload of [{}, { stage: 'Not a word' }, { stage: 'closed', feedback: 'some' }])
      t.equal((await app.inject({ method: 'PUT', url: `/intents/${one}/case`, payload })).statusCode, 400)
  }),
)

t.test('many who wait are read page by page, each once', (t) =>
  forEachDatabase(t, async (t, database) => {
    const app = await routes(t, database)
    const ids: string[] = []
    for (let n = 0; n < 25; n++) ids.push(await wrote(database, n, 100 - Math.floor(n / 5)))
    const seen: string[] = []
    let after = ''
    for (;;) {
      const { reporters, next } = await waiting(app, `?limit=7${after}`)
      seen.push(...reporters.map(({ intentId }) => intentId))
      if (reporters.length < 7) break
      after = `&after=${next}`
    }
    t.equal(seen.length, 25)
    t.strictSame([...seen].sort(), [...ids].sort())
    t.equal((await app.inject('/reporters/open?after=nonsense')).statusCode, 400)
  }),
)

t.test('a template that lacks a field, or gets one too many, is refused and nothing is stored', (t) =>
  forEachDatabase(t, async (t, database) => {
    const centre = new Centre()
    const { office } = openOffice(t, database, { texts: { sms: centre } })
    const intentId = await wrote(database, 100, 10)
    const to = { reporterOf: intentId }
    const wrong = [
      [{ template: 'rejected', text: null }, /template rejected needs the field "reason"/],
      [{ template: 'closed', text: null, fields: { reason: 'x' } }, /template closed has no field "reason"/],
      [{ template: 'nothing', text: null }, /no template "nothing"/],
      [{ template: 'closed', text: 'and a text' }, /both a template and a text/],
      [{ text: null }, /neither a template nor a text/],
    ] as const
    for (const [changes, message] of wrong)
      await t.rejects(office.post(textTo(1, { to, ...changes })), { code: 'NOTICE_WORDS', message })
    await t.rejects(office.post(textTo(1, { to: { reporterOf: randomUUID() } })), { code: 'NOTICE_INVALID' })
    await t.rejects(office.post(textTo(1, { to: { queryNumber: 'none' } })), { code: 'NOTICE_INVALID' })
    const web = await wrote(database, 101, 5, 'web:17')
    await t.rejects(office.post(textTo(1, { to: { reporterOf: web } })), { message: /left no number/ })
    const { rows } = await database.pool.query('SELECT 1 FROM notice')
    t.strictSame(rows, [])
    t.match(await marks(database, intentId), { stage: null })
    const free = await office.post(textTo(1, { to, text: '请拨12319' }))
    await reaches(database, free.id, 'accepted')
    t.match(await marks(database, intentId), { answered: true, told: false })
    t.equal((await story(database, free.id)).at(-1), 'is accepted')
  }),
)
