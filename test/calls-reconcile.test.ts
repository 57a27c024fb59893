import t from 'tap'
import { Reconciliation } from '../gateway/calls/reconcile.ts'
import { CallSettlement } from '../gateway/calls/settle.ts'
import type { CallReport } from '../gateway/report.ts'
import { audit } from '../gateway/store/ledger.ts'
import { answeredCall } from './call-stage.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'

t.setTimeout(280_000)

/** An exchange that keeps its records, and an adapter that can ask for them when its link is up. */
class Exchange {
  readonly records: CallReport[] = []
  readonly asked: [Date, Date][] = []
  up = true
  readonly #stage: IntakeStage

  constructor(stage: IntakeStage) {
    this.#stage = stage
  }

  /** The key is the record's own, so that what is known already is a duplicate. */
  async tell(report: CallReport, key: string): Promise<void> {
    this.#stage.mean(key, [report])
    await this.#stage.accept(key)
  }

  async recall(from: Date, to: Date): Promise<void> {
    this.asked.push([from, to])
    if (!this.up) throw new Error('the exchange does not answer')
    for (const record of this.records)
      if (record.endedAt !== null && record.endedAt >= from && record.endedAt <= to)
        await this.tell(record, recordKey(record))
  }
}

const recordKey = ({ leg }: CallReport) => `record ${leg}`

