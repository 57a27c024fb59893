import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { City, Point } from '../gateway/city/city.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { areaM2, overlapM2 } from '../gateway/city/overlap.ts'
import { type Position, type Ring, Shape } from '../gateway/city/shape.ts'
import { Random } from '../scripts/example-city/random.ts'
import { exampleCityFolder, generateCity } from '../scripts/generate-city.ts'
import { editLine, exampleFiles, smallFiles, writeCity } from './city-fixture.ts'

async function load(folder: string): Promise<City> {
  const { city, problems } = await loadCity(folder)
  if (city === null) throw new Error(JSON.stringify(problems.slice(0, 5)))
  return city
}

interface GridFeature {
  readonly properties: { readonly code: string }
  readonly geometry: { readonly coordinates: readonly [Ring] }
}
const exampleGrids = (): GridFeature[] => JSON.parse(String(exampleFiles().get('grids.geojson'))).features

/** The textbook's even-odd rule on one ring, the slow way that nothing here shares. */
function inRing(ring: Ring, x: number, y: number): boolean {
  let inside = false
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i] as Position
    const [xj, yj] = ring[j] as Position
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

const city = await load(exampleCityFolder)
function countBy(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const random = new Random(7)
const anywhere = (): Point => ({
  latitude: random.between(32.355, 32.425),
  longitude: random.between(119.368, 119.472),
})

t.test('the example city is what its generator writes, byte for byte', (t) => {
  const generated = generateCity()
  for (const [name, content] of generated) {
    t.ok(readFileSync(join(exampleCityFolder, name)).equals(Buffer.from(content)), name)
  }
  t.same([...exampleFiles().keys()].sort(), [...generated.keys()].sort(), 'and nothing else is there')
  t.end()
})

t.test('the example city has all that a demonstration needs and takes little room', async (t) => {
  const { counts } = city
  const least = { districts: 4, streets: 16, communities: 107, grids: 5000, collectors: 250, vehicles: 60, leaders: 1 }
  const more = {
    cameras: 118,
    sensors: 40,
    addresses: 1278,
    towers: 200,
    components: 300,
    'sub-numbers': 4,
    schemes: 2,
  }
  for (const [kind, count] of Object.entries({ ...least, ...more })) t.ok((counts[kind] ?? 0) >= count, kind)
  const bytes = [...exampleFiles().values()].reduce((sum, content) => sum + Buffer.byteLength(String(content)), 0)
  t.ok(bytes < 4_000_000)
})

t.test('a unit grid of the example city is about a hundred metres square', (t) => {
  const areas = exampleGrids().map((grid) => areaM2(new Shape([grid.geometry.coordinates])))
  t.ok(areas.every((area) => area > 7000 && area < 13_000))
  t.end()
})

t.test('a point is found in the grid that contains it and nowhere else', async (t) => {
  const grids = exampleGrids()
  const wrong: Point[] = []
  let outside = 0
  for (let i = 0; i < 1500; i++) {
    const point = anywhere()
    const expected = grids.find(({ geometry }) => inRing(geometry.coordinates[0], point.longitude, point.latitude))
    if (expected === undefined) {
      outside++
      const beside = (grid: GridFeature) =>
        new Shape([grid.geometry.coordinates]).borderDistanceM(point.longitude, point.latitude) <= 1
      const found = grids.find((grid) => grid.properties.code === city.locate(point, null)?.grid)
      if (found !== undefined && beside(found)) continue
    }
    if ((city.locate(point, null)?.grid ?? null) !== (expected?.properties.code ?? null)) wrong.push(point)
  }
  t.same(wrong, [])
  t.ok(outside > 100 && outside < 1000, 'both sides of the border were tried')
})

t.test('a grid knows its community, street and district', async (t) => {
  for (const { properties } of exampleGrids()) {
    const centre = city.gridCentre(properties.code)
    const found = centre === null ? null : city.locate(centre, null)
    const codes = [found?.grid, found?.community.code, found?.street.code, found?.district.code]
    const { code } = properties
    if (codes.join() !== [code, code.slice(0, 12), code.slice(0, 9), code.slice(0, 6)].join()) t.fail(code)
  }
  t.match(city.locate({ latitude: 32.41, longitude: 119.38 }, null), { district: { code: '990101', name: '青荷区' } })
  t.equal(city.gridCentre('99010100100199'), null)
})

t.test(
  'a point on a border or corner inside the city is in exactly one grid, the same in every order of the file',
  async (t) => {
    const files = exampleFiles()
    const lines = String(files.get('grids.geojson')).trimEnd().split('\n')
    const features = lines.slice(1, -1).map((line) => line.replace(/,$/, ''))
    files.set('grids.geojson', `${lines[0]}\n${features.toReversed().join(',\n')}\n]}\n`)
    const reversed = await load(writeCity(t, files))
    let lost = 0
    let differing = 0
    for (const { geometry } of exampleGrids()) {
      const ring = geometry.coordinates[0]
      for (const [i, [x1, y1]] of ring.entries()) {
        const [x2, y2] = ring[i + 1] ?? [x1, y1]
        for (const share of [0, 0.37]) {
          const point = { longitude: x1 + share * (x2 - x1), latitude: y1 + share * (y2 - y1) }
          const grid = city.locate(point, null)?.grid
          if (grid === undefined) lost++
          if (grid !== reversed.locate(point, null)?.grid) differing++
        }
      }
    }
    t.equal(lost, 0)
    t.equal(differing, 0)
  },
)

t.test('of the grids around a corner or along a common side, one contains the point', (t) => {
  const rings = exampleGrids().map((grid) => grid.geometry.coordinates[0].slice(1))
  const shapes = exampleGrids().map((grid) => new Shape([grid.geometry.coordinates]))
  const meeting = countBy(rings.flat().map(String))
  const inner = (at: Position) => meeting.get(String(at)) === 4
  const corners = rings.slice(0, 400).flat().filter(inner)
  const points = corners.flatMap((a, i) => {
    const b = corners[i + 1] ?? a
    return [a, [a[0] + 0.37 * (b[0] - a[0]), a[1] + 0.37 * (b[1] - a[1])] as const]
  })
  const owners = points.map(([x, y]) => shapes.filter((shape) => shape.contains(x, y)).length)
  t.ok(points.length > 1000)
  t.same(new Set(owners), new Set([1]))
  t.end()
})

t.test('a point within a metre of a gap between grids is in the nearer one, further away in none', async (t) => {
  // The eastern edge of the city, at the middle of a grid.
  const east = 119.464646
  t.ok(city.locate({ latitude: 32.39, longitude: east - 0.00001 }, null))
  t.ok(city.locate({ latitude: 32.39, longitude: east + 0.000005 }, null))
  t.equal(city.locate({ latitude: 32.39, longitude: east + 0.00002 }, null), null)
  t.equal(city.locate({ latitude: Number.NaN, longitude: Number.NaN }, 10), null)
  t.equal(city.locate({ latitude: 32.39, longitude: Number.POSITIVE_INFINITY }, null), null)
})

t.test(
  'the other grids of an accuracy circle are named nearest first, as a search of all grids finds them',
  async (t) => {
    const shapes = exampleGrids().map((grid) => ({
      code: grid.properties.code,
      shape: new Shape([grid.geometry.coordinates]),
    }))
    for (let i = 0; i < 60; i++) {
      const point = anywhere()
      const radiusM = random.between(5, 90)
      const found = city.locate(point, radiusM)
      if (found === null) continue
      const touched = shapes
        .filter(({ code }) => code !== found.grid)
        .map(({ code, shape }) => ({ code, distanceM: shape.borderDistanceM(point.longitude, point.latitude) }))
        .filter(({ distanceM }) => distanceM <= radiusM)
        .sort((a, b) => a.distanceM - b.distanceM || (a.code < b.code ? -1 : 1))
      t.same(
        found.alternatives,
        touched.slice(0, 8).map(({ code }) => code),
      )
      if (touched.length > 8) t.equal(found.alternativesCut, true)
    }
  },
)

t.test('a circle that touches more than eight grids, or leaves the city, says so', async (t) => {
  const middle = city.gridCentre('99010100100125') ?? { latitude: 0, longitude: 0 }
  t.match(city.locate(middle, 20), { grid: '99010100100125', alternatives: [], alternativesCut: false })
  t.match(city.locate(middle, 60), { alternativesCut: false })
  t.equal(city.locate(middle, 60)?.alternatives.length, 4)
  t.equal(city.locate(middle, 300)?.alternativesCut, true, 'a circle inside the city that touches dozens')
  const wide = city.locate(middle, 5000)
  t.equal(wide?.alternatives.length, 8)
  t.equal(wide?.alternativesCut, true)
  const corner = city.locate({ latitude: 32.4183, longitude: 119.3755 }, 40)
  t.equal(corner?.grid, '99010100100101')
  t.same(corner?.alternatives, [])
  t.equal(corner?.alternativesCut, true, 'part of the circle is outside')
})

t.test('the common area of two shapes is what counting points in them finds, holes and hollows included', (t) => {
  const u: Position[] = [
    [119, 32],
    [119.003, 32],
    [119.003, 32.003],
    [119.002, 32.003],
    [119.002, 32.001],
    [119.001, 32.001],
    [119.001, 32.003],
    [119, 32.003],
    [119, 32],
  ]
  const frame: Position[] = [
    [118.9995, 32.0005],
    [119.0025, 32.0005],
    [119.0025, 32.0025],
    [118.9995, 32.0025],
    [118.9995, 32.0005],
  ]
  const hole: Position[] = [
    [119.0002, 32.0015],
    [119.0015, 32.0008],
    [119.0012, 32.0022],
    [119.0002, 32.0015],
  ]
  const a = new Shape([[u]])
  const b = new Shape([[frame, hole]])
  let counted = 0
  const steps = 400
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < steps; j++) {
      const [x, y] = [118.999 + ((i + 0.5) * 0.005) / steps, 31.9995 + ((j + 0.5) * 0.004) / steps]
      if (inRing(u, x, y) && inRing(frame, x, y) && !inRing(hole, x, y)) counted++
    }
  }
  const expectedM2 = (counted / steps ** 2) * 0.005 * 0.004 * 94_490 * 110_880
  t.ok(Math.abs(overlapM2(a, b) - expectedM2) < expectedM2 / 100, `${overlapM2(a, b)} and ${expectedM2}`)
  t.ok(Math.abs(overlapM2(a, b) - overlapM2(b, a)) < 1)
  t.equal(overlapM2(a, new Shape([[frame.map(([x, y]) => [x + 1, y] as const)]])), 0)
  t.end()
})

