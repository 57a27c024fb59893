import { degrees, type LonLat, padded } from './files.ts'
import { type Layout, place } from './layout.ts'

/**
 * What a real city has beside its ground plan: a main road with many houses, lanes that end at a street, a river road that
 * bends, names that stand twice, names that are also words (井盖厂, 垃圾巷 …), houses with lanes and second numbers.
 */

/** On the plan, in grids from the south-western corner. */
type Spot = readonly [x: number, y: number]

interface Street {
  readonly name: string
  readonly aliases: string
  readonly course: readonly Spot[]
  /** Houses from its beginning to its end; odd ones on the left. */
  readonly houses: number
}

export const oldStreets: readonly Street[] = [
  {
    name: '文昌中路',
    aliases: '文昌路|文昌大道',
    course: [
      [14, 31.5],
      [40, 31.5],
      [70, 31.5],
    ],
    houses: 240,
  },
  {
    name: '东关街',
    aliases: '东关老街',
    course: [
      [24.5, 31.5],
      [24.5, 33.8],
    ],
    houses: 48,
  },
  {
    name: '滨河路',
    aliases: '滨河大道|河边路',
    course: [
      [2, 10.5],
      [20, 12.5],
      [38.5, 17.5],
      [52.5, 24.5],
      [80, 26.5],
    ],
    houses: 160,
  },
  {
    name: '环湖路',
    aliases: '望荷湖环路',
    course: [
      [41.5, 34.4],
      [49.6, 34.4],
      [49.6, 42.6],
      [41.4, 42.6],
      [41.4, 34.4],
    ],
    houses: 60,
  },
  {
    name: '幸福巷',
    aliases: '',
    course: [
      [10.5, 35],
      [10.5, 38.5],
    ],
    houses: 26,
  },
  {
    name: '幸福巷',
    aliases: '',
    course: [
      [66.5, 7],
      [66.5, 10.5],
    ],
    houses: 30,
  },
  {
    name: '豆腐巷',
    aliases: '',
    course: [
      [21, 45.5],
      [24.5, 45.5],
    ],
    houses: 22,
  },
  {
    name: '灯笼巷',
    aliases: '灯笼弄',
    course: [
      [31.5, 49],
      [31.5, 52.5],
    ],
    houses: 20,
  },
  {
    name: '垃圾巷',
    aliases: '',
    course: [
      [35, 3.5],
      [38.5, 3.5],
    ],
    houses: 18,
  },
  {
    name: '井栏巷',
    aliases: '',
    course: [
      [56, 38.5],
      [59.5, 38.5],
    ],
    houses: 24,
  },
  {
    name: '铜匠弄',
    aliases: '',
    course: [
      [17.5, 56],
      [17.5, 59.5],
    ],
    houses: 16,
  },
  {
    name: '学士街东延',
    aliases: '',
    course: [
      [63, 52.5],
      [68, 52.5],
    ],
    houses: 12,
  },
]

interface Sight {
  readonly name: string
  readonly aliases: string
  readonly kind: string
  readonly at: Spot
}

export const oldSights: readonly Sight[] = [
  { name: '芦洲火车站', aliases: '火车站|芦洲站', kind: 'station', at: [77.5, 24.4] },
  { name: '芦洲市第一人民医院', aliases: '第一人民医院|市一院|一院|人民医院', kind: 'hospital', at: [30.4, 30.5] },
  { name: '芦洲大学', aliases: '芦大', kind: 'school', at: [66.5, 59.5] },
  { name: '市民中心', aliases: '政务服务中心', kind: 'office', at: [52.5, 32.4] },
  { name: '望荷湖公园', aliases: '望荷湖', kind: 'park', at: [45.5, 33.5] },
  { name: '星汇购物中心', aliases: '星汇广场|星汇', kind: 'shop', at: [37.4, 32.4] },
  { name: '实验小学', aliases: '', kind: 'school', at: [11.6, 52.4] },
  { name: '实验小学', aliases: '', kind: 'school', at: [73.4, 17.6] },
  { name: '长虹桥', aliases: '', kind: 'bridge', at: [42.2, 19.4] },
  { name: '东关古渡', aliases: '古渡口', kind: 'sight', at: [24.5, 34.1] },
  { name: '井盖厂', aliases: '', kind: 'factory', at: [5.5, 17.5] },
  { name: '绿源垃圾中转站', aliases: '垃圾中转站', kind: 'sanitation', at: [82.4, 3.4] },
  { name: '荷花池公交首末站', aliases: '公交首末站', kind: 'station', at: [18.4, 3.6] },
]

interface Yard {
  readonly name: string
  readonly aliases: string
  /** South-western corner; three buildings in a row. */
  readonly at: Spot
  readonly buildings: readonly string[]
}