/** The same numbers each time. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

t.test('what live events and records both lose is asked for again', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    t.beforeEach(async () => {
      await pool.query('TRUNCATE message, message_key, intent, outbox, tally, call_leg, call, call_form CASCADE')
    })
    const open = async (t: Parameters<Parameters<typeof forEachDatabase>[1]>[0]) => {
      const stage = await IntakeStage.open(t, database)
      const exchange = new Exchange(stage)
      const outcomes: string[] = []
      const clock = { ms: Date.now() }
      const reconciliation = new Reconciliation({
        limits: { recallEveryMs: 900_000, windowMs: 3_600_000 },
        log: silent,
        now: () => clock.ms,
        asked: (_adapter, outcome) => outcomes.push(outcome),
      })
      reconciliation.add({ name: 'pbx', exchange: 'pbx', recall: (from, to) => exchange.recall(from, to) })
      const settlement = new CallSettlement({
        ...{ desk: stage.desk, log: silent, posted: () => {}, now: () => clock.ms },
        limits: { settleAfterMs: 30_000, giveUpAfterMs: 21_600_000 },
        unrecorded: (...asked) => reconciliation.unrecorded(...asked),
      })
      return { stage, exchange, reconciliation, settlement, outcomes, clock }
    }

    await t.test('of 60 calls with a third of everything lost every one is found, once', async (t) => {
      const { exchange, reconciliation, settlement, clock } = await open(t)
      const random = dice(7)
      const begun = clock.ms - 1_800_000
      let lostLive = 0
      let lostBoth = 0
      for (let i = 0; i < 60; i++) {
        const { live, records } = answeredCall(`c${i}`, new Date(begun + i * 10_000))
        exchange.records.push(...records)
        const silence = random()
        const heard = silence < 0.3 ? [] : live.filter(() => random() > 0.33)
        const posted = silence < 0.15 ? [] : records.filter(() => random() > 0.33)
        lostLive += live.length - heard.length
        if (heard.length === 0 && posted.length === 0) lostBoth++
        for (const [n, report] of heard.entries()) await exchange.tell(report, `live c${i} ${n}`)
        for (const record of posted) await exchange.tell(record, recordKey(record))
      }
      t.ok(lostLive > 100 && lostBoth > 0, `${lostLive} live events lost, of ${lostBoth} calls everything`)
      reconciliation.linkChanged('pbx', { state: 'connected', to: 'pbx' })
      clock.ms += 31_000
      await settlement.look()
      await reconciliation.look()
      clock.ms += 61_000
      await settlement.look()
      const calls = await prisma.call.findMany({ where: { mergedInto: null } })
      t.equal(calls.length, 60)
      for (const call of calls)
        t.match(call, {
          ending: 'answered',
          talkS: 60,
          seat: '8001',
          caller: /138/,
          ids: [call.call, `${call.call}-b`],
        })
      t.equal(await prisma.call.count({ where: { heard: 'live' } }), 0, 'each has its record')
      t.ok((await prisma.tally.findMany({ where: { what: 'duplicate' } })).length > 0, 'what was known was a duplicate')
      t.strictSame((await audit(pool)).faults, [])
      const before = await prisma.outbox.count()
      await reconciliation.look()
      await settlement.look()
      t.equal(await prisma.outbox.count(), before, 'and then there is nothing more to tell')
    })

    await t.test('after a link was down it is asked for the time between, until it could be', async (t) => {
      const { exchange, reconciliation, outcomes, clock } = await open(t)
      reconciliation.linkChanged('pbx', { state: 'connected', to: 'pbx' })
      await reconciliation.look()
      t.equal(exchange.asked.length, 1, 'for the last window, at first')
      await reconciliation.look()
      t.equal(exchange.asked.length, 1)
      const downMs = clock.ms
      reconciliation.linkChanged('pbx', { state: 'down', reason: 'cut' })
      const [record] = answeredCall('gone', new Date(downMs - 30_000)).records
      if (record !== undefined) exchange.records.push(record)
      clock.ms += 7_200_000
      await reconciliation.look()
      t.equal(exchange.asked.length, 1, 'not while it is down')
      exchange.up = false
      reconciliation.linkChanged('pbx', { state: 'down', reason: 'still' })
      reconciliation.linkChanged('pbx', { state: 'connected', to: 'pbx' })
      await reconciliation.look()
      t.match(exchange.asked.at(-1), [new Date(downMs - 60_000), new Date(clock.ms)])
      await reconciliation.look()
      t.equal(exchange.asked.length, 2, 'not at once again')
      exchange.up = true
      clock.ms += 2_000
      await reconciliation.look()
      t.match(exchange.asked.at(-1), [new Date(downMs - 60_000), new Date(clock.ms - 2_000)])
      t.strictSame(outcomes, ['recalled', 'failed', 'recalled'])
      t.equal(await prisma.callLeg.count(), 1)
    })

    await t.test('what came while no gateway ran is asked for, back to the last that was heard', async (t) => {
      const { exchange, reconciliation, clock } = await open(t)
      reconciliation.resume(new Date(clock.ms - 50 * 3_600_000))
      await reconciliation.look()
      t.strictSame(exchange.asked, [], 'not before its link is up')
      reconciliation.linkChanged('pbx', { state: 'connected', to: 'pbx' })
      await reconciliation.look()
      t.match(exchange.asked, [[new Date(clock.ms - 50 * 3_600_000 - 60_000), new Date(clock.ms)]])
      reconciliation.resume(new Date(0))
      await reconciliation.look()
      t.match(exchange.asked[1], [new Date(clock.ms - 7 * 86_400_000)])
    })

    await t.test('one that does not answer holds up no other', async (t) => {
      const { exchange, reconciliation } = await open(t)
      reconciliation.add({ name: 'hangs', exchange: null, recall: () => new Promise(() => {}) })
      for (const name of ['hangs', 'pbx']) reconciliation.linkChanged(name, { state: 'connected', to: name })
      void reconciliation.look()
      void reconciliation.look()
      t.equal(exchange.asked.length, 1)
    })
  }),
)

t.test('only the exchange of a call without a record is asked for it', async (t) => {
  const asked: string[] = []
  let nowMs = Date.UTC(2026, 10, 26)
  const reconciliation = new Reconciliation({
    limits: { recallEveryMs: 900_000, windowMs: 3_600_000 },
    log: silent,
    now: () => nowMs,
    asked: () => {},
  })
  for (const name of ['north', 'south']) {
    reconciliation.add({ name, exchange: name, recall: async () => void asked.push(name) })
    reconciliation.linkChanged(name, { state: 'listening', at: name })
  }
  await reconciliation.look()
  t.strictSame(asked.splice(0), ['north', 'south'], 'each is asked for the last while')
  nowMs += 60_000
  reconciliation.unrecorded('south', new Date(nowMs - 30_000), new Date(nowMs))
  await reconciliation.look()
  t.strictSame(asked, ['south'])
})
