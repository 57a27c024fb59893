import t from 'tap'
import { Redeliveries } from '../gateway/intake/commit.ts'
import type { Report } from '../gateway/report.ts'
import { audit } from '../gateway/store/ledger.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { middle } from './small-city.ts'
import { form, gps } from './triage-stage.ts'

const sos = (subject: string, number: string): Report =>
  form(subject, { purpose: 'sos', number, gps: gps(middle(2, 2)) })

t.test('keys are looked up for a while after the start, and again after a redelivery', async (t) => {
  const redeliveries = new Redeliveries(2)
  const asked = () => [redeliveries.expected(), redeliveries.expected(), redeliveries.expected()]
  t.strictSame(asked(), [true, true, false])
  redeliveries.seen()
  t.strictSame(asked(), [true, true, false])
})

t.test('redeliveries', (t) =>
  forEachDatabase(t, async (t, database) => {
    await t.test('a redelivery that nobody expected is a duplicate, and its neighbours are stored once', async (t) => {
      const stage = await IntakeStage.open(t, database)
      t.equal(await stage.say('first', sos('h-1', 'n-1')), 'stored')
      while (stage.desk.redeliveries.expected()) {
        // Until the gateway no longer looks keys up before it writes.
      }
      stage.mean('second', [sos('h-1', 'n-2')])
      stage.mean('third', [sos('h-2', 'n-3')])
      const together = ['second', 'first', 'third', 'third'].map((raw) => stage.accept(raw))
      t.strictSame(await Promise.all(together), ['stored', 'duplicate', 'stored', 'duplicate'])
      t.equal(await database.prisma.message.count(), 3)
      t.equal(await database.prisma.intent.count(), 3)
      t.equal(await database.prisma.outbox.count(), 3)
      t.strictSame((await audit(database.pool)).faults, [])
      t.ok(stage.desk.redeliveries.expected(), 'more are expected now')
      t.equal(await stage.accept('second'), 'duplicate')
    })
  }),
)
