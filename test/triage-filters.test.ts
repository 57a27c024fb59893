import t from 'tap'
import type { Report } from '../gateway/report.ts'
import { filterReasons } from '../gateway/triage/triage.ts'
import { middle } from './small-city.ts'
import { after, cell, gps, morning, position, Stage } from './triage-stage.ts'

const here = middle(5, 5)
const year = (y: number) => new Date(Date.UTC(y, 0, 6))

/** One report each, from a collector nothing is known of; `null` says that it is accepted. */
const single: readonly [says: string, reason: string | null, report: Report][] = [
  ['a plain fix', null, position('c1', morning, { gps: gps(here) })],
  ['nothing at all', 'no-fix', position('c1', morning)],
  ['a receiver without a fix', 'no-fix', position('c1', morning, { gps: gps(here, { valid: false }) })],
  ['only a cell nobody knows', 'no-fix', position('c1', morning, { cells: [cell(77)] })],
  ['a latitude of null', 'not-a-number', position('c1', morning, { gps: gps(here, { latitude: null }) })],
  ['a longitude that is NaN', 'not-a-number', position('c1', morning, { gps: gps(here, { longitude: Number.NaN }) })],
  [
    'an infinite latitude',
    'not-a-number',
    position('c1', morning, { gps: gps(here, { latitude: Number.POSITIVE_INFINITY }) }),
  ],
  ['latitude 95', 'out-of-range', position('c1', morning, { gps: gps({ latitude: 95, longitude: 119 }) })],
  ['longitude 181', 'out-of-range', position('c1', morning, { gps: gps({ latitude: 32, longitude: 181 }) })],
  ['0/0', 'null-island', position('c1', morning, { gps: gps({ latitude: 0, longitude: 0 }) })],
  ['0/0 with the sign bit', 'null-island', position('c1', morning, { gps: gps({ latitude: -0, longitude: -0 }) })],
  ['a place on the equator', null, position('c1', morning, { gps: gps({ latitude: 0, longitude: 119 }) })],
  ['an accuracy of 5 km', 'bad-accuracy', position('c1', morning, { gps: gps(here, { accuracyM: 5000 }) })],
  [
    'an infinite accuracy',
    'bad-accuracy',
    position('c1', morning, { gps: gps(here, { accuracyM: Number.POSITIVE_INFINITY }) }),
  ],
  ['the year 1980', 'ancient-time', position('c1', year(1980), { gps: gps(here) })],
  ['the year 2080', 'future-time', position('c1', year(2080), { gps: gps(here) })],
  ['31 days ago', 'ancient-time', position('c1', after(-31 * 86_400), { gps: gps(here) })],
  ['29 days ago', null, position('c1', after(-29 * 86_400), { gps: gps(here) })],
  ['a clock four minutes ahead', null, position('c1', after(240), { gps: gps(here) })],
  ['a clock six minutes ahead', 'future-time', position('c1', after(360), { gps: gps(here) })],
  ['no time but the receipt', null, position('c1', null, { gps: gps(here) })],
  ['a time that is no time', 'not-a-number', position('c1', new Date(Number.NaN), { gps: gps(here) })],
  [
    'a fix of 1980 in a report of now',
    'ancient-time',
    position('c1', morning, { gps: gps(here, { fixedAt: year(1980) }) }),
  ],
  ['coordinates that were converted before', 'double-conversion', convertedTwice()],
  ['a bad fix with a good cell', null, position('c1', morning, { gps: gps(here, { valid: false }), cells: [cell(1)] })],
  ['a fix of a stranger', null, position('nobody', morning, { gps: gps(here) })],
]

function convertedTwice(): Report {
  return position('c1', morning, { gps: Object.assign(gps(here, { system: 'gcj02' }), { convertedFrom: 'gcj02' }) })
}

t.test('one report is filtered with its reason, or accepted', async (t) => {
  for (const [says, reason, report] of single) {
    const { positions, filtered } = new Stage().take(morning, report)
    t.equal(filtered[0]?.reason ?? null, reason, says)
    t.equal(positions.length, reason === null ? 1 : 0, says)
    if (reason !== null) t.ok(filtered[0]?.detail, `${says}: the detail names what was not believed`)
  }
})

