import type { Point } from './city.ts'
import { nearestOn, type Spot } from './crossings.ts'
import type { Area, Road } from './gazetteer.ts'
import type { NamedThings } from './gazetteer-files.ts'
import { type HouseNumber, parseAddress } from './house-number.ts'
import { HouseNumbers } from './house-numbers.ts'
import { groupsWithin, type Plan } from './plan.ts'

type RoadRow = NamedThings['roads'][number]
type Address = NamedThings['addresses'][number]
type House = HouseNumber & Point

/** Records of one name with less than this between them are one road; further apart, two roads of one name. */
const apartM = 300
/** A house this far from every road of its name belongs to one that has no line. */
const besideM = 500

interface Draft {
  readonly name: string
  readonly aliases: readonly string[]
  readonly courses: readonly Float64Array[]
  readonly houses: House[]
}

/** Roads with their houses; addresses that are no house on a road are left over. */
export function buildRoads(
  rows: readonly RoadRow[],
  addresses: readonly Address[],
  areas: readonly Area[],
  plan: Plan,
) {
  const drafts = new Map<string, Draft[]>()
  for (const [name, own] of grouped(rows, (row) => row.name)) drafts.set(name, draftsOf(name, own, plan))
  const byAlias = new Map(
    [...drafts.values()].flat().flatMap((draft) => draft.aliases.map((alias) => [alias, draft.name])),
  )
  const prefixes = areas.map((area) => area.name)
  const homeless = new Map<string, House[]>()
  const unplaced: Address[] = []
  for (const address of addresses) {
    const written = parseAddress(address.text)
    if (written === null) {
      unplaced.push(address)
      continue
    }
    const house = { ...written.house, latitude: address.latitude, longitude: address.longitude }
    const said = drafts.has(written.road) ? written.road : withoutArea(written.road, prefixes)
    const name = byAlias.get(said) ?? said
    const draft = nearestDraft(drafts.get(name) ?? [], house, plan)
    if (draft !== null) draft.houses.push(house)
    else homeless.set(name, [...(homeless.get(name) ?? []), house])
  }
  for (const [name, houses] of homeless)
    drafts.set(name, [...(drafts.get(name) ?? []), ...withoutLine(name, houses, plan)])
  const all = [...drafts.values()].flat()
  return { roads: all.map((draft, index) => ({ road: roadOf(draft, index, plan), aliases: draft.aliases })), unplaced }
}

function draftsOf(name: string, rows: readonly RoadRow[], plan: Plan): Draft[] {
  const lines = rows.map(({ line, aliases }) => ({
    aliases,
    course: Float64Array.from(line.flatMap(([longitude, latitude]) => [plan.x(longitude), plan.y(latitude)])),
  }))
  return groupsWithin(lines, apartM, ({ course }) => boxOf(course)).map((group) => ({
    name,
    aliases: [...new Set(group.flatMap((one) => one.aliases))],
    courses: group.map((one) => one.course),
    houses: [],
  }))
}

function withoutLine(name: string, houses: readonly House[], plan: Plan): Draft[] {
  return groupsWithin(houses, apartM * 2, ({ longitude, latitude }) => {
    const [x, y] = [plan.x(longitude), plan.y(latitude)]
    return [x, y, x, y]
  }).map((group) => ({ name, aliases: [], courses: [], houses: group }))
}

/** 青荷区采莲街 is 采莲街, as is 青荷区荷香街道采莲街. */
function withoutArea(road: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((name) => road.startsWith(name) && road.length > name.length + 1)
  return prefix === undefined ? road : withoutArea(road.slice(prefix.length), prefixes)
}

function nearestDraft(drafts: readonly Draft[], house: House, plan: Plan): Draft | null {
  if (drafts.length < 2) return drafts[0] ?? null
  const [x, y] = [plan.x(house.longitude), plan.y(house.latitude)]
  let [best, bestM] = [null as Draft | null, besideM]
  for (const draft of drafts) {
    const spot = nearestSpot(draft.courses, x, y)
    const distanceM = spot === null ? Number.POSITIVE_INFINITY : Math.hypot(spot[0] - x, spot[1] - y)
    if (distanceM < bestM) [best, bestM] = [draft, distanceM]
  }
  return best
}

function roadOf({ name, courses, houses: listed }: Draft, index: number, plan: Plan): Road {
  const houses = new HouseNumbers(listed)
  const nearest = (x: number, y: number) => nearestSpot(courses, x, y)
  const boxes = courses.map(boxOf)
  const [west, south, east, north] = [0, 1, 2, 3].map((i) =>
    (i < 2 ? Math.min : Math.max)(...boxes.map((box) => box[i] as number)),
  ) as [number, number, number, number]
  const spot = nearest((west + east) / 2, (south + north) / 2)
  if (spot === null) {
    const { point, radiusM } = houses.middle() ?? { point: { latitude: 0, longitude: 0 }, radiusM: 0 }
    return { kind: 'road', index, name, courses, houses, middle: point, radiusM: Math.max(50, radiusM), nearest }
  }
  let radiusM = 50
  for (const course of courses) {
    for (let i = 0; i < course.length; i += 2) {
      radiusM = Math.max(radiusM, Math.hypot((course[i] as number) - spot[0], (course[i + 1] as number) - spot[1]))
    }
  }
  const middle = plan.point(...spot)
  return { kind: 'road', index, name, courses, houses, middle, radiusM: Math.round(radiusM), nearest }
}

function nearestSpot(courses: readonly Float64Array[], x: number, y: number): Spot | null {
  let best: Spot | null = null
  let bestM = Number.POSITIVE_INFINITY
  for (const course of courses) {
    for (let i = 0; i + 3 < course.length; i += 2) {
      const [x1, y1, x2, y2] = course.subarray(i, i + 4) as unknown as [number, number, number, number]
      const spot = nearestOn(x, y, x1, y1, x2, y2)
      const distanceM = Math.hypot(spot[0] - x, spot[1] - y)
      if (distanceM < bestM) [best, bestM] = [spot, distanceM]
    }
  }
  return best
}

function boxOf(course: Float64Array): readonly [number, number, number, number] {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number]
  for (let i = 0; i < course.length; i += 2) {
    west = Math.min(west, course[i] as number)
    east = Math.max(east, course[i] as number)
    south = Math.min(south, course[i + 1] as number)
    north = Math.max(north, course[i + 1] as number)
  }
  return [west, south, east, north]
}

function grouped<T>(things: readonly T[], keyOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const thing of things) {
    const own = groups.get(keyOf(thing))
    if (own === undefined) groups.set(keyOf(thing), [thing])
    else own.push(thing)
  }
  return groups
}
