import t from 'tap'
import { placeOfCells } from '../gateway/triage/cells.ts'
import { gcj02OfWgs84 } from '../gateway/triage/coordinates.ts'
import { distanceM } from '../gateway/triage/distance.ts'
import { middle, smallCity } from './small-city.ts'
import { after, cell, form, gps, morning, position, Stage } from './triage-stage.ts'

const here = middle(5, 5)
const tower2 = middle(5, 9)

t.test('cells', async (t) => {
  t.test('the serving cell alone gives its tower and its range', async (t) => {
    t.strictSame(placeOfCells([cell(1)], smallCity), { ...here, radiusM: 400 })
  })
  t.test('a range nobody measured is the usual one of the radio', async (t) => {
    t.equal(placeOfCells([cell(3, { radio: 'GSM' })], smallCity)?.radiusM, 2000)
  })
  t.test('a neighbour draws the place towards itself, the more the better it is heard', async (t) => {
    const places = [-110, -80, -50].map((signalDbm) =>
      placeOfCells([cell(1, { signalDbm: -80 }), cell(2, { serving: false, signalDbm })], smallCity),
    )
    const towards = places.map((place) => (place === null ? 0 : distanceM(here, place)))
    t.ok((towards[0] ?? 0) > 0)
    t.same(
      [...towards].sort((a, b) => a - b),
      towards,
    )
    t.ok((towards[2] ?? 0) < distanceM(here, tower2))
  })
  t.test('of two cells heard alike the serving one is nearer', async (t) => {
    const place = placeOfCells([cell(1, { signalDbm: -80 }), cell(2, { serving: false, signalDbm: -80 })], smallCity)
    t.ok(place !== null && distanceM(here, place) < distanceM(tower2, place) * 0.6)
  })
  t.test('an unknown serving cell with a known neighbour still gives something', async (t) => {
    t.strictSame(placeOfCells([cell(77), cell(2, { serving: false })], smallCity), { ...tower2, radiusM: 600 })
  })
  t.test('a neighbour that cannot be heard together with the serving cell is left out', async (t) => {
    t.strictSame(placeOfCells([cell(1), cell(9, { serving: false, signalDbm: -50 })], smallCity), {
      ...here,
      radiusM: 400,
    })
  })
  t.test('the radius reaches wherever the device may be', async (t) => {
    const place = placeOfCells([cell(1), cell(2, { serving: false })], smallCity)
    // The farthest point from the found one that the serving cell still serves, on the side of both towers.
    t.ok(place !== null && place.radiusM >= 400 + distanceM(here, place) - 1)
  })
  t.test('no cell that is known gives no place', async (t) => {
    t.equal(placeOfCells([cell(77), cell(78, { serving: false })], smallCity), null)
    t.equal(placeOfCells([], smallCity), null)
  })
})

t.test('satellites and cells together', async (t) => {
  const locationOf = (fix: Parameters<typeof gps>[1], point = here, cells = [cell(1)]) =>
    new Stage().take(morning, form('c1', { gps: gps(point, fix), cells })).intents[0]?.location ?? null

  t.test('agreeing opinions are fused: the fix, confirmed, and both kept', async (t) => {
    t.match(locationOf({}), {
      foundBy: 'fused',
      accuracyM: 10,
      staleS: null,
      gps: { ...here, accuracyM: 10 },
      cell: { ...here, radiusM: 400 },
      original: { system: 'wgs84', ...here },
    })
  })
  t.test('a stale fix that the cell contradicts gives way to the cell', async (t) => {
    const far = { latitude: 32.42, longitude: 119.405 }
    t.match(locationOf({ fixedAt: after(-600) }, far), { foundBy: 'cell', accuracyM: 400, staleS: 600, ...here })
  })
  t.test('a stale fix grows with its age, until the cell is the better one', async (t) => {
    t.match(locationOf({ fixedAt: after(-180) }), { foundBy: 'gps', accuracyM: 260, staleS: 180 })
    t.match(locationOf({ fixedAt: after(-300) }), { foundBy: 'cell', accuracyM: 400, staleS: 300 })
    t.match(locationOf({ fixedAt: after(-300) }, here, []), { foundBy: 'gps', staleS: 300, cell: null })
  })
  t.test('a fix two minutes old is of the moment', async (t) => {
    t.match(locationOf({ fixedAt: after(-120) }), { foundBy: 'fused', staleS: null })
  })
  t.test('a fresh fix outside the cell is kept, with an accuracy that reaches the cell', async (t) => {
    const outside = { latitude: here.latitude + 0.0135, longitude: here.longitude }
    const location = locationOf({}, outside)
    t.match(location, { foundBy: 'gps', latitude: outside.latitude })
    t.equal(location?.accuracyM, Math.round(distanceM(here, outside) - 400))
  })
  t.test('a fix worse than the cell gives way to it', async (t) => {
    t.match(locationOf({ accuracyM: 900 }), { foundBy: 'cell', accuracyM: 400 })
  })
  t.test('a bad fix falls back to the cell and is not among the opinions', async (t) => {
    t.match(locationOf({ latitude: 0, longitude: 0 }), { foundBy: 'cell', gps: null, original: null, ...here })
  })
})

