import t from 'tap'
import type { AlarmRule } from '../gateway/city/city.ts'
import type { ReadingReport } from '../gateway/report.ts'
import { smallCity } from './small-city.ts'
import { after, Stage } from './triage-stage.ts'

const sensor = 's-1'

function level(value: number, at: Date | null, subject = sensor): ReadingReport {
  const alarms = [{ event: 'high', when: 'above', at: 3, hysteresis: 0.2, afterS: 0 }] as const
  const limits = { range: null, alarms, perMinute: null, stuckAfterS: null, silentAfterS: 300 }
  const point = { point: 'level', value, unit: 'm', quality: 'good', fault: null, limits } as const
  return { kind: 'reading', subject, deviceTime: at, points: [point] }
}

/** The small city, which calls water above the limit a case. */
function city() {
  const category = { scheme: 'cjt214_2007', kind: 'event', code: '0406' } as const
  const rule = {
    ...{ subject: 'sensor', event: 'high', part: null, category, urgency: 'urgent' as const },
    ...{ joinS: 60, afterS: 0, clearAfterS: null, chatterPerMinute: 30, stuckAfterS: null },
  } as const satisfies AlarmRule
  return { ...smallCity, alarmRules: [rule] }
}

t.test('a reading beyond its limit becomes a case with value and unit, and its end is told', async (t) => {
  const stage = new Stage({}, city())
  t.same(stage.take(after(0), level(2, after(0))).incidents, [])
  const { intents, incidents, readings } = stage.take(after(1), level(3.4, after(1)))
  t.match(intents, [
    {
      purpose: 'alarm',
      source: 'sensor',
      urgency: 'urgent',
      incident: { event: 'high', part: 'level', value: 3.4, unit: 'm' },
    },
  ])
  t.equal(incidents.length, 1)
  t.match(readings, [{ subject: sensor, at: after(1), points: [{ point: 'level', value: 3.4, alarms: ['high'] }] }])
  t.same(stage.take(after(2), level(3.5, after(2))).incidents, [], 'it goes on without a word')
  const over = stage.take(after(3), level(2, after(3)))
  t.same(over.intents, [])
  t.equal(over.incidents.length, 1)
  t.same(over.incidents[0]?.state.running, [])
  t.match(over.readings, [{ points: [{ alarms: [] }] }])
  t.same(over.filtered, [], 'a reading is of use whatever becomes of its alarms')
})

t.test('a reading that is older than the last is filtered, and a clock that ran ahead locks nothing out', async (t) => {
  const stage = new Stage()
  stage.take(after(10), level(1, after(10)))
  t.match(stage.take(after(11), level(5, after(9))).filtered, [{ reason: 'old-reading' }])
  const year = 365 * 86_400
  t.same(
    stage.take(after(12), level(1, after(year))).filtered,
    [],
    'a time ahead of the receipt is that of the receipt',
  )
  t.same(stage.take(after(13), level(1, after(13))).filtered, [])
  const memory = stage.memory(sensor)
  if (memory.readings === undefined) throw new Error('nothing is remembered')
  stage.memories.set(sensor, { ...memory, readings: { ...memory.readings, atMs: after(year).getTime() } })
  t.same(stage.take(after(14), level(1, after(14))).filtered, [])
})

t.test('a sensor that the city does not know is read all the same', async (t) => {
  const { readings } = new Stage().take(after(0), level(1, null, 's-unknown'))
  t.match(readings, [{ subject: 's-unknown', sensor: null, latitude: null, grid: null, district: null, at: after(0) }])
})