/** Those of alarms are shown in alarms.test.ts, that of readings in readings-triage.test.ts. */
const ofSensors = ['repeated-alarm', 'state-not-alarm', 'nothing-to-end', 'old-reading']

t.test('every reason has its case and its words', async (t) => {
  const seen = new Set(single.map(([, reason]) => reason))
  // Of positions in a row, below; of texts, in texts.test.ts.
  for (const reason of ['duplicate-fix', 'impossible-jump', 'repeated-part', 'nothing-said', ...ofSensors])
    seen.add(reason)
  for (const [reason, words] of Object.entries(filterReasons)) {
    t.ok(seen.has(reason), reason)
    t.match(words, /^[a-z].{10,}[^.]$/)
  }
})

t.test('a filtered report names its place in the message', async (t) => {
  const { filtered, positions } = new Stage().take(
    morning,
    position('c1', morning, { gps: gps(here) }),
    position('c1', after(1)),
    { kind: 'malformed', index: 2, code: 'DECODE_FIELD', detail: 'x' },
    position('c1', after(2), { gps: gps(here) }),
    position('c1', after(3), { gps: gps(here, { latitude: 91 }) }),
  )
  t.equal(positions.length, 2)
  t.strictSame(
    filtered.map(({ index, reason }) => [index, reason]),
    [
      [1, 'no-fix'],
      [4, 'out-of-range'],
    ],
  )
})

t.test('the same place at the same time is a duplicate, also among late fixes', async (t) => {
  const stage = new Stage()
  const one = position('c1', after(0), { gps: gps(here) })
  const late = position('c1', after(-600), { gps: gps(here) })
  t.equal(stage.take(after(1), one).positions.length, 1)
  t.equal(stage.take(after(2), one).filtered[0]?.reason, 'duplicate-fix')
  t.equal(stage.take(after(3), late).positions.length, 1)
  t.equal(stage.take(after(4), late).filtered[0]?.reason, 'duplicate-fix')
  t.equal(
    stage.take(after(5), position('c1', after(5), { gps: gps(here) })).positions.length,
    1,
    'a later time is news',
  )
  t.equal(stage.take(after(6), position('l1', after(0), { gps: gps(here) })).positions.length, 1, 'somebody else')
})

t.test('late fixes are track, and not where the subject is', async (t) => {
  const stage = new Stage()
  stage.take(morning, position('c1', morning, { gps: gps(here) }))
  const { positions } = stage.take(after(9), position('c1', after(-60), { gps: gps(middle(5, 4)) }))
  t.equal(positions[0]?.late, true)
  t.equal(stage.memory('c1').last?.[0], morning.getTime())
})

