import t from 'tap'
import { z } from 'zod'
import type { Point } from '../gateway/city/city.ts'
import { parseCsv } from '../gateway/city/csv.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { sides } from '../gateway/city/shape.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { acceptable, type Half, type Label, readLabels } from './citizens-labels.ts'
import { exampleFiles } from './city-fixture.ts'

const halves: Readonly<Record<Half, readonly Label[]>> = { tune: readLabels('tune'), report: readLabels('report') }
const labels = Object.values(halves).flat()
const files = exampleFiles()
const { city } = await loadCity(exampleCityFolder)
if (city === null) throw new Error('the example city does not load')

function table(name: string): Record<string, string>[] {
  const [head, ...rows] = parseCsv(String(files.get(name))).records.map(({ cells }) => cells)
  return rows.map((cells) => Object.fromEntries((head ?? []).map((column, i) => [column, cells[i] ?? ''])))
}

function column(file: string, name: string): string[] {
  return table(file).map((row) => row[name] ?? '')
}

/** Unit grids of what has this name: of two lanes of one name there are two. */
function gridsOf(name: string, ...columns: string[]): Map<string, string[]> {
  const grids = new Map<string, string[]>()
  for (const row of table(name)) {
    const key = columns.map((each) => row[each]).join('')
    grids.set(key, [...(grids.get(key) ?? []), row.grid ?? ''])
  }
  return grids
}

const houses = gridsOf('addresses.csv', 'text')
const buildings = gridsOf('compounds.csv', 'name', 'building')
const landmarks = gridsOf('landmarks.csv', 'name')
const roadSchema = z.object({
  properties: z.object({ name: z.string() }),
  geometry: z.object({ coordinates: z.array(z.tuple([z.number(), z.number()])) }),
})
const roads = z.object({ features: z.array(roadSchema) }).parse(JSON.parse(String(files.get('roads.geojson')))).features
const areas = new Set([
  ...['communities.csv', 'streets.csv', 'districts.csv'].flatMap((name) => column(name, 'name')),
  ...column('compounds.csv', 'name'),
  ...roads.map(({ properties }) => properties.name),
])

type Line = readonly (readonly [number, number])[]
const linesOf = (name: string | undefined): Line[] =>
  roads.filter(({ properties }) => properties.name === name).map(({ geometry }) => geometry.coordinates)

/** Where the two roads of `…与…路口` meet; `null` when the place is no crossing. */
function crossing(place: string): Point | null {
  const [, one, other] = /^(.+)与(.+)路口$/.exec(place) ?? []
  for (const a of linesOf(one)) for (const b of linesOf(other)) for (const point of meetings(a, b)) return point
  return null
}

function* meetings(a: Line, b: Line): Generator<Point> {
  for (const [p, q] of sides(a)) {
    for (const [u, v] of sides(b)) {
      const cross = (x1: number, y1: number, x2: number, y2: number) => x1 * y2 - y1 * x2
      const turn = cross(q[0] - p[0], q[1] - p[1], v[0] - u[0], v[1] - u[1])
      const alongA = cross(u[0] - p[0], u[1] - p[1], v[0] - u[0], v[1] - u[1]) / turn
      const alongB = cross(u[0] - p[0], u[1] - p[1], q[0] - p[0], q[1] - p[1]) / turn
      const on = (share: number) => share > -1e-4 && share < 1 + 1e-4
      if (on(alongA) && on(alongB)) {
        yield { latitude: p[1] + alongA * (q[1] - p[1]), longitude: p[0] + alongA * (q[0] - p[0]) }
      }
    }
  }
}

t.test('there are enough, and no text or id is there twice', async (t) => {
  t.ok(labels.length >= 520, `${labels.length} messages`)
  t.equal(new Set(labels.map(({ text }) => text)).size, labels.length)
  t.equal(new Set(labels.map(({ id }) => id)).size, labels.length)
})

t.test('both halves have as many of each major class', async (t) => {
  const count = (half: Half) => {
    const counts = new Map<string, number>()
    for (const label of halves[half]) {
      const major = `${label.kind} ${label.codes[0]?.slice(0, 2)}`
      counts.set(major, (counts.get(major) ?? 0) + 1)
    }
    return counts
  }
  const [tune, report] = [count('tune'), count('report')]
  for (const major of new Set([...tune.keys(), ...report.keys()])) {
    const apart = Math.abs((tune.get(major) ?? 0) - (report.get(major) ?? 0))
    t.ok(apart <= 1, `${major}: ${tune.get(major)} and ${report.get(major)}`)
  }
})

t.test('every category is one of its scheme', async (t) => {
  for (const scheme of ['cjt214_2007', 'gbt47678_5_2026']) {
    const known = new Set(city.scheme(scheme)?.categories.map(({ kind, code }) => `${kind} ${code}`))
    for (const label of labels) {
      const unknown = acceptable(label, scheme).filter((category) => !known.has(category))
      if (unknown.length > 0) t.fail(`${label.id} ${unknown}`)
    }
    t.ok(known.size > 0, scheme)
  }
  t.same(
    labels.filter(({ kind, codes }) => (kind === null) !== (codes.length === 0)),
    [],
    'a kind goes with codes',
  )
})

t.test('every component and event comes first somewhere, but 其他', async (t) => {
  const first = new Set(labels.map((label) => acceptable(label, 'cjt214_2007')[0]))
  const missing = city.scheme('cjt214_2007')?.categories.filter(({ kind, code }) => !first.has(`${kind} ${code}`))
  t.ok(missing?.every(({ zh }) => zh === '其他'))
})

t.test('every unit grid is one of the city', async (t) => {
  for (const { id, grids } of labels) {
    const unknown = grids.filter((grid) => city.gridCentre(grid) === null)
    if (unknown.length > 0) t.fail(`${id} ${unknown}`)
  }
  t.same(
    labels.filter(({ area, grid, grids }) => grid !== (area ? null : (grids[0] ?? null))).map(({ id }) => id),
    [],
    'the grid is the first of the acceptable, and an area has none',
  )
})

t.test('every place is one of the city, and its unit grid is what the tables say', async (t) => {
  for (const { id, place, area, ambiguous, grids, toleranceM } of labels) {
    if (place === null) {
      if (grids.length > 0) t.fail(`${id} has a grid and no place`)
      continue
    }
    if (area) {
      if (!areas.has(place)) t.fail(`${id} ${place} is no area`)
      continue
    }
    const at = crossing(place)
    // With another tolerance the problem is some way off the crossing or landmark.
    if (at !== null && toleranceM === 15) {
      const touched = city.locate(at, 15)
      t.same([...grids].sort(), [touched?.grid, ...(touched?.alternatives ?? [])].sort(), `${id} ${place}`)
    }
    if (at !== null) continue
    const known = houses.get(place) ?? buildings.get(place) ?? landmarks.get(place) ?? []
    if (known.length === 0) t.fail(`${id} ${place} is not known`)
    if (landmarks.has(place) && toleranceM === 30) continue
    const labelled = known.filter((grid) => grids.includes(grid))
    if (labelled.length === 0 || (labelled.length > 1 && !ambiguous)) t.fail(`${id} ${place} ${known}`)
  }
})
