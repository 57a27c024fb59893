import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { PopUps } from '../gateway/calls/pop-ups.ts'
import { CallSettlement } from '../gateway/calls/settle.ts'
import { addCalls } from '../gateway/http/calls.ts'
import type { RouteOptions } from '../gateway/http/route-options.ts'
import { addSeatCalls } from '../gateway/http/seat-calls.ts'
import { createHttp } from '../gateway/http/server.ts'
import { Metrics } from '../gateway/metrics.ts'
import type { Report } from '../gateway/report.ts'
import { callGauges } from '../gateway/store/calls.ts'
import type { Database } from '../gateway/store/database.ts'
import { keepUp } from '../gateway/store/upkeep.ts'
import { answeredCall, caller, callForm, piece } from './call-stage.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { smallCity } from './small-city.ts'

t.setTimeout(280_000)

interface Event {
  readonly id: string
  readonly event: string
  readonly data: {
    readonly caller: string | null
    readonly call: string
    readonly leg: string
    readonly reports: { state: string }[]
  }
}

/** A seat's browser, as far as events go. */
class Seat {
  readonly events: Event[] = []
  readonly #abort = new AbortController()
  #rest = ''
  #woken = () => {}

  static async listen(t: Test, http: string, seat: string, after?: string): Promise<Seat> {
    const self = new Seat()
    t.teardown(() => self.leave())
    const headers = after === undefined ? {} : { 'last-event-id': after }
    const answer = await fetch(`${http}/seats/${seat}/calls`, { headers, signal: self.#abort.signal })
    t.match(answer.headers.get('content-type'), /^text\/event-stream/)
    void self.#read(answer).catch(() => {})
    return self
  }

  leave(): void {
    this.#abort.abort()
  }

  async next(n: number): Promise<Event[]> {
    const deadline = Date.now() + 20_000
    while (this.events.length < n) {
      if (Date.now() > deadline) throw new Error(`only ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        this.#woken = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.events
  }

  async #read(answer: Response): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) {
      const blocks = (this.#rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n')
      this.#rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]))
        const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
        if (id !== undefined && event !== undefined && data !== undefined)
          this.events.push({ id, event, data: JSON.parse(data) })
      }
      this.#woken()
    }
  }
}

t.test('calls over HTTP', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool } = database
    t.beforeEach(async () => {
      await pool.query(
        'TRUNCATE message, message_key, intent, outbox, tally, call_leg, call, call_form, correspondence CASCADE',
      )
    })
    let said = 0
    const say = (stage: IntakeStage, ...reports: Report[]) => stage.say(`m${++said}`, ...reports)

    await t.test('a seat is shown what happens at it, by whichever gateway hears it', async (t) => {
      const { http, popUps } = await serve(t, database)
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      const two = await IntakeStage.open(t, database, { gateway: 'two' })
      const at = new Date()
      await say(one, callForm('earlier', { caller, text: '路灯不亮' }))
      const seat = await Seat.listen(t, http, '8001')
      const other = await Seat.listen(t, http, '8002')
      await say(one, piece('a', { call: 'a', caller, called: '1231902', startedAt: at }))
      await say(one, piece('b', { call: 'a', seat: '8001', ringingAt: at }))
      popUps.wake()
      t.match(await seat.next(1), [
        {
          event: 'ring',
          data: {
            call: 'a',
            caller,
            called: '1231902',
            reports: [{ text: '路灯不亮', state: /已登记/, queryNumber: String }],
          },
        },
      ])
      await say(two, piece('b', { call: 'a', seat: '8001', answeredAt: at }))
      t.match((await seat.next(2))[1], { event: 'answer', data: { leg: 'b' } })
      await say(two, piece('b', { call: 'a', seat: '8001', endedAt: at, ending: 'answered' }))
      t.match((await seat.next(3))[2], { event: 'end' })
      t.strictSame(other.events, [])
    })

    await t.test('who comes back is shown what happened meanwhile; who comes anew, what goes on', async (t) => {
      const { http } = await serve(t, database)
      const stage = await IntakeStage.open(t, database)
      const at = new Date()
      await say(stage, piece('old', { call: 'old', caller, seat: '8001', endedAt: at, ending: 'answered' }))
      await say(stage, piece('b', { call: 'b', caller, seat: '8001', ringingAt: at }))
      const first = await Seat.listen(t, http, '8001')
      const [ring] = await first.next(1)
      t.match(ring, { event: 'ring', data: { call: 'b' } })
      first.leave()
      await say(stage, piece('b', { call: 'b', caller, seat: '8001', endedAt: at, ending: 'no-answer' }))
      const again = await Seat.listen(t, http, '8001', ring?.id)
      await again.next(2)
      t.ok(again.events.some(({ event, data }) => event === 'end' && data.call === 'b'))
      const fresh = await Seat.listen(t, http, '8001', 'no cursor at all')
      await say(stage, piece('c', { call: 'c', caller, seat: '8001', ringingAt: at }))
      t.match(await fresh.next(1), [{ event: 'ring', data: { call: 'c' } }])
    })

    await t.test('streams are bounded, and end with whoever left', async (t) => {
      const { http, popUps } = await serve(t, database)
      const seats: Seat[] = []
      for (let i = 0; i < 8; i++) seats.push(await Seat.listen(t, http, '8001'))
      const ninth = await fetch(`${http}/seats/8001/calls`)
      t.equal(ninth.status, 503)
      t.equal((await fetch(`${http}/seats/${'9'.repeat(90)}/calls`, { method: 'POST' })).status, 404)
      for (const seat of seats) seat.leave()
      const deadline = Date.now() + 10_000
      while (popUps.listening('8001').all > 0 && Date.now() < deadline)
        await new Promise((resolve) => setImmediate(resolve))
      t.equal(popUps.listening('8001').all, 0)
    })

    await t.test('who does not read is cut off', async (t) => {
      const { http, popUps } = await serve(t, database)
      const stage = await IntakeStage.open(t, database)
      const { port } = new URL(http)
      const socket = connect(Number(port), '127.0.0.1')
      t.teardown(() => socket.destroy())
      await once(socket, 'connect')
      socket.write('GET /v1/seats/8001/calls HTTP/1.1\r\nhost: x\r\n\r\n')
      await once(socket, 'readable')
      socket.pause()
      const long = '说'.repeat(3_000)
      for (let i = 0; i < 5; i++) await say(stage, callForm(`f${i}`, { caller, text: long }))
      const deadline = Date.now() + 100_000
      for (let i = 0; popUps.listening('8001').all > 0 && Date.now() < deadline; i++) {
        const rings = Array.from({ length: 100 }, (_, n) =>
          piece(`x${i}-${n}`, { call: `x${i}-${n}`, caller, seat: '8001', ringingAt: new Date() }),
        )
        await say(stage, ...rings)
        popUps.wake()
      }
      t.equal(popUps.listening('8001').all, 0)
    })

    await t.test('a call is found by any id of it, with its intents; lists and figures count it', async (t) => {
      const { http } = await serve(t, database)
      const stage = await IntakeStage.open(t, database)
      const at = new Date(Date.now() - 120_000)
      for (const id of ['a', 'b', 'c']) await say(stage, ...answeredCall(id, at).records)
      await say(stage, piece('lost', { call: 'lost', caller, startedAt: at, endedAt: at, ending: 'abandoned' }))
      await say(stage, piece('no', { call: 'no', heard: 'record', startedAt: at, endedAt: at, ending: 'refused' }))
      await say(stage, callForm('a-b', { text: '路灯不亮' }))
      await say(stage, callForm('a', { text: '井盖丢了' }))
      await say(stage, callForm('never', { text: '垃圾' }))
      const get = async (path: string) => (await fetch(`${http}${path}`)).json()
      t.match(await get('/calls/pbx/a-b'), { call: { call: 'a' }, settled: null }, 'before it is settled, too')
      await new CallSettlement({
        ...{ desk: stage.desk, log: silent, posted: () => {}, unrecorded: () => {}, now: () => Date.now() + 31_000 },
        limits: { settleAfterMs: 30_000, giveUpAfterMs: 21_600_000 },
      }).look()
      t.match(await get('/calls/pbx/a-b'), {
        call: { call: 'a', seat: '8001', talkS: 60, legs: [{ leg: 'a' }, { leg: 'a-b' }] },
        settled: { revision: 1 },
        intents: [{ intent: { text: '路灯不亮' } }, { intent: { text: '井盖丢了' } }],
      })
      t.equal((await fetch(`${http}/calls/pbx/never`)).status, 404)
      t.match(await get('/calls?ending=lost'), { calls: [{ call: 'lost', ending: 'lost' }] })
      const page = (await get('/calls?limit=2')) as { calls: unknown[]; next: string }
      t.equal(page.calls.length, 2)
      t.equal(((await get(`/calls?after=${page.next}`)) as { calls: unknown[] }).calls.length, 3)
      t.strictSame(await get('/calls/figures'), {
        ...{
          calls: 5,
          byEnding: { answered: 3, lost: 1, refused: 1 },
          byHeard: { record: 4, live: 1 },
          byDistrict: {},
        },
        ...{ talkS: 180, withForm: 1, forms: 3, formsWithoutCall: 1 },
      })
      t.match(await get(`/calls/figures?from=${new Date().toISOString()}`), { calls: 0 })
      t.match((await callGauges(pool)).forms, [
        { outcome: String, n: Number },
        { outcome: String, n: Number },
      ])
      const dayMs = 86_400_000
      const long = { messagesMs: dayMs, positionsMs: dayMs, settledMs: dayMs, keysMs: dayMs, reportersMs: dayMs }
      const retention = { ...long, incidentsMs: dayMs, callsMs: 9 * dayMs }
      await keepUp({ database, retention, log: silent, now: () => Date.now() + 8 * dayMs })
      t.match(await get('/calls/figures'), { calls: 5, forms: 3 })
      await keepUp({ database, retention, log: silent, now: () => Date.now() + 10 * dayMs })
      t.match(await get('/calls/figures'), { calls: 0, forms: 0 })
      t.equal(await database.prisma.callLeg.count(), 0)
    })
  }),
)

async function serve(t: Test, database: Database): Promise<{ http: string; popUps: PopUps; app: FastifyInstance }> {
  const { pool, prisma } = database
  const popUps = new PopUps({ pool, log: silent, city: () => smallCity, leastMs: 0 })
  const app = await createHttp({ apiToken: null, log: silent, metrics: new Metrics(), unready: async () => null })
  const options = {
    pool,
    prisma,
    popUps,
    desk: { understanding: () => ({ city: smallCity }) },
  } as unknown as RouteOptions
  await app.register(
    async (scope) => {
      addCalls(scope, options)
      addSeatCalls(scope, options)
    },
    { prefix: '/v1' },
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    await popUps.stop()
    await app.close()
  })
  const { port } = app.server.address() as AddressInfo
  return { http: `http://127.0.0.1:${port}/v1`, popUps, app }
}
