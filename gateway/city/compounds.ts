import { buildingLabel } from './building-label.ts'
import type { Point } from './city.ts'
import type { Compound } from './gazetteer.ts'
import type { NamedThings } from './gazetteer-files.ts'
import { groupsWithin, type Plan } from './plan.ts'

type Row = NamedThings['compounds'][number]
type Address = NamedThings['addresses'][number]

/** Houses of one compound lie no further apart; two of one name further apart are two. */
const apartM = 500
const houseM = 20
const unknownExtentM = 80

const building = /^(?<name>.{2,}?)(?<building>([0-9]+(-[0-9]+)?|[a-z一二三四五六七八九十]+)(号楼|幢|栋|座))$/

/** Takes the buildings of compounds out of the table of addresses: 春溪小区3幢. */
export function splitBuildings(compounds: readonly Row[], addresses: readonly Address[]) {
  const rows: Row[] = [...compounds]
  const names = new Set(compounds.flatMap((row) => [row.name, ...row.aliases]))
  const rest = addresses.filter(({ text, latitude, longitude }) => {
    const found = /[幢栋座楼]$/.test(text) ? building.exec(text)?.groups : undefined
    const numbered = found ?? (names.size > 0 ? ownNumber(text, names) : undefined)
    if (numbered?.name === undefined) return true
    rows.push({ name: numbered.name, aliases: [], building: numbered.building ?? null, latitude, longitude })
    return false
  })
  return { rows, rest }
}

/** A compound without buildings' names numbers its houses: 春溪小区12号. */
function ownNumber(text: string, names: ReadonlySet<string>): Record<string, string> | undefined {
  const found = /^(?<name>.{2,}?)(?<building>[0-9]+号)$/.exec(text)?.groups
  return found !== undefined && names.has(found.name ?? '') ? found : undefined
}

export function buildCompounds(rows: readonly Row[], plan: Plan) {
  const byName = new Map<string, Row[]>()
  for (const row of rows) {
    const own = byName.get(row.name)
    if (own === undefined) byName.set(row.name, [row])
    else own.push(row)
  }
  return [...byName].flatMap(([name, all]) =>
    groupsWithin(all, apartM, ({ longitude, latitude }) => {
      const [x, y] = [plan.x(longitude), plan.y(latitude)]
      return [x, y, x, y]
    }).map((group) => ({ compound: buildCompound(name, group, plan), aliases: group.flatMap((row) => row.aliases) })),
  )
}

function buildCompound(name: string, rows: readonly Row[], plan: Plan): Compound {
  const houses = rows.filter((row) => row.building !== null)
  const point = rows.find((row) => row.building === null) ?? mean(houses)
  const buildings = new Map(
    houses.map(({ building, latitude, longitude }) => [buildingLabel(building ?? ''), { latitude, longitude }]),
  )
  const reach = houses.map((house) => plan.distanceM(point, house))
  const radiusM = houses.length === 0 ? unknownExtentM : Math.round(Math.max(...reach) + houseM)
  const { latitude, longitude } = point
  return { kind: 'compound', name, point: { latitude, longitude }, radiusM, buildings }
}

function mean(points: readonly Point[]): Point {
  const sum = (of: (point: Point) => number) => points.reduce((total, point) => total + of(point), 0) / points.length
  return { latitude: sum((point) => point.latitude), longitude: sum((point) => point.longitude) }
}
