import t from 'tap'
import { EvenPace } from '../gateway/notices/even-pace.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { until } from './mqtt-stage.ts'
import { Centre, dlr, eventually, ledgerAddsUp, openOffice } from './notice-stage.ts'

t.setTimeout(280_000)

/** The most that left within any second. */
function mostInASecond(times: readonly number[]): number {
  let most = 0
  let from = 0
  for (let i = 0; i < times.length; i++) {
    while ((times[i] ?? 0) - (times[from] ?? 0) >= 1000) from++
    most = Math.max(most, i - from + 1)
  }
  return most
}

t.test(
  'the pace reaches its limit within two in a hundred and is never above it, whatever the timers do',
  async (t) => {
    let seed = 7
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed / 2_147_483_648
    }
    for (const perSecond of [0.5, 1, 7, 50, 500, 3000]) {
      const pace = new EvenPace(perSecond)
      const times: number[] = []
      let nowMs = 1000
      const forMs = Math.max(20_000, 20_000 / perSecond)
      while (nowMs < 1000 + forMs) {
        const waitMs = pace.waitMs(nowMs)
        if (waitMs === 0) {
          pace.take(nowMs)
          times.push(nowMs)
        } else {
          // Timers fire late, and sometimes very late.
          nowMs += waitMs + random() * 2 + (random() < 0.01 ? 15 : 0)
        }
      }
      const rate = (times.length / forMs) * 1000
      t.ok(mostInASecond(times) <= Math.max(1, perSecond), `${perSecond}: at most ${mostInASecond(times)} in a second`)
      t.ok(rate >= perSecond * 0.98, `${perSecond}: ${rate.toFixed(2)} a second`)
    }
    t.equal(new EvenPace(0).waitMs(0), 0)
  },
)

t.test('texts leave at the account’s rate over both of its adapters, and their receipts keep up', (t) =>
  forEachDatabase(t, async (t, database) => {
    const stage = await IntakeStage.open(t, database)
    const perSecond = 100
    const centres = [new Centre(), new Centre()]
    for (const [n, centre] of centres.entries()) {
      centre.perSecond = perSecond
      centre.window = 50
      centre.answer = async () => ({ outcome: 'accepted', messageId: `${n}-${centre.sent.length}` })
    }
    const [one, two] = centres
    if (one === undefined || two === undefined) throw new Error('there are two')
    const total = perSecond * 5
    const { office } = openOffice(t, database, { texts: {} })
    await office.stop()
    await database.pool.query(
      `INSERT INTO notice (id, idempotency_key, fingerprint, adapter, addressee, kind, body, created_at, audience, text, routes)
       SELECT gen_random_uuid(), 'k' || n, '', CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, 'tel:+86139' || (10000000 + n),
         'notice', '{}', now(), 'citizen', 'text', '[{"by":"text"}]' FROM generate_series(1, $1) n`,
      [total],
    )
    const { wakeUps } = openOffice(t, database, { texts: { a: one, b: two } })
    const left = () => [...one.sent, ...two.sent].sort((a, b) => a.atMs - b.atMs)
    await until('all have left', () => left().length >= total, 60_000)
    const times = left().map(({ atMs }) => atMs)
    // The first second goes with the first statements of their kinds.
    const steady = times.slice(perSecond)
    const rate = (steady.length - 1) / (((steady.at(-1) ?? 0) - (steady[0] ?? 0)) / 1000)
    t.comment(`${rate.toFixed(1)} a second of ${perSecond}`)
    t.equal(times.length, total)
    t.ok(mostInASecond(times) <= perSecond, `${mostInASecond(times)} in one second`)
    t.ok(rate >= perSecond * 0.9, `${rate} a second`)
    const accepted = async () =>
      (await database.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM notice WHERE state = 'accepted'`))
        .rows[0]?.n
    await eventually('all are accepted', async () => (await accepted()) === total)
    const { rows } = await database.pool.query<{ id: string; to: string }>(
      `SELECT message_id AS id, addressee AS to FROM submission WHERE message_id IS NOT NULL`,
    )
    const began = performance.now()
    await Promise.all(rows.map(({ id, to }) => stage.say(`r ${id}`, dlr(id, 'delivered', { subject: to }))))
    t.comment(`${((rows.length / (performance.now() - began)) * 1000).toFixed(0)} receipts a second`)
    const delivered = await database.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM notice WHERE state = 'delivered'`,
    )
    t.equal(delivered.rows[0]?.n, total)
    t.ok(wakeUps() > 0)
    t.ok(await ledgerAddsUp(database))
  }),
)
