import t from 'tap'
import { parseCsv } from '../gateway/city/csv.ts'
import { lineOf } from '../gateway/city/geojson.ts'
import { loadCity } from '../gateway/city/load-city.ts'
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

function column(name: string, ...columns: string[]): string[] {
  return table(name).map((row) => columns.map((each) => row[each]).join(''))
}

function gridOf(name: string, ...columns: string[]): Map<string, string> {
  return new Map(table(name).map((row) => [columns.map((each) => row[each]).join(''), row.grid ?? '']))
}

const houses = gridOf('addresses.csv', 'text')
const buildings = gridOf('compounds.csv', 'name', 'building')
const landmarks = gridOf('landmarks.csv', 'name')
const roads = new Map<string, ReturnType<typeof lineOf>>(
  JSON.parse(String(files.get('roads.geojson'))).features.map(
    (road: { properties: { name: string }; geometry: unknown }) => [road.properties.name, lineOf(road.geometry)],
  ),
)
const areas = new Set([
  ...['communities.csv', 'streets.csv', 'districts.csv'].flatMap((name) => column(name, 'name')),
  ...column('compounds.csv', 'name'),
  ...roads.keys(),
])

/** Streets of this city run along a parallel, roads along a meridian. */
function crossing(place: string): { latitude: number; longitude: number } | null {
  const [, one, other] = /^(.+)与(.+)路口$/.exec(place) ?? []
  const [street, road] = one?.endsWith('街') ? [one, other] : [other, one]
  const latitude = roads.get(street ?? '')?.[0]?.[1]
  const longitude = roads.get(road ?? '')?.[0]?.[0]
  return latitude === undefined || longitude === undefined ? null : { latitude, longitude }
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
  for (const { id, place, area, grids, toleranceM } of labels) {
    if (place === null) {
      if (grids.length > 0) t.fail(`${id} has a grid and no place`)
      continue
    }
    if (area) {
      if (!areas.has(place)) t.fail(`${id} ${place} is no area`)
      continue
    }
    const at = crossing(place)
    if (at !== null) {
      // 30 m: some way off the crossing.
      const touched = city.locate(at, 15)
      const right = [touched?.grid, ...(touched?.alternatives ?? [])].sort()
      if (toleranceM === 15 && JSON.stringify(right) !== JSON.stringify([...grids].sort())) t.fail(`${id} ${place}`)
      continue
    }
    const known = houses.get(place) ?? buildings.get(place) ?? landmarks.get(place)
    const offset = landmarks.has(place) && toleranceM === 30
    if (known === undefined || (!offset && !grids.includes(known))) t.fail(`${id} ${place} ${known}`)
  }
  t.ok(labels.some(({ place }) => place !== null && crossing(place) !== null))
})