t.test('nobody jumps a hundred kilometres in ten seconds', async (t) => {
  const there = { latitude: 33.39, longitude: 119.4 }
  const jump = (s: number, point = there) => position('c1', after(s), { gps: gps(point) })

  t.test('a single far fix is refused, and the next near one accepted', async (t) => {
    const stage = new Stage()
    stage.take(morning, jump(0, here))
    const { filtered } = stage.take(after(10), jump(10))
    t.match(filtered, [{ reason: 'impossible-jump', detail: /^\d+ km\/h$/ }])
    t.equal(stage.take(after(20), jump(20, here)).positions.length, 1)
    t.equal(stage.memory('c1').jump, null)
  })

  t.test('three newer fixes that agree are believed: a device that was moved is not locked out', async (t) => {
    const stage = new Stage()
    stage.take(morning, jump(0, here))
    const outcomes = [10, 20, 30, 40].map((s) => stage.take(after(s), jump(s)).positions.length)
    t.strictSame(outcomes, [0, 0, 1, 1])
    t.equal(stage.memory('c1').last?.[1], there.latitude)
  })

  t.test('having believed it, a late fix is measured against the new place and not the old one', async (t) => {
    const stage = new Stage()
    stage.take(morning, jump(0, here))
    for (const s of [10, 20, 30]) stage.take(after(s), jump(s))
    t.match(stage.take(after(40), jump(25)).positions, [{ late: true }])
    t.equal(stage.take(after(41), jump(5, here)).filtered[0]?.reason, 'impossible-jump')
  })

  t.test('two fixes within one second are measured as if a second lay between them', async (t) => {
    const stage = new Stage()
    const metres = (m: number) => ({ latitude: here.latitude + m / 111_195, longitude: here.longitude })
    stage.take(morning, jump(0, here))
    t.equal(stage.take(morning, jump(0, metres(60))).positions.length, 1, '40 m beyond both accuracies: 144 km/h')
    t.equal(stage.take(morning, jump(0, metres(-80))).filtered[0]?.reason, 'impossible-jump')
  })

  t.test('the same far fix three times convinces nobody, nor do two that disagree', async (t) => {
    const stage = new Stage()
    stage.take(morning, jump(0, here))
    for (const s of [10, 10, 10]) t.equal(stage.take(after(s), jump(s)).positions.length, 0)
    const elsewhere = { latitude: 34.39, longitude: 119.4 }
    for (const s of [20, 30, 40, 50])
      t.equal(stage.take(after(s), jump(s, s % 20 === 0 ? elsewhere : there)).positions.length, 0)
  })

  t.test('a late fix is measured against its neighbours in time, and never moves the subject', async (t) => {
    const stage = new Stage()
    stage.take(morning, jump(0, here))
    t.equal(stage.take(after(3600), jump(3600)).positions.length, 1, 'an hour is enough')
    t.equal(stage.take(after(3601), jump(1800, { latitude: 32.89, longitude: 119.4 })).positions[0]?.late, true)
    t.equal(stage.take(after(3602), jump(1810, here)).filtered[0]?.reason, 'impossible-jump')
    for (const s of [1820, 1830, 1840]) t.equal(stage.take(after(3603), jump(s, here)).positions.length, 0)
    t.equal(stage.memory('c1').last?.[0], after(3600).getTime())
  })

  t.test('fixes that are both inaccurate may be far apart', async (t) => {
    const stage = new Stage()
    const near = { latitude: 32.404, longitude: 119.405 }
    stage.take(morning, position('c1', morning, { gps: gps(here, { accuracyM: 800 }) }))
    t.equal(stage.take(after(1), position('c1', after(1), { gps: gps(near, { accuracyM: 800 }) })).positions.length, 1)
  })
})

t.test('an accepted position says what is known of it and nothing else', async (t) => {
  const fix = gps(here, { speedKmh: 12, headingDeg: 360, altitudeM: 8, accuracyM: null, hdop: 2, fixedAt: after(-3) })
  const { positions } = new Stage().take(morning, position('c1', morning, { gps: fix, batteryPercent: 80 }))
  t.strictSame(positions, [
    {
      subject: 'c1',
      at: after(-3),
      atOrigin: 'device',
      latitude: here.latitude,
      longitude: here.longitude,
      accuracyM: 10,
      altitudeM: 8,
      foundBy: 'gps',
      staleS: null,
      speedKmh: 12,
      headingDeg: 0,
      grid: '32100200100155',
      district: '321002',
      batteryPercent: 80,
      late: false,
    },
  ])
  const odd = gps(here, { speedKmh: -1, headingDeg: 400, altitudeM: Number.NaN, accuracyM: 0 })
  t.match(new Stage().take(morning, position('c1', null, { gps: odd, batteryPercent: 255 })).positions, [
    { atOrigin: 'gateway', speedKmh: null, headingDeg: null, altitudeM: null, accuracyM: null, batteryPercent: null },
  ])
})

t.test('nothing happened before 2001, however old a position may be', async (t) => {
  const stage = new Stage({ oldestMs: 100 * 365 * 86_400_000 })
  t.equal(stage.take(morning, position('c1', year(2000), { gps: gps(here) })).filtered[0]?.reason, 'ancient-time')
  t.equal(stage.take(morning, position('c1', year(2002), { gps: gps(here) })).positions.length, 1)
})

t.test('an old memory is never changed', async (t) => {
  const stage = new Stage()
  stage.take(morning, position('v1', morning, { gps: gps(here) }))
  const before = stage.memory('v1')
  const text = JSON.stringify(before)
  for (const s of [10, 20, 30]) stage.take(after(s), position('v1', after(s), { gps: gps(here) }))
  t.equal(JSON.stringify(before), text)
  t.strictSame(JSON.parse(JSON.stringify(stage.memory('v1'))), stage.memory('v1'), 'JSON as it stands')
})
