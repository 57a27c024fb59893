import t from 'tap'
import { pointKey, type Told, tell } from '../adapters/modbus/telling.ts'
import type { PointLimits, PointReading, ReadingReport } from '../gateway/report.ts'

const limits: PointLimits = {
  range: null,
  alarms: [{ event: 'high', when: 'above', at: 3, hysteresis: 0.2, afterS: 10 }],
  perMinute: null,
  stuckAfterS: null,
  silentAfterS: 300,
}

/** Polls of one point; says which of them are told. */
class Poller {
  told: Told | null = null
  readonly #limits: PointLimits

  constructor(more: Partial<PointLimits> = {}) {
    this.#limits = { ...limits, ...more }
  }

  poll(seconds: number, said: number | Exclude<PointReading['quality'], 'good'>): boolean {
    const value = typeof said === 'number' ? said : null
    const quality = typeof said === 'number' ? 'good' : said
    const point: PointReading = { point: 'level', value, unit: 'm', quality, fault: null, limits: this.#limits }
    const report: ReadingReport = { kind: 'reading', subject: 's-1', deviceTime: null, points: [point] }
    const how = { keepEveryMs: 60_000, deadbands: new Map([[pointKey('s-1', 'level'), 0.05]]) }
    const { news, told } = tell([report], seconds * 1000, this.told, how)
    if (news) this.told = told
    return news
  }
}

t.test('the first poll is told, a move by the deadband, and nothing for a minute', async (t) => {
  const poller = new Poller()
  t.ok(poller.poll(0, 1))
  t.notOk(poller.poll(1, 1.04))
  t.notOk(poller.poll(2, 0.96))
  t.ok(poller.poll(3, 1.05))
  t.notOk(poller.poll(4, 1.01), 'the deadband is about what was told')
  t.notOk(poller.poll(62, 1.05))
  t.ok(poller.poll(63, 1.05), 'a minute has passed')
})

t.test('a limit is told when it is passed, left by its hysteresis, and when it has held', async (t) => {
  const poller = new Poller()
  poller.poll(0, 2.98)
  t.ok(poller.poll(1, 3.01), 'within the deadband, but beyond the limit')
  t.notOk(poller.poll(2, 3.02))
  t.notOk(poller.poll(3, 2.99), 'within the hysteresis')
  t.notOk(poller.poll(10.9, 3.02))
  t.ok(poller.poll(11, 3.02), 'ten seconds beyond')
  t.notOk(poller.poll(12, 3.02))
  t.ok(poller.poll(13, 2.79))
})

t.test('a silence is told when it begins, when it has lasted, and when it is over', async (t) => {
  const poller = new Poller()
  poller.poll(0, 1)
  t.ok(poller.poll(5, 'silent'))
  t.notOk(poller.poll(100, 'silent'), 'nothing is kept alive')
  t.notOk(poller.poll(304, 'silent'))
  t.ok(poller.poll(305, 'silent'))
  for (const s of [306, 700, 90_000]) t.notOk(poller.poll(s, 'silent'))
  t.ok(poller.poll(90_001, 1))
})

t.test('another quality is told, the same fault only now and then', async (t) => {
  const poller = new Poller()
  poller.poll(0, 1)
  t.ok(poller.poll(1, 'refused'))
  t.notOk(poller.poll(2, 'refused'))
  t.ok(poller.poll(3, 'not-a-number'))
  t.ok(poller.poll(63, 'not-a-number'))
  t.ok(poller.poll(64, 1))
})

t.test('what may be stuck is told when it is', async (t) => {
  const poller = new Poller({ stuckAfterS: 20 })
  poller.poll(0, 1)
  t.notOk(poller.poll(19, 1))
  t.ok(poller.poll(20, 1))
  t.notOk(poller.poll(21, 1))
})
