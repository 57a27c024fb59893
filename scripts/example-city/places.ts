import { degrees, geoJson, padded, range, table } from './files.ts'
import {
  blocksAcross,
  blocksUp,
  communityNameOf,
  gridsPerBlock,
  isLake,
  type Layout,
  place,
  roadsAcross,
  roadsUp,
} from './layout.ts'
import { oldCompounds, oldLandmarks, oldStreets } from './old-town.ts'
import type { Random } from './random.ts'

/** What people name when they say where: roads with their course, landmarks, residential compounds with their buildings. */
export function name(random: Random, layout: Layout): ReadonlyMap<string, string> {
  return new Map([
    ['roads.geojson', roads()],
    ['landmarks.csv', table(landmarks(random, layout))],
    ['compounds.csv', table(compounds(layout))],
  ])
}

const width = blocksAcross * gridsPerBlock
const height = blocksUp * gridsPerBlock

function roads(): string {
  const across = roadsAcross.map((road, i) => course(road, [0, i * gridsPerBlock], [width, i * gridsPerBlock]))
  const up = roadsUp.map((road, i) => course(road, [i * gridsPerBlock, 0], [i * gridsPerBlock, height]))
  const old = oldStreets.map(({ name, aliases, course }) => ({
    properties: { name, aliases },
    geometry: { type: 'LineString' as const, coordinates: course.map(([x, y]) => place(x, y)) },
  }))
  return geoJson([...across, ...up, ...old])
}

/** What is on the old signs, and what drivers say. */
const roadAliases: Readonly<Record<string, string>> = {
  采莲街: '采莲大街',
  云锦路: '云锦大道|迎宾路',
  长亭街: '老长亭街',
}

function course(road: string, [fromX, fromY]: [number, number], [toX, toY]: [number, number]) {
  const coordinates = [place(fromX, fromY), place((fromX + toX) / 2, (fromY + toY) / 2), place(toX, toY)]
  return {
    properties: { name: road, aliases: roadAliases[road] ?? '' },
    geometry: { type: 'LineString' as const, coordinates },
  }
}

/** Kinds of landmarks; each block of the plan has one or two of them, named after the block's community or a word of its own. */
const kinds = [
  ['公园', 'park'],
  ['菜市场', 'market'],
  ['小学', 'school'],
  ['中学', 'school'],
  ['医院', 'hospital'],
  ['派出所', 'police'],
  ['广场', 'square'],
  ['超市', 'shop'],
  ['图书馆', 'library'],
  ['体育馆', 'sports'],
  ['汽车站', 'station'],
  ['桥', 'bridge'],
] as const
const ownNames = [
  '望月',
  '听雨',
  '双塔',
  '芦花',
  '九曲',
  '文峰',
  '东关',
  '南门',
  '白鹭',
  '青荷',
  '锦帆',
  '砚池',
] as const

function landmarks(random: Random, layout: Layout) {
  const byPlan = new Map(layout.grids.map((grid) => [grid.centre.join(' '), grid.code]))
  const rows: {
    id: string
    name: string
    aliases: string
    kind: string
    latitude: number
    longitude: number
    grid: string
  }[] = []
  const blocks = range(blocksAcross * blocksUp).filter((n) => !isLake(n % blocksAcross, Math.floor(n / blocksAcross)))
  for (const n of blocks) {
    const [column, row] = [n % blocksAcross, Math.floor(n / blocksAcross)]
    const [suffix, kind] = kinds[(n * 5 + row) % kinds.length] ?? kinds[0]
    const own = ownNames[n % ownNames.length] ?? ownNames[0]
    const community = communityNameOf(column, row).replace(/社区$/, '')
    // A word of its own in every fourth block, once a kind; elsewhere the community's name, so that no two are alike.
    const title =
      n % 4 === 0 && !rows.some((other) => other.name === `${own}${suffix}`)
        ? `${own}${suffix}`
        : suffix === '桥' && community.endsWith('桥')
          ? `${community.slice(0, -1)}虹桥`
          : `${community}${suffix}`
    const [x, y] = [
      column * gridsPerBlock + random.integer(1, gridsPerBlock - 2),
      row * gridsPerBlock + random.integer(1, gridsPerBlock - 2),
    ]
    const grid = byPlan.get(place(x + 0.5, y + 0.5).join(' '))
    if (grid === undefined) continue
    const [longitude, latitude] = place(x + 0.5 + random.between(-0.2, 0.2), y + 0.5 + random.between(-0.2, 0.2))
    rows.push({
      id: `p-${padded(rows.length + 1, 3)}`,
      name: title,
      aliases: aliasesOf(title, suffix),
      kind,
      latitude: degrees(latitude),
      longitude: degrees(longitude),
      grid,
    })
  }
  return [...rows, ...oldLandmarks(layout, rows.length)]
}

/** What people say for short: 菜市场 is 菜场. */
function aliasesOf(title: string, suffix: string): string {
  if (suffix === '菜市场') return title.replace('菜市场', '菜场')
  if (title.endsWith('虹桥')) return title.replace('虹桥', '桥桥')
  if (suffix === '汽车站') return title.replace('汽车站', '车站')
  return ''
}

/** A residential compound in each community, with its numbered buildings in rows. */
function compounds(layout: Layout) {
  const byPlan = new Map(layout.grids.map((grid) => [grid.centre.join(' '), grid.code]))
  const rows: {
    id: string
    name: string
    aliases: string
    building: string | null
    latitude: number
    longitude: number
    grid: string
  }[] = []
  for (const n of range(blocksAcross * blocksUp)) {
    const [column, row] = [n % blocksAcross, Math.floor(n / blocksAcross)]
    if (isLake(column, row)) continue
    const title = `${communityNameOf(column, row).replace(/社区$/, '')}小区`
    const [cornerX, cornerY] = [column * gridsPerBlock + 2, row * gridsPerBlock + 2]
    const add = (building: string | null, x: number, y: number) => {
      const grid = byPlan.get(place(Math.floor(x) + 0.5, Math.floor(y) + 0.5).join(' '))
      if (grid === undefined) return
      const [longitude, latitude] = place(x, y)
      rows.push({
        id: `x-${padded(rows.length + 1, 4)}`,
        name: title,
        aliases: '',
        building,
        latitude,
        longitude,
        grid,
      })
    }
    add(null, cornerX + 1.5, cornerY + 1.5)
    for (const b of range(9)) add(`${b + 1}幢`, cornerX + 0.5 + (b % 3), cornerY + 0.5 + Math.floor(b / 3))
  }
  return [...rows, ...oldCompounds(layout, rows.length)]
}
