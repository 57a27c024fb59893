import t from 'tap'
import type { AlarmReport, PointLimits, PointReading, ReadingReport } from '../gateway/report.ts'
import { judgeReading, type ReadingMemory } from '../gateway/triage/readings.ts'

const noLimits: PointLimits = { range: null, alarms: [], perMinute: null, stuckAfterS: null, silentAfterS: null }
const high = { event: 'high', when: 'above', at: 3, hysteresis: 0.2, afterS: 0 } as const
const low = { event: 'low', when: 'below', at: 1, hysteresis: 0.2, afterS: 0 } as const
const began = Date.parse('2026-11-23T02:00:00Z')

type Bad = Exclude<PointReading['quality'], 'good'>

/** A sensor with the points that are said, judged second by second. */
class Gauge {
  memory: ReadingMemory | null = null
  readonly limits: Partial<PointLimits>

  constructor(limits: Partial<PointLimits>) {
    this.limits = limits
  }

  /** `event phase part value`, of each alarm. */
  at(seconds: number, values: Readonly<Record<string, number | Bad>>): string[] {
    return this.alarms(seconds, values).map(({ event, phase, part, detail }) =>
      [event, phase, part ?? '-', detail.value ?? detail.fault].join(' '),
    )
  }

  alarms(seconds: number, values: Readonly<Record<string, number | Bad>>): readonly AlarmReport[] {
    const points = Object.entries(values).map(([point, said]): PointReading => {
      const limits = { ...noLimits, ...this.limits }
      return typeof said === 'number'
        ? { point, value: said, unit: 'm', quality: 'good', fault: null, limits }
        : { point, value: null, unit: 'm', quality: said, fault: said, limits }
    })
    const report: ReadingReport = {
      kind: 'reading',
      subject: 's-1',
      deviceTime: new Date(began + seconds * 1000),
      points,
    }
    const judged = judgeReading(report, began + seconds * 1000, this.memory)
    if (judged === null) return []
    // As the store keeps it.
    this.memory = JSON.parse(JSON.stringify(judged.memory)) as ReadingMemory
    return judged.alarms
  }
}

t.test('a limit is passed at its value, and left by its hysteresis', async (t) => {
  const gauge = new Gauge({ alarms: [high, low] })
  t.same(gauge.at(0, { level: 2 }), [])
  t.same(gauge.at(1, { level: 3 }), [], 'at the limit is not above it')
  t.same(gauge.at(2, { level: 3.01 }), ['high began level 3.01'])
  t.same(gauge.at(3, { level: 2.9 }), [], 'within the hysteresis it holds')
  t.same(gauge.at(4, { level: 3.5 }), [])
  t.same(gauge.at(5, { level: 2.79 }), ['high ended level 2.79'])
  t.same(gauge.at(6, { level: 2.9 }), [], 'and within it nothing begins')
  t.same(gauge.at(7, { level: 0.9 }), ['low began level 0.9'])
  t.same(gauge.at(8, { level: 1.19 }), [])
  t.same(gauge.at(9, { level: 1.2 }), ['low ended level 1.2'])
})

t.test('an alarm has value, unit, limit, time, and an occurrence that is the same to its end', async (t) => {
  const gauge = new Gauge({ alarms: [high] })
  const [first] = gauge.alarms(5, { level: 3.5 })
  t.match(first, {
    ...{ kind: 'alarm', of: 'sensor', subject: 's-1', event: 'high', part: 'level', phase: 'began', snapshot: null },
    deviceTime: new Date(began + 5000),
    detail: { value: '3.5', unit: 'm', limit: 'above 3' },
  })
  const [last] = gauge.alarms(9, { level: 1 })
  t.equal(last?.occurrence, first?.occurrence)
  const [next] = gauge.alarms(10, { level: 4 })
  t.not(next?.occurrence, first?.occurrence)
})

t.test('it must hold for as long as the limit says', async (t) => {
  const gauge = new Gauge({ alarms: [{ ...high, afterS: 10 }] })
  t.same(gauge.at(0, { level: 3.5 }), [])
  t.same(gauge.at(5, { level: 2 }), [])
  t.same(gauge.at(6, { level: 3.5 }), [], 'the time begins anew')
  t.same(gauge.at(15.9, { level: 3.5 }), [])
  t.same(gauge.at(16, { level: 3.6 }), ['high began level 3.6'])
})

t.test('while it lasts its value is told once a minute', async (t) => {
  const gauge = new Gauge({ alarms: [high] })
  gauge.at(0, { level: 3.5 })
  t.same(gauge.at(59, { level: 3.7 }), [])
  t.same(gauge.at(60, { level: 3.8 }), ['high going-on level 3.8'])
  t.same(gauge.at(61, { level: 3.9 }), [])
})