t.test('the distance from a route is the distance from its nearest stretch', async (t) => {
  const route = city.route('r-001')
  const start = route?.line[0]
  if (route === null || start === undefined) return t.fail('there is no route r-001')
  t.equal(route.toleranceM, 30)
  t.equal(route.distanceM(start), 0)
  // r-001 begins eastward on the city's southern border; 0.001 degrees of latitude are 110.9 m there.
  const south = { latitude: start.latitude - 0.001, longitude: start.longitude + 0.003 }
  t.ok(Math.abs(route.distanceM(south) - 110.88) < 0.05, String(route.distanceM(south)))
  const west = { latitude: start.latitude, longitude: start.longitude - 0.001 }
  t.ok(Math.abs(route.distanceM(west) - 94.1) < 0.1, String(route.distanceM(west)))
})

t.test('whoever carries a device is known with company, work grids, route, shift and work area', async (t) => {
  t.match(city.subject('h-0001'), {
    kind: 'collector',
    company: { code: 'cj-01' },
    coordinateSystem: 'wgs84',
    routeId: null,
  })
  t.match(city.subject('v-001'), {
    kind: 'vehicle',
    routeId: 'r-001',
    shiftId: 'early',
    workAreaId: 'w-001',
    workGrids: [],
  })
  t.match(city.subject('l-01'), { kind: 'leader', company: null })
  t.equal(city.subject('h-9999'), null)
  t.equal(city.subjects.length, 316)
  const worked = new Set(city.subjects.flatMap((subject) => subject.workGrids))
  t.equal(worked.size, 5243, 'every grid has a collector')
  for (const { kind, routeId, workAreaId } of city.subjects) {
    if (kind !== 'vehicle') continue
    const [line, area] = [city.route(routeId ?? '')?.line, city.workArea(workAreaId ?? '')]
    t.ok(
      line?.every((point) => area?.contains(point)),
      `${routeId} is inside ${workAreaId}`,
    )
  }
})

