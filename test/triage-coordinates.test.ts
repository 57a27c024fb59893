import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Point } from '../gateway/city/city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import {
  bd09OfGcj02,
  gcj02OfBd09,
  gcj02OfWgs84,
  toWgs84,
  wgs84OfBd09,
  wgs84OfGcj02,
} from '../gateway/triage/coordinates.ts'
import { distanceM } from '../gateway/triage/distance.ts'

interface Case {
  readonly says: string
  readonly from: string
  readonly to: string
  readonly given: readonly [number, number]
  readonly expected: readonly [number, number]
  readonly toleranceM: number
  readonly source: string
}

const conversions: Readonly<Record<string, (latitude: number, longitude: number) => Point>> = {
  'wgs84 gcj02': gcj02OfWgs84,
  'gcj02 wgs84': wgs84OfGcj02,
  'gcj02 bd09': bd09OfGcj02,
  'bd09 gcj02': gcj02OfBd09,
}

t.test('published points come out where their sources say', async (t) => {
  const cases: readonly Case[] = JSON.parse(readFileSync(`${packageRoot}test/cases/triage/coordinates.json`, 'utf8'))
  for (const { says, from, to, given, expected, toleranceM } of cases) {
    const got = conversions[`${from} ${to}`]?.(...given) ?? { latitude: 0, longitude: 0 }
    const offM = distanceM(got, { latitude: expected[0], longitude: expected[1] })
    t.ok(offM <= toleranceM, `${says}, ${from} to ${to}: off by ${offM.toFixed(4)} m`)
  }
  t.ok(cases.length >= 7)
})

/** Over all of China, every degree and a half. */
function everywhere(check: (point: Point) => void): void {
  for (let latitude = 19.03; latitude < 54; latitude += 1.5)
    for (let longitude = 74.07; longitude < 135; longitude += 1.5) check({ latitude, longitude })
}

t.test('there and back is the same point within a millimetre, everywhere in China', async (t) => {
  let worstGcjM = 0
  let worstBdM = 0
  everywhere((point) => {
    const gcj = gcj02OfWgs84(point.latitude, point.longitude)
    worstGcjM = Math.max(worstGcjM, distanceM(point, wgs84OfGcj02(gcj.latitude, gcj.longitude)))
    const bd = bd09OfGcj02(gcj.latitude, gcj.longitude)
    worstBdM = Math.max(worstBdM, distanceM(point, wgs84OfBd09(bd.latitude, bd.longitude)))
  })
  t.ok(worstGcjM < 0.001, `GCJ-02: ${worstGcjM} m`)
  t.ok(worstBdM < 0.001, `BD-09: ${worstBdM} m`)
})

t.test('the shift is between 10 and 720 metres', async (t) => {
  let least = Number.POSITIVE_INFINITY
  let most = 0
  everywhere((point) => {
    const shiftM = distanceM(point, gcj02OfWgs84(point.latitude, point.longitude))
    least = Math.min(least, shiftM)
    most = Math.max(most, shiftM)
  })
  t.ok(least > 10 && most < 720, `${least} to ${most} m`)
})

t.test('nothing is shifted outside the box that map services shift in', async (t) => {
  for (const [latitude, longitude] of [
    [48.85, 2.35],
    [-33.9, 151.2],
    [0.5, 100],
    [40, 138],
  ] as const)
    for (const convert of Object.values(conversions))
      t.strictSame(convert(latitude, longitude), { latitude, longitude })
})

t.test('WGS-84 and CGCS2000 are never shifted', async (t) => {
  const point = { latitude: 32.39, longitude: 119.42 }
  t.strictSame(toWgs84(point, 'wgs84'), { ...point, convertedFrom: 'wgs84' })
  t.strictSame(toWgs84(point, 'cgcs2000'), { ...point, convertedFrom: 'cgcs2000' })
})

t.test('a point is converted once and no second time', async (t) => {
  const point = { latitude: 32.39, longitude: 119.42 }
  for (const system of ['gcj02', 'bd09'] as const) {
    const once = toWgs84(point, system)
    if (once === 'double-conversion') return t.fail(system)
    t.ok(distanceM(point, once) > 100, system)
    t.equal(toWgs84(once, 'gcj02'), 'double-conversion')
    t.equal(toWgs84(once, 'bd09'), 'double-conversion')
    t.match(toWgs84(once, 'wgs84'), { latitude: once.latitude, longitude: once.longitude })
  }
})
