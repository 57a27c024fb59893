import { geoJson, type LonLat, padded, range, table } from './files.ts'
import { blocksAcross, blocksUp, gridsPerBlock, type Layout, place } from './layout.ts'
import type { Random } from './random.ts'

const surnames = [...'赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许'] as [string, ...string[]]
const givenNames = '晓梅 建国 雨桐 志强 小燕 海波 文静 立新 春兰 国庆 思远 玉珍 明亮 秋菊 子涵'.split(' ') as [
  string,
  ...string[],
]
const collectionCompanies = [
  ['cj-01', '荷风信息采集有限公司'],
  ['cj-02', '明眸城市信息采集有限公司'],
  ['cj-03', '千巡信息采集有限公司'],
] as const
const sanitationCompanies = [
  ['hw-01', '洁城环卫作业有限公司'],
  ['hw-02', '清流环境服务有限公司'],
] as const
const shifts = [
  { id: 'early', name: '早班', start: '04:00', end: '12:00' },
  { id: 'day', name: '白班', start: '08:00', end: '17:00' },
  { id: 'late', name: '晚班', start: '14:00', end: '22:00' },
  { id: 'night', name: '夜班', start: '22:00', end: '06:00' },
] as const
const vehicleTrades = ['洒水车', '扫路车', '垃圾清运车', '洗扫车', '吸污车'] as const
const collectors = 250
const vehicles = 60
const leaders = 6

/** No subscriber's number in China begins with 100: nobody can be called by mistake. */
const phone = (series: number, index: number) => `100${padded(series, 2)}${padded(index, 6)}`

export function employ(random: Random, { grids }: Layout): ReadonlyMap<string, string> {
  const name = () => `${random.pick(surnames)}${random.pick(givenNames)}`
  const collectorRows = range(collectors).map((i) => ({
    id: `h-${padded(i + 1, 4)}`,
    name: name(),
    phone: phone(1, i + 1),
    coordinateSystem: 'wgs84',
    company: collectionCompanies[i % collectionCompanies.length]?.[0] ?? '',
    workGrids: share(grids, i, collectors)
      .map((grid) => grid.code)
      .join(' '),
  }))
  const trips = range(vehicles).map((i) => trip(random, i))
  const vehicleRows = trips.map((_, i) => ({
    id: `v-${padded(i + 1, 3)}`,
    name: `${i + 1}号${vehicleTrades[i % vehicleTrades.length] ?? ''}`,
    phone: phone(2, i + 1),
    coordinateSystem: 'wgs84',
    company: sanitationCompanies[i % sanitationCompanies.length]?.[0] ?? '',
    routeId: `r-${padded(i + 1, 3)}`,
    shiftId: shifts[i % shifts.length]?.id ?? '',
    workAreaId: `w-${padded(i + 1, 3)}`,
  }))
  const leaderRows = range(leaders).map((i) => ({
    id: `l-${padded(i + 1, 2)}`,
    name: name(),
    phone: phone(3, i + 1),
    coordinateSystem: 'wgs84',
  }))
  const companyRows = [
    ...collectionCompanies.map(([code, title]) => ({ code, name: title, kind: 'collection' })),
    ...sanitationCompanies.map(([code, title]) => ({ code, name: title, kind: 'sanitation' })),
  ]
  return new Map([
    ['companies.csv', table(companyRows)],
    ['shifts.csv', table(shifts)],
    ['routes.geojson', geoJson(trips.map((t, i) => routeFeature(t, i)))],
    ['work-areas.geojson', geoJson(trips.map((t, i) => areaFeature(t, i)))],
    ['collectors.csv', table(collectorRows)],
    ['vehicles.csv', table(vehicleRows)],
    ['leaders.csv', table(leaderRows)],
    ['vehicle-rules.csv', table(vehicleRules)],
  ])
}

const rule = { scheme: 'cjt214_2007', kind: 'event' } as const
const vehicleRules = [
  {
    id: 'off-route',
    what: 'off-route',
    afterS: 120,
    clearAfterS: 300,
    distanceM: 50,
    speedKmh: 0,
    ...rule,
    code: '0199',
  },
  {
    id: 'standing',
    what: 'standing',
    afterS: 900,
    clearAfterS: 120,
    distanceM: 30,
    speedKmh: 0,
    ...rule,
    code: '0104',
  },
  {
    id: 'outside-shift',
    what: 'outside-shift',
    afterS: 300,
    clearAfterS: 600,
    distanceM: 0,
    speedKmh: 5,
    ...rule,
    code: '0199',
  },
].map((row) => ({ ...row, urgency: 'normal' }))

/** Crossings a vehicle passes, in blocks: from somewhere, block by block along the roads, never straight back. */
function trip(random: Random, index: number): (readonly [number, number])[] {
  let x = (index * 5) % (blocksAcross + 1)
  let y = (index * 3) % (blocksUp + 1)
  let from: readonly [number, number] = [-1, -1]
  const crossings: (readonly [number, number])[] = [[x, y]]
  while (crossings.length < 11) {
    const [dx, dy] = random.pick([
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ])
    const inside = x + dx >= 0 && x + dx <= blocksAcross && y + dy >= 0 && y + dy <= blocksUp
    if (!inside || (x + dx === from[0] && y + dy === from[1])) continue
    from = [x, y]
    x += dx
    y += dy
    crossings.push([x, y])
  }
  return crossings
}

function routeFeature(crossings: readonly (readonly [number, number])[], index: number) {
  const coordinates = crossings.map(([x, y]) => place(x * gridsPerBlock, y * gridsPerBlock))
  const properties = { id: `r-${padded(index + 1, 3)}`, name: `${index + 1}号作业线路`, toleranceM: 30 }
  return { properties, geometry: { type: 'LineString' as const, coordinates } }
}

/** The box around a route and half a grid beyond it. */
function areaFeature(crossings: readonly (readonly [number, number])[], index: number) {
  const xs = crossings.map(([x]) => x * gridsPerBlock)
  const ys = crossings.map(([, y]) => y * gridsPerBlock)
  const [west, south] = place(Math.min(...xs) - 0.5, Math.min(...ys) - 0.5)
  const [east, north] = place(Math.max(...xs) + 0.5, Math.max(...ys) + 0.5)
  const ring: LonLat[] = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ]
  const properties = { id: `w-${padded(index + 1, 3)}`, name: `${index + 1}号作业区` }
  return { properties, geometry: { type: 'Polygon' as const, coordinates: [ring] } }
}

/** The i-th of `parts` nearly equal shares of a list. */
function share<T>(list: readonly T[], i: number, parts: number): readonly T[] {
  return list.slice(Math.floor((i * list.length) / parts), Math.floor(((i + 1) * list.length) / parts))
}