t.test('a position by cell has the time of its report, and nothing of the fix that lost', async (t) => {
  const far = gps({ latitude: 32.42, longitude: 119.405 }, { fixedAt: after(-600), speedKmh: 40, headingDeg: 90 })
  const { positions } = new Stage().take(morning, position('c1', after(-5), { gps: far, cells: [cell(1)] }))
  t.match(positions, [{ foundBy: 'cell', at: after(-5), staleS: 595, speedKmh: null, headingDeg: null }])
})

t.test('a stale fix is a position of its own time, with the accuracy it had then', async (t) => {
  const fix = gps(here, { fixedAt: after(-600) })
  const { positions } = new Stage().take(morning, position('c1', morning, { gps: fix }))
  t.match(positions, [{ foundBy: 'gps', at: after(-600), staleS: 600, accuracyM: 10, grid: '32100200100155' }])
})

t.test('a device whose own clock is impossible does not make its fix stale', async (t) => {
  const fix = gps(here, { fixedAt: after(-5) })
  const { positions } = new Stage().take(morning, position('c1', new Date(Date.UTC(2080, 0)), { gps: fix }))
  t.match(positions, [{ at: after(-5), staleS: null, accuracyM: 10 }])
})

t.test('a fix is converted by its own word, else by its device, and what was said is kept', async (t) => {
  const shifted = gcj02OfWgs84(here.latitude, here.longitude)
  const near = (point: { latitude: number; longitude: number } | undefined) =>
    point === undefined ? Number.NaN : distanceM(point, here)
  const taken = (subject: string, system: 'wgs84' | 'gcj02' | null, point = shifted) =>
    new Stage().take(morning, position(subject, morning, { gps: gps(point, { system }) })).positions[0]
  t.ok(near(taken('c2', null)) < 0.001, 'a device known to speak GCJ-02')
  t.ok(near(taken('c1', 'gcj02')) < 0.001, 'a fix that says so')
  t.ok(near(taken('c2', 'wgs84', here)) < 0.001, 'a fix marked as WGS-84 is never shifted')
  t.ok(near(taken('c1', null)) > 100, 'WGS-84 is what devices speak that say nothing')
  const [intent] = new Stage().take(morning, form('c2', { gps: gps(shifted) })).intents
  t.strictSame(intent?.location?.original, { system: 'gcj02', ...shifted })
})

t.test('the ambiguity of a place is named', async (t) => {
  const at = (point: typeof here, accuracyM: number) =>
    new Stage().take(morning, form('c1', { gps: gps(point, { accuracyM }) })).intents[0]?.location
  t.match(at(here, 10), { grid: '32100200100155', gridAlternatives: [], community: { code: '321002001001' } })
  const edge = { latitude: here.latitude, longitude: here.longitude + 0.00046 }
  t.match(at(edge, 10), { grid: '32100200100155', gridAlternatives: ['32100200100156'] })
  const vague = at(here, 300)
  t.match(vague, { grid: null, community: null, street: { code: '321002001' }, district: { code: '321002' } })
  t.equal(vague?.gridAlternatives[0], '32100200100155')
  t.match(at({ latitude: 31, longitude: 119 }, 10), { grid: null, gridAlternatives: [], district: null })
})

t.test('a position by cell claims no unit grid', async (t) => {
  const { positions } = new Stage().take(morning, position('c1', morning, { cells: [cell(1)] }))
  t.match(positions, [{ foundBy: 'cell', grid: null, district: '321002', accuracyM: 400, speedKmh: null }])
})