t.test('shifts, rules, towers, components and categories are found by their ids', async (t) => {
  t.same(city.shift('night'), { id: 'night', startMinute: 1320, endMinute: 360 })
  t.same(
    city.vehicleRules.map((rule) => rule.what),
    ['off-route', 'standing', 'outside-shift'],
  )
  t.match(city.tower(460, 1, 9901, 10_001), { radio: 'GSM', rangeM: Number, samples: Number })
  t.equal(city.tower(460, 0, 9901, 10_001), null)
  t.match(city.component('9901010101000001'), {
    categoryCode: '0101',
    scheme: 'cjt214_2007',
    name: '上水井盖',
    state: 'sound',
  })
  const old = city.scheme('cjt214_2007')
  t.equal(old?.byCode('component', '0101')?.zh, '上水井盖')
  t.equal(old?.byCode('event', '0101')?.zh, '私搭乱建', 'the same number is another thing among events')
  t.ok(old?.byCode('event', '0501')?.words.includes('占道经营'))
  t.equal(old?.byCode('event', '0403')?.emergency, true)
  t.equal(old?.byCode('event', '0104')?.emergency, false)
  t.equal(city.scheme('gbt47678_5_2026')?.byCode('event', '09006')?.zh, '占道经营')
  t.equal(city.scheme('gbt47678_5_2026')?.categories.length, 403)
  t.equal(city.scheme('cjt214_1999'), null)
})

t.test('a byte order mark and lines that end as Windows ends them are read like any other', async (t) => {
  const files = smallFiles()
  files.set('leaders.csv', `\uFEFF${String(files.get('leaders.csv')).replaceAll('\n', '\r\n')}`)
  const read = await load(writeCity(t, files))
  t.match(read.subject('l-01'), { kind: 'leader', coordinateSystem: 'wgs84' })
  editLine(files, 'leaders.csv', 3, (line) => line.replace('wgs84', 'mars'))
  const { problems } = await loadCity(writeCity(t, files))
  t.match(problems, [{ file: 'leaders.csv', line: 3 }])
})