export const oldYards: readonly Yard[] = [
  { name: '和平新村', aliases: '', at: [4.5, 46.5], buildings: ['1幢', '2幢', '3幢', '4幢', '5幢', '6幢'] },
  { name: '和平新村', aliases: '', at: [60.5, 4.5], buildings: ['1幢', '2幢', '3幢', '4幢'] },
  { name: '路灯厂宿舍', aliases: '路灯厂家属院', at: [32.5, 10.5], buildings: ['1号楼', '2号楼', '3号楼'] },
  { name: '芦苇雅苑', aliases: '雅苑', at: [46.5, 46.5], buildings: ['A座', 'B座', 'C座'] },
]

/** Houses that are no plain number, beside the numbered ones. */
const oddHouses: readonly (readonly [street: string, house: string, share: number])[] = [
  ['文昌中路', '12-1号', 0.052],
  ['文昌中路', '118弄1号', 0.491],
  ['文昌中路', '118弄3号', 0.493],
  ['文昌中路', '118弄5号', 0.495],
  ['滨河路', '36号之1', 0.226],
]

interface AddressRow {
  readonly text: string
  readonly latitude: number
  readonly longitude: number
  readonly grid: string
}

/** Which grid a spot of the plan is in, corners that are off the plan left aside; `null` for the lake. */
export function gridsByPlan({ grids }: Layout): (x: number, y: number) => string | null {
  const byPlan = new Map(grids.map((grid) => [grid.centre.join(' '), grid.code]))
  return (x, y) => byPlan.get(place(Math.floor(x) + 0.5, Math.floor(y) + 0.5).join(' ')) ?? null
}

export function oldAddresses(layout: Layout): AddressRow[] {
  const gridAt = gridsByPlan(layout)
  const rows: AddressRow[] = []
  const add = (text: string, [x, y]: Spot) => {
    const grid = gridAt(x, y)
    if (grid === null) return
    const [longitude, latitude] = place(x, y)
    rows.push({ text, latitude, longitude, grid })
  }
  for (const street of oldStreets) {
    for (let number = 1; number <= street.houses; number++) {
      // A few numbers were never given, or their houses are gone.
      if (number % 17 === 0) continue
      add(
        `${street.name}${number}号`,
        beside(street.course, (number - 0.5) / street.houses, number % 2 === 1 ? 0.14 : -0.14),
      )
    }
  }
  for (const [name, house, share] of oddHouses) {
    const street = oldStreets.find((one) => one.name === name)
    if (street !== undefined) add(`${name}${house}`, beside(street.course, share, -0.2))
  }
  return rows
}

/** A spot at a share of a course's length, so far to its left. */
function beside(course: readonly Spot[], share: number, left: number): Spot {
  const lengths = course.slice(1).map(([x, y], i) => Math.hypot(x - (course[i]?.[0] ?? x), y - (course[i]?.[1] ?? y)))
  let along = share * lengths.reduce((sum, length) => sum + length, 0)
  for (const [i, length] of lengths.entries()) {
    const [[x1, y1], [x2, y2]] = [course[i] ?? [0, 0], course[i + 1] ?? [0, 0]]
    if (along <= length || i === lengths.length - 1) {
      const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length]
      return [x1 + dx * along - dy * left, y1 + dy * along + dx * left]
    }
    along -= length
  }
  return course[0] ?? [0, 0]
}

interface PlacedRow {
  readonly latitude: number
  readonly longitude: number
  readonly grid: string
}

export function oldLandmarks(layout: Layout, from: number) {
  const gridAt = gridsByPlan(layout)
  return oldSights.map(({ name, aliases, kind, at }, i) => {
    return { id: `p-${padded(from + i + 1, 3)}`, name, aliases, kind, ...placed(gridAt, at) }
  })
}

export function oldCompounds(layout: Layout, from: number) {
  const gridAt = gridsByPlan(layout)
  const rows = oldYards.flatMap(({ name, aliases, at: [x, y], buildings }) => [
    { name, aliases, building: null, ...placed(gridAt, [x + 1, y + 0.5]) },
    ...buildings.map((building, i) => ({
      name,
      aliases: '',
      building,
      ...placed(gridAt, [x + (i % 3) * 0.9, y + Math.floor(i / 3) * 0.9]),
    })),
  ])
  return rows.map((row, i) => ({ id: `x-${padded(from + i + 1, 4)}`, ...row }))
}

function placed(gridAt: ReturnType<typeof gridsByPlan>, [x, y]: Spot): PlacedRow {
  const [longitude, latitude]: LonLat = place(x, y)
  const grid = gridAt(x, y)
  if (grid === null) throw new Error(`the spot ${x}, ${y} of the plan is in no grid`)
  return { latitude: degrees(latitude), longitude: degrees(longitude), grid }
}
