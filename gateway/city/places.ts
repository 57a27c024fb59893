import { z } from 'zod'
import { digits, text } from './cells.ts'
import type { City, Place } from './city.ts'
import { polygonsOf } from './geojson.ts'
import { asPoint, GridIndex, type UnitGrid } from './grid-index.ts'
import type { CityReader, Feature, Source } from './reader.ts'
import { coordinateFault, ringFault } from './ring-check.ts'
import { type Position, Shape } from './shape.ts'

/** Digits of district, street and community codes; each begins with its parent's code, in both grid schemes. */
const placeDigits = { districts: 6, streets: 9, communities: 12 } as const
const parents = { streets: 'districts', communities: 'streets' } as const

/** Digits or characters of a unit grid's identifier, by scheme and edition. */
const gridPatterns = {
  cjt213_2005: { pattern: /^[0-9]{14}$/, words: '14 digits' },
  gbt47678_3_2026: { pattern: /^[0-9A-Z]{15}$/, words: '15 digits and capital letters' },
} as const

const gridProperties = z.strictObject({
  code: z.string(),
  /** Code of its community. In the 14-digit scheme the grid's own code says it and this may be left out. */
  community: z.string().optional(),
})

export interface Places {
  readonly index: GridIndex
  readonly grids: ReadonlyMap<string, UnitGrid>
  readonly districts: ReadonlyMap<string, Place>
  readonly counts: Readonly<Record<'districts' | 'streets' | 'communities' | 'grids', number>>
}

/** Districts, streets, communities and unit grids. */
export function readPlaces(reader: CityReader, scheme: City['gridScheme']): Places {
  const districts = readLevel(reader, 'districts')
  const streets = readLevel(reader, 'streets')
  const communities = readLevel(reader, 'communities')
  const read = reader
    .features('grids', gridProperties)
    .flatMap((feature) => readGrid(reader, feature, scheme, { districts, streets, communities }))
  const index = new GridIndex(read.map(({ grid }) => grid))
  reportOverlaps(reader, index, read)
  return {
    index,
    grids: new Map(read.map(({ grid }) => [grid.code, grid])),
    districts,
    counts: { districts: districts.size, streets: streets.size, communities: communities.size, grids: read.length },
  }
}

type Level = keyof typeof placeDigits
type Levels = Readonly<Record<Level, ReadonlyMap<string, Place>>>

function readLevel(reader: CityReader, level: Level): Map<string, Place> {
  const places = new Map<string, Place>()
  for (const row of reader.rows(level, z.object({ code: digits(placeDigits[level]), name: text() }))) {
    if (!reader.define(level, row.value.code, row)) continue
    places.set(row.value.code, Object.freeze(row.value))
    if (level === 'districts') continue
    const parent = parents[level]
    reader.refer(parent, row.value.code.slice(0, placeDigits[parent]), row, 'column code')
  }
  return places
}

interface ReadGrid {
  readonly grid: UnitGrid
  readonly where: Source
}

function readGrid(
  reader: CityReader,
  feature: Feature<z.output<typeof gridProperties>>,
  scheme: City['gridScheme'],
  levels: Levels,
): ReadGrid[] {
  const { code } = feature.value
  const communityCode = communityOf(reader, feature, scheme)
  const first = reader.define('grids', code, feature)
  const known = reader.refer('communities', communityCode, feature, 'community')
  const shape = readShape(reader, feature, feature.geometry)
  const community = levels.communities.get(communityCode ?? '')
  if (!first || !known || shape === null || community === undefined) return []
  const street = levels.streets.get(community.code.slice(0, placeDigits.streets))
  const district = levels.districts.get(community.code.slice(0, placeDigits.districts))
  // The community's own row already says that its street or district is unknown.
  if (street === undefined || district === undefined) return []
  return [{ grid: { code, shape, community, street, district }, where: feature }]
}

function communityOf(
  reader: CityReader,
  feature: Feature<z.output<typeof gridProperties>>,
  scheme: City['gridScheme'],
): string | null {
  const { code, community } = feature.value
  const { pattern, words } = gridPatterns[scheme]
  if (!pattern.test(code)) {
    reader.problem(feature, `property code: must be ${words} in ${scheme}, not ${JSON.stringify(code)}`)
    return null
  }
  if (scheme === 'gbt47678_3_2026') {
    if (community === undefined) reader.problem(feature, 'property community: is missing')
    return community ?? null
  }
  const prefix = code.slice(0, placeDigits.communities)
  if (community !== undefined && community !== prefix) {
    reader.problem(feature, `property community: ${JSON.stringify(community)} is not the beginning of the code ${code}`)
  }
  return prefix
}

/** An area out of a Polygon or MultiPolygon; what is wrong with it is reported, `null` then. */
export function readShape(reader: CityReader, where: Source, geometry: unknown): Shape | null {
  const polygons = polygonsOf(geometry)
  const fault = polygons === null ? 'the geometry is no Polygon or MultiPolygon' : shapeFault(polygons)
  if (fault !== null) reader.problem(where, fault)
  return fault === null && polygons !== null ? new Shape(polygons) : null
}

function shapeFault(polygons: readonly (readonly Position[][])[]): string | null {
  for (const ring of polygons.flat()) {
    const fault = ring.map(([x, y]) => coordinateFault(x, y)).find((found) => found !== null) ?? ringFault(ring)
    if (fault !== null) return fault
  }
  return null
}

function reportOverlaps(reader: CityReader, index: GridIndex, read: readonly ReadGrid[]): void {
  const where = new Map(read.map((entry) => [entry.grid.code, entry.where]))
  for (const { a, b, m2 } of index.overlaps()) {
    const [first, second] = [where.get(a.code), where.get(b.code)]
    if (first === undefined || second === undefined) continue
    const place = `${first.file}:${first.line}`
    reader.problem(second, `the grid ${b.code} overlaps ${a.code} (${place}) by ${Math.round(m2)} m²`)
  }
}

export function gridCentre(grid: UnitGrid | undefined) {
  return grid === undefined ? null : asPoint(grid.shape.innerPoint())
}