t.test('two levels are two alarms', async (t) => {
  const gauge = new Gauge({ alarms: [high, { ...high, event: 'very-high', at: 4 }] })
  t.same(gauge.at(0, { level: 4.5 }), ['high began level 4.5', 'very-high began level 4.5'])
  t.same(gauge.at(1, { level: 3.5 }), ['very-high ended level 3.5'])
})

t.test('a value that the instrument cannot say is a fault of its own, and judges no limit', async (t) => {
  const gauge = new Gauge({ range: { low: 0, high: 10 }, alarms: [high] })
  t.same(gauge.at(0, { level: 327.67 }), ['out-of-range began level 327.67'])
  t.same(gauge.at(1, { level: 3.5 }), ['high began level 3.5', 'out-of-range ended level 3.5'])
  t.same(gauge.at(2, { level: -5 }), ['out-of-range began level -5'], 'the level is still high for all that is known')
  t.same(gauge.at(3, { level: 2 }), ['high ended level 2', 'out-of-range ended level 2'])
})

t.test('a rate is the change within a minute, not that of a second times sixty', async (t) => {
  const gauge = new Gauge({ perMinute: 0.5 })
  t.same(gauge.at(0, { level: 1 }), [])
  t.same(gauge.at(1, { level: 1.1 }), [], 'a flicker is no flood')
  t.same(gauge.at(30, { level: 1.45 }), [])
  t.same(gauge.at(40, { level: 1.55 }), ['rate began level 1.55'])
  t.same(gauge.at(100, { level: 1.6 }), ['rate ended level 1.6'])
  t.same(gauge.at(400, { level: 3.6 }), [], 'two metres in five minutes are 0.4 a minute')
  t.same(gauge.at(700, { level: 6.6 }), ['rate began level 6.6'])
})

t.test('the very same value for too long is a stuck instrument', async (t) => {
  const gauge = new Gauge({ stuckAfterS: 600 })
  for (const s of [0, 60, 540, 599]) t.same(gauge.at(s, { level: 1.5 }), [])
  t.same(gauge.at(600, { level: 1.5 }), ['stuck began level 1.5'])
  t.same(gauge.at(610, { level: 1.51 }), ['stuck ended level 1.51'])
  t.same(gauge.at(1000, { level: 'silent' }), [])
  t.same(gauge.at(1300, { level: 1.51 }), [], 'after a silence the time begins anew')
})

t.test('a sensor none of whose points answers is one alarm; a point of it, one of the point', async (t) => {
  const gauge = new Gauge({ silentAfterS: 300, alarms: [high] })
  gauge.at(0, { level: 3.5, flow: 1 })
  t.same(gauge.at(10, { level: 'silent', flow: 'silent' }), [])
  t.same(gauge.at(310, { level: 'silent', flow: 'silent' }), ['silent began - silent'])
  t.same(gauge.at(320, { level: 3.5, flow: 'silent' }), ['high going-on level 3.5', 'silent ended - 3.5'])
  t.same(gauge.at(620, { level: 3.4, flow: 'silent' }), ['high going-on level 3.4', 'silent began flow silent'])
  t.same(gauge.at(630, { level: 2, flow: 1 }), ['high ended level 2', 'silent ended flow 1'])
})

t.test('an error or no number for too long is a fault', async (t) => {
  const gauge = new Gauge({ silentAfterS: 300 })
  gauge.at(0, { level: 1 })
  t.same(gauge.at(10, { level: 'refused' }), [])
  t.same(gauge.at(310, { level: 'not-a-number' }), ['fault began level not-a-number'])
  t.same(gauge.at(320, { level: 'silent' }), [], 'silence does not say that it is mended')
  t.same(gauge.at(330, { level: 1 }), ['fault ended level 1'])
})

t.test('an alarm whose limit is no longer in the map ends', async (t) => {
  const gauge = new Gauge({ alarms: [high] })
  gauge.at(0, { level: 3.5 })
  const changed = new Gauge({})
  changed.memory = gauge.memory
  t.same(changed.at(1, { level: 3.5 }), ['high ended level 3.5'])
})

t.test('a reading older than one that was judged is none', async (t) => {
  const gauge = new Gauge({ alarms: [high] })
  gauge.at(10, { level: 2 })
  t.same(gauge.at(9, { level: 5 }), [])
  t.equal(gauge.memory?.points.level?.value, 2)
})

t.test('the memory of a day of readings is small', async (t) => {
  const gauge = new Gauge({ alarms: [high], perMinute: 0.5, stuckAfterS: 600, silentAfterS: 300 })
  for (let s = 0; s < 86_400; s += 7) gauge.at(s, { level: 2 + Math.sin(s / 900) * 2 })
  t.ok(JSON.stringify(gauge.memory).length < 1500, String(JSON.stringify(gauge.memory).length))
})
