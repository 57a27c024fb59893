import { degrees, geoJson, type LonLat, padded, table } from './files.ts'
import type { Random } from './random.ts'

/**
 * The ground plan: 12 × 9 blocks of 7 × 7 unit grids of about 100 m × 100 m. A block is a community, one of them a lake;
 * three columns of blocks make a street, half the city's width and height a district. Roads run between the blocks.
 */
export const blocksAcross = 12
export const blocksUp = 9
export const gridsPerBlock = 7

const lake = { column: 6, row: 5 }
const firstNorthernRow = 4
const gridWidth = 0.001063
const gridHeight = 0.000902
const south = 32.39 - (blocksUp * gridsPerBlock * gridHeight) / 2
const west = 119.42 - (blocksAcross * gridsPerBlock * gridWidth) / 2

/** No division of GB/T 2260 begins with 99. */
const districtNames = ['青荷区', '白鹭区', '锦帆区', '南亭区'] as const
const streetNames = [
  ['荷香街道', '藕塘街道', '听雨街道', '望荷街道'],
  ['沙汀街道', '苇岸街道', '鸣渚街道', '栖鹭街道'],
  ['渡口街道', '船坊街道', '桅影街道', '云帆街道'],
  ['松风街道', '砚池街道', '书台街道', '石桥街道'],
] as const
const communityNames = ['春晴明清翠兰桂枫柏云月星', '溪苑桥坊庭渡里湾园'] as const

export const roadsAcross = '听荷街 采莲街 藕香街 白沙街 长亭街 画舫街 锦云街 砚山街 望潮街 归帆街'.split(' ')
export const roadsUp =
  '柳荫路 竹影路 晴岚路 鸣鹭路 枕河路 石榴路 云锦路 拂晓路 星桥路 松涛路 渔歌路 麦浪路 秋水路'.split(' ')

export interface Grid {
  readonly code: string
  readonly ring: readonly LonLat[]
  readonly centre: LonLat
}

export interface Layout {
  readonly grids: readonly Grid[]
  readonly districts: readonly { readonly code: string; readonly name: string }[]
  readonly files: ReadonlyMap<string, string>
}

export function communityNameOf(column: number, row: number): string {
  return `${communityNames[0][column]}${communityNames[1][row]}社区`
}

export function isLake(column: number, row: number): boolean {
  return column === lake.column && row === lake.row
}

/** A place on the plan, in grids from the south-western corner. */
export function place(x: number, y: number): LonLat {
  return [degrees(west + x * gridWidth), degrees(south + y * gridHeight)]
}

export function layOut(random: Random): Layout {
  const districts = districtNames.map((name, index) => ({ code: `9901${padded(index + 1, 2)}`, name }))
  const streets = new Map<string, string>()
  const communities = new Map<string, string>()
  const corner = corners(random)
  const grids: Grid[] = []
  for (let row = blocksUp - 1; row >= 0; row--) {
    for (let column = 0; column < blocksAcross; column++) {
      if (isLake(column, row)) continue
      const { street, streetName } = streetOf(column, row)
      const members = [...communities.keys()].filter((code) => code.startsWith(street)).length
      const community = `${street}${padded(members + 1, 3)}`
      streets.set(street, streetName)
      communities.set(community, communityNameOf(column, row))
      grids.push(...gridsOf(community, column, row, corner))
    }
  }
  const named = (places: ReadonlyMap<string, string>) =>
    table([...places].map(([code, name]) => ({ code, name })).sort((a, b) => (a.code < b.code ? -1 : 1)))
  grids.sort((a, b) => (a.code < b.code ? -1 : 1))
  const features = grids.map(({ code, ring }) => ({
    properties: { code },
    geometry: { type: 'Polygon' as const, coordinates: [ring] },
  }))
  const files = new Map([
    ['districts.csv', table(districts)],
    ['streets.csv', named(streets)],
    ['communities.csv', named(communities)],
    ['grids.geojson', geoJson(features)],
  ])
  return { grids, districts, files }
}

function streetOf(column: number, row: number) {
  const northern = row >= firstNorthernRow
  const eastern = column >= blocksAcross / 2
  const district = (northern ? 0 : 2) + (eastern ? 1 : 0)
  const middle = northern ? 7 : 2
  const within = (row >= middle ? 0 : 2) + (column % 6 >= 3 ? 1 : 0)
  return {
    street: `9901${padded(district + 1, 2)}${padded(within + 1, 3)}`,
    streetName: streetNames[district]?.[within] ?? '',
  }
}

/** Grids number from west to east, then from north to south, as the numbering rule of Beijing has it. */
function gridsOf(community: string, column: number, row: number, corner: (x: number, y: number) => LonLat): Grid[] {
  const grids: Grid[] = []
  for (let down = 0; down < gridsPerBlock; down++) {
    for (let across = 0; across < gridsPerBlock; across++) {
      const x = column * gridsPerBlock + across
      const y = (row + 1) * gridsPerBlock - 1 - down
      const ring = [corner(x, y), corner(x + 1, y), corner(x + 1, y + 1), corner(x, y + 1), corner(x, y)]
      const code = `${community}${padded(grids.length + 1, 2)}`
      grids.push({ code, ring, centre: place(x + 0.5, y + 0.5) })
    }
  }
  return grids
}

/** Corners inside a block are up to eight metres off the plan, as lanes and walls have it; those on a road are not. */
function corners(random: Random): (x: number, y: number) => LonLat {
  const known = new Map<string, LonLat>()
  for (let y = 0; y <= blocksUp * gridsPerBlock; y++) {
    for (let x = 0; x <= blocksAcross * gridsPerBlock; x++) {
      const onRoad = x % gridsPerBlock === 0 || y % gridsPerBlock === 0
      const shift = () => (onRoad ? 0 : random.between(-0.08, 0.08))
      known.set(`${x} ${y}`, place(x + shift(), y + shift()))
    }
  }
  return (x, y) => known.get(`${x} ${y}`) ?? place(x, y)
}
