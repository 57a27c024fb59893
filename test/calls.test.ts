import t from 'tap'
import { CallSettlement } from '../gateway/calls/settle.ts'
import type { CaseIntent } from '../gateway/case-intent.ts'
import type { Report } from '../gateway/report.ts'
import { audit } from '../gateway/store/ledger.ts'
import { answeredCall, caller, callForm, piece } from './call-stage.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'

t.setTimeout(280_000)

t.test('calls', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    t.beforeEach(async () => {
      await pool.query(
        'TRUNCATE message, message_key, intent, outbox, tally, call_leg, call, call_form, correspondence CASCADE',
      )
    })
    const recalled: [string, Date, Date][] = []
    const settlement = (stage: IntakeStage, aheadS: number) =>
      new CallSettlement({
        ...{
          desk: stage.desk,
          log: silent,
          posted: () => {},
          limits: { settleAfterMs: 30_000, giveUpAfterMs: 21_600_000 },
        },
        now: () => Date.now() + aheadS * 1000,
        unrecorded: (...asked) => recalled.push(asked),
      })
    const at = new Date(Date.now() - 120_000)
    let said = 0
    const say = (stage: IntakeStage, ...reports: Report[]) => stage.say(`m${++said}`, ...reports)
    const events = async () => {
      const rows = await prisma.outbox.findMany({ where: { type: 'call' }, orderBy: { seq: 'asc' } })
      return rows.map(({ body }) => (JSON.parse(body) as { data: { call: string; revision: number } }).data)
    }

    await t.test('legs of a call are joined when nothing more is said of it', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const { live, records } = answeredCall('a1', at)
      for (const report of [...live, ...records]) t.equal(await say(stage, report), 'stored')
      t.equal(await settlement(stage, 29).look(), 0)
      t.equal(await settlement(stage, 31).look(), 1)
      t.equal(await settlement(stage, 32).look(), 0)
      const [call] = await prisma.call.findMany()
      t.match(call, {
        ...{ exchange: 'pbx', call: 'a1', caller, called: '1231902', seat: '8001', ending: 'answered', heard: 'both' },
        ...{ talkS: 60, startedAt: at, revision: 1, ids: ['a1', 'a1-b'] },
        data: { digits: '2', direction: 'inbound', recording: '/rec/a1.wav', remarks: [] },
      })
      t.match(await events(), [{ call: 'a1', revision: 1, legs: 2, seats: [{ seat: '8001' }] }])
      t.strictSame((await audit(pool)).faults, [])
    })

    await t.test('pieces in any order, twice, by two gateways at once: the same rows', async (t) => {
      const stages = [
        await IntakeStage.open(t, database, { gateway: 'one' }),
        await IntakeStage.open(t, database, { gateway: 'two' }),
      ] as const
      const { live, records } = answeredCall('a', at)
      const odd = piece('a-b', { call: 'a-b', seat: '8002', heard: 'live' })
      const pieces = [...live, ...records, odd]
      const rowsNow = async () => {
        const legs = await prisma.callLeg.findMany({ orderBy: { leg: 'asc' } })
        return legs.map(({ leg, call, callRank, seat, facts }) => ({ leg, call, callRank, seat, facts }))
      }
      let expected: unknown = null
      for (let round = 0; round < 6; round++) {
        await pool.query('TRUNCATE call_leg, message, message_key')
        const shuffled = [...pieces, ...pieces]
          .map((report) => ({ report, by: Math.sin(said + round) * 1000 + Math.random() }))
          .sort((x, y) => x.by - y.by)
        await Promise.all(shuffled.map(({ report }, i) => say(stages[i % 2 === 0 ? 0 : 1], report)))
        expected ??= await rowsNow()
        t.strictSame(await rowsNow(), expected, `round ${round}`)
      }
      t.match(expected, [
        { leg: 'a', call: 'a' },
        { leg: 'a-b', call: 'a', callRank: 0, seat: '8001' },
      ])
    })

    await t.test('what comes late makes a new revision, and never a second call', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const { live, records } = answeredCall('a', at)
      await say(stage, ...live)
      recalled.length = 0
      t.equal(await settlement(stage, 31).look(), 1)
      t.match(await prisma.call.findMany(), [{ heard: 'live', revision: 1 }])
      t.match(recalled, [['pbx', at, new Date(at.getTime() + 69_000)]], 'its record is missed')
      await say(stage, ...records)
      t.equal(await settlement(stage, 62).look(), 1)
      t.match(await prisma.call.findMany(), [{ heard: 'both', revision: 2, data: { recording: '/rec/a.wav' } }])
      t.match(await events(), [
        { revision: 1, heard: 'live' },
        { revision: 2, heard: 'both' },
      ])
      t.equal(recalled.length, 1)
    })

    await t.test('a leg that turns out to be part of another call takes its call along', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, piece('b', { call: 'b', seat: '8001', endedAt: at, ending: 'answered' }))
      await settlement(stage, 31).look()
      await say(stage, piece('b', { call: 'a', heard: 'record', seat: '8001', endedAt: at, ending: 'answered' }))
      await say(stage, piece('a', { call: 'a', heard: 'record', caller, endedAt: at, ending: 'answered' }))
      t.equal(await settlement(stage, 62).look(), 2)
      t.match(await prisma.call.findMany({ orderBy: { call: 'asc' } }), [
        { call: 'a', mergedInto: null, ids: ['a', 'b'], seat: '8001' },
        { call: 'b', mergedInto: 'a', revision: 2 },
      ])
    })

    await t.test('a call that never ends is settled at last, with a remark', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, piece('a', { caller, startedAt: at }))
      t.equal(await settlement(stage, 31).look(), 0)
      t.equal(await settlement(stage, 21_000).look(), 0)
      t.equal(await settlement(stage, 21_700).look(), 1)
      t.match(await prisma.call.findMany(), [{ ending: 'lost', data: { remarks: [{ reason: 'never-ended' }] } }])
    })

    await t.test('a call that waits for its end is settled as soon as it is told', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, piece('a', { caller, startedAt: at }))
      await settlement(stage, 31).look()
      await say(stage, piece('a', { caller, endedAt: at, ending: 'abandoned' }))
      t.equal(await settlement(stage, 62).look(), 1)
      t.match(await prisma.call.findMany(), [{ ending: 'lost' }])
    })

    await t.test('two gateways settle a call once', async (t) => {
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      const two = await IntakeStage.open(t, database, { gateway: 'two' })
      for (let i = 0; i < 20; i++) await say(one, ...answeredCall(`c${i}`, at).records)
      const written = await Promise.all([one, two, one, two].map((stage) => settlement(stage, 31).look()))
      t.equal(
        written.reduce((sum, n) => sum + n, 0),
        20,
      )
      t.equal(await prisma.call.count({ where: { revision: 1 } }), 20)
      t.equal((await events()).length, 20)
    })

    await t.test('times that cannot be are not believed', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const record = { heard: 'record', ending: 'answered' } as const
      const [old, next] = [new Date(0), new Date(Date.now() + 366 * 86_400_000)]
      await say(stage, piece('a', { ...record, startedAt: old, answeredAt: at, endedAt: next }))
      await settlement(stage, 31).look()
      const [call] = await prisma.call.findMany()
      t.match(call, { startedAt: at, endedAt: null })
      t.match(call?.data, {
        remarks: [
          { reason: 'ancient-time', detail: /^startedAt 1970/ },
          { reason: 'future-time', detail: /^endedAt / },
        ],
      })
    })

    await t.test("a seat's form becomes an intent with what the call says", async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, ...answeredCall('a', at).live)
      await say(stage, callForm('a-b', { seat: '8001', text: '琼花路有人乱倒垃圾', name: '王女士', number: 'F-7' }))
      const [row] = await prisma.intent.findMany()
      const intent = row?.data as unknown as CaseIntent
      t.match(intent, {
        ...{ purpose: 'report', source: 'citizen', number: 'F-7', queryNumber: String, channel: 'test' },
        reporter: { kind: 'citizen', id: caller, name: '王女士' },
        call: { exchange: 'pbx', id: 'a', seat: '8001' },
        occurredAt: { at: at.toISOString(), origin: 'device' },
      })
      t.match(await prisma.correspondence.findMany(), [{ subject: caller, intentId: intent.id, recipient: '1231902' }])
      await settlement(stage, 31).look()
      t.match(await events(), [{ call: 'a', intents: [intent.id] }])
      t.strictSame((await audit(pool)).faults, [])
    })

    await t.test('a form in one message with its call, and one for a call that never was', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, callForm('a', { text: '路灯不亮' }), ...answeredCall('a', at).records)
      await say(stage, callForm('nowhere', { caller, text: '井盖丢了' }))
      const intents = (await prisma.intent.findMany({ orderBy: { seq: 'asc' } })).map(
        ({ data }) => data as unknown as CaseIntent,
      )
      t.match(intents[0]?.reporter, { id: caller })
      t.notOk(intents[0]?.remarks.some(({ reason }) => reason === 'unknown-call'))
      t.match(intents[1], { reporter: { id: caller }, call: { id: 'nowhere' } })
      t.match(intents[1]?.remarks, [{ reason: 'unknown-call', detail: 'pbx/nowhere' }])
      t.match(await prisma.tally.findMany({ where: { what: 'call-form' }, orderBy: { reason: 'asc' } }), [
        { reason: 'joined', n: 1n },
        { reason: 'unknown-call', n: 1n },
      ])
    })
  }),
)
