import t from 'tap'
import type { City, VehicleRule } from '../gateway/city/city.ts'
import { minuteOfDay, withinShift } from '../gateway/triage/local-time.ts'
import { middle, rule, smallCity } from './small-city.ts'
import { after, gps, morning, position, Stage } from './triage-stage.ts'

const onRoute = middle(2, 5)
const offRoute = middle(5, 5)

function cityWith(...vehicleRules: VehicleRule[]): City {
  return { ...smallCity, vehicleRules }
}

/** One vehicle that reports; `drive` answers with the seconds at which its rules fired. */
class Drive {
  readonly stage: Stage
  readonly #vehicle: string
  readonly #epochMs: number

  constructor(vehicle: string, city: City = smallCity, epoch: Date = morning) {
    this.stage = new Stage({}, city)
    this.#vehicle = vehicle
    this.#epochMs = epoch.getTime()
  }

  at(s: number, point: { latitude: number; longitude: number }, speedKmh: number | null = null) {
    const time = new Date(this.#epochMs + s * 1000)
    const report = position(this.#vehicle, time, { gps: gps(point, { speedKmh }) })
    // Everything is received at the end, so that the order of arrival is the order of the calls.
    return this.stage.take(new Date(this.#epochMs + 86_400_000), report)
  }

  through(
    seconds: readonly number[],
    point: { latitude: number; longitude: number },
    speedKmh: number | null = null,
  ): number[] {
    return seconds.filter((s) => this.at(s, point, speedKmh).intents.length > 0)
  }
}

const every = (from: number, to: number, step = 20) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)

t.test('off its route', async (t) => {
  t.test('a vehicle that stays off fires once, with the measure, the place and the time of the fix', async (t) => {
    const drive = new Drive('v1')
    t.strictSame(drive.through(every(0, 100), onRoute), [])
    t.strictSame(drive.through(every(120, 160), offRoute), [])
    const { intents } = drive.at(180, offRoute)
    t.match(intents, [
      {
        purpose: 'vehicle-rule',
        kind: 'event',
        category: { scheme: 'cjt214_2007', code: '0502', zh: '店外经营', confidence: 1 },
        source: 'vehicle-rule',
        location: { ...offRoute, grid: '32100200100155' },
        occurredAt: { at: after(180).toISOString(), origin: 'device' },
        reporter: { kind: 'vehicle', id: 'v1', name: '苏K00001' },
        urgency: 'normal',
        rule: { id: 'off', what: 'off-route', value: 333.6, since: after(120).toISOString() },
        evidence: ['m1'],
      },
    ])
    t.strictSame(drive.through(every(200, 2000), offRoute), [])
  })

  t.test('it fires again only after it was clear for long enough', async (t) => {
    const drive = new Drive('v1')
    t.strictSame(drive.through(every(0, 100), offRoute), [60])
    t.strictSame(drive.through(every(120, 160), onRoute), [], 'clear for 40 s only')
    t.strictSame(drive.through(every(180, 400), offRoute), [])
    t.strictSame(drive.through(every(420, 480), onRoute), [], 'clear for 60 s')
    t.strictSame(drive.through(every(500, 700), offRoute), [560])
  })

  t.test('a short way round does not fire', async (t) => {
    const drive = new Drive('v1')
    for (const s of every(0, 600, 60))
      t.strictSame(drive.through([s, s + 40], offRoute).concat(drive.through([s + 50], onRoute)), [])
  })

  t.test('late fixes neither fire nor clear', async (t) => {
    const drive = new Drive('v1')
    t.strictSame(drive.through(every(1000, 1040), offRoute), [])
    t.strictSame(drive.through(every(0, 900), offRoute), [], 'a backlog of an older trip')
    t.strictSame(drive.through([1060], offRoute), [1060])
    t.strictSame(drive.through(every(910, 990), onRoute), [], 'a backlog that says it was on its route before')
    t.strictSame(drive.through(every(1080, 1300), offRoute), [], 'has not cleared it')
  })

  t.test('late fixes are not evaluated even where nothing was yet', async (t) => {
    const stage = new Stage()
    stage.take(after(900), position('v1', after(900), { gps: gps(onRoute, { accuracyM: 400 }) }))
    for (const s of every(0, 200))
      t.equal(stage.take(after(900), position('v1', after(s), { gps: gps(offRoute) })).intents.length, 0)
  })

  t.test('a second fix of the same second is not evaluated', async (t) => {
    const drive = new Drive('v1')
    const beside = { latitude: onRoute.latitude + 0.0009, longitude: onRoute.longitude }
    t.strictSame(drive.through(every(0, 40), beside), [])
    t.equal(
      drive.at(40, { ...beside, latitude: onRoute.latitude + 0.0006 }).positions.length,
      1,
      'on its route, accepted',
    )
    t.strictSame(drive.through([60], beside), [60])
  })

  t.test('replayed data fires nothing a second time', async (t) => {
    const drive = new Drive('v1')
    const trip = () => [
      ...drive.through(every(0, 100), offRoute),
      ...drive.through(every(120, 240), onRoute),
      ...drive.through(every(260, 400), offRoute),
    ]
    t.strictSame(trip(), [60, 320])
    t.strictSame(trip(), [])
    const old = new Map(drive.stage.memories)
    t.strictSame(trip(), [])
    t.strictSame(drive.stage.memories.get('v1')?.rules, old.get('v1')?.rules)
  })

  t.test('live and backlog interleaved fire as the live data alone', async (t) => {
    const drive = new Drive('v1')
    const fired: number[] = []
    for (const s of every(2000, 2200)) {
      fired.push(...drive.through([s], offRoute))
      t.strictSame(drive.through([s - 1500], onRoute), [])
    }
    t.strictSame(fired, [2060])
  })

  t.test('silence is not holding, and not clear either', async (t) => {
    const drive = new Drive('v1')
    t.strictSame(drive.through([0, 1000], offRoute), [], '1000 s of silence')
    t.strictSame(drive.through(every(1020, 1100), offRoute), [1060])
    t.strictSame(drive.through([1120], onRoute), [])
    t.strictSame(drive.through([3000], onRoute), [], 'clear before the silence and after it')
    t.strictSame(drive.through(every(3020, 3200), offRoute), [])
  })

  t.test('a fix whose accuracy leaves it open says nothing', async (t) => {
    const stage = new Stage()
    const vague = (s: number) => position('v1', after(s), { gps: gps(offRoute, { accuracyM: 400 }) })
    for (const s of every(0, 200)) t.equal(stage.take(after(s), vague(s)).intents.length, 0)
    t.strictSame(stage.memory('v1').rules, {})
  })

  t.test('outside its shift a vehicle may go where it likes', async (t) => {
    const night = new Date('2026-11-23T15:00:00Z')
    t.strictSame(
      new Drive('v4', cityWith(rule('off', 'off-route', { distanceM: 50 }))).through(every(0, 200), offRoute),
      [60],
    )
    t.strictSame(new Drive('v4', cityWith(rule('off', 'off-route')), night).through(every(0, 200), offRoute), [])
  })

  t.test('a vehicle without a route, and a collector, have no such rule', async (t) => {
    for (const id of ['v2', 'c1', 'nobody']) {
      const drive = new Drive(id, cityWith(rule('off', 'off-route')))
      t.strictSame(drive.through(every(0, 200), offRoute), [])
      t.strictSame(drive.stage.memory(id).rules, {})
    }
  })

  t.test('a category that the city no longer has leaves the intent unclassified', async (t) => {
    const gone = { scheme: 'cjt214_2007', kind: 'event', code: '9999' } as const
    const drive = new Drive('v1', cityWith(rule('off', 'off-route', { afterS: 0, category: gone, urgency: 'urgent' })))
    t.match(drive.at(0, offRoute).intents, [
      { category: { code: null, zh: '未分类', candidates: [{ because: /"9999"/ }] }, urgency: 'urgent' },
    ])
  })
})

t.test('standing in its work area', async (t) => {
  const near = { latitude: offRoute.latitude + 0.0002, longitude: offRoute.longitude }
  const away = middle(5, 7)

  t.test('a vehicle that does not leave its place fires once', async (t) => {
    const drive = new Drive('v2')
    const fired = every(0, 1500, 60).flatMap((s) => drive.through([s], s % 120 === 0 ? offRoute : near))
    t.strictSame(fired, [600])
  })
  t.test('a vehicle that moves on does not', async (t) => {
    const drive = new Drive('v2')
    for (const [i, s] of every(0, 3000, 60).entries())
      t.strictSame(drive.through([s], i % 10 < 8 ? offRoute : away), [], `${s}`)
  })
  t.test('having fired, it must leave the place before it fires anew', async (t) => {
    const drive = new Drive('v2')
    t.strictSame(drive.through(every(0, 600, 60), offRoute), [600])
    t.strictSame(drive.through([660], away), [])
    t.strictSame(drive.through(every(720, 1800, 60), offRoute), [], 'away for too short')
    t.strictSame(drive.through(every(1860, 2400, 60), away), [])
    t.strictSame(
      drive.through(every(2460, 2580, 60), away),
      [2580],
      'and from then on the new place is another standing',
    )
  })
  t.test('outside its work area it may stand', async (t) => {
    t.strictSame(new Drive('v2').through(every(0, 1500, 60), { latitude: 32.5, longitude: 119.5 }), [])
  })
})

t.test('outside its shift', async (t) => {
  // The shift is 22:00 to 06:00 in the city; 21:00 there is 13:00 UTC.
  const evening = new Date('2026-11-23T13:00:00Z')
  const hour = 3600
  t.test('moving fires, in the shift it does not, also past midnight', async (t) => {
    const from = (h: number) => new Drive('v3', smallCity, new Date(evening.getTime() + h * hour * 1000))
    t.strictSame(from(0).through(every(0, 200), offRoute, 20), [60], '21:00')
    t.strictSame(from(1).through(every(0, 200), offRoute, 20), [], '22:00')
    t.strictSame(from(5).through(every(0, 200), offRoute, 20), [], '02:00')
    t.strictSame(from(9).through(every(0, 200), offRoute, 20), [60], '06:00')
  })
  t.test('the shift ends while it drives', async (t) => {
    const drive = new Drive('v3', smallCity, new Date(evening.getTime() + 9 * hour * 1000))
    t.strictSame(drive.through(every(-200, 200), offRoute, 20), [60])
  })
  t.test('standing outside the shift is nothing', async (t) => {
    t.strictSame(new Drive('v3', smallCity, evening).through(every(0, 400), offRoute, 3), [])
  })
  t.test('without a speed it is reckoned from the last fix', async (t) => {
    const drive = new Drive('v3', smallCity, evening)
    const fired = every(0, 200).filter(
      (s) => drive.at(s, { ...offRoute, longitude: 119.4 + s * 0.0001 }).intents.length > 0,
    )
    t.strictSame(fired, [80])
  })
})

t.test('several rules keep their own states, and a rule the city dropped is forgotten', async (t) => {
  const drive = new Drive('v1', cityWith(rule('a', 'off-route'), rule('b', 'off-route', { afterS: 120 })))
  t.strictSame(drive.through(every(0, 200), offRoute), [60, 120])
  const later = new Stage({}, cityWith(rule('b', 'off-route')))
  for (const [subject, memory] of drive.stage.memories) later.memories.set(subject, memory)
  later.take(after(300), position('v1', after(300), { gps: gps(offRoute) }))
  t.strictSame(Object.keys(later.memory('v1').rules), ['b'])
})

t.test('minutes of the day are those of the wall clocks', async (t) => {
  const cases: readonly [string, string, number][] = [
    ['2026-11-23T16:00:00Z', 'Asia/Shanghai', 0],
    ['2026-11-23T15:59:59Z', 'Asia/Shanghai', 1439],
    ['2026-11-23T00:00:00Z', 'Asia/Kathmandu', 345],
    ['2026-11-23T00:00:00Z', 'UTC', 0],
    ['2026-03-29T00:59:00Z', 'Europe/Berlin', 119],
    ['2026-03-29T01:00:00Z', 'Europe/Berlin', 180],
    ['2026-10-25T00:59:00Z', 'Europe/Berlin', 179],
    ['2026-10-25T01:00:00Z', 'Europe/Berlin', 120],
    ['2026-11-23T02:00:00Z', 'America/St_Johns', 1350],
  ]
  for (const [at, zone, minute] of cases) t.equal(minuteOfDay(Date.parse(at), zone), minute, `${at} ${zone}`)
})

t.test('a shift may pass midnight, and one that ends when it starts lasts all day', async (t) => {
  const within = (startMinute: number, endMinute: number) =>
    [0, 359, 360, 720, 1320, 1439].map((minute) => withinShift({ id: 's', startMinute, endMinute }, minute))
  t.strictSame(within(360, 1320), [false, false, true, true, false, false])
  t.strictSame(within(1320, 360), [true, true, false, false, true, true])
  t.strictSame(within(360, 360), [true, true, true, true, true, true])
})
