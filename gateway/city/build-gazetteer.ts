import { areasOf } from './areas.ts'
import type { Point } from './city.ts'
import { buildCompounds, splitBuildings } from './compounds.ts'
import { findCrossings, pairKey, type Spot } from './crossings.ts'
import type { Area, Compound, Gazetteer, Landmark, NamedPlace, PlaceName, Road } from './gazetteer.ts'
import type { NamedThings } from './gazetteer-files.ts'
import type { UnitGrid } from './grid-index.ts'
import { NameTrie, unitsOf } from './name-trie.ts'
import { otherNames } from './other-names.ts'
import { Plan } from './plan.ts'
import { buildRoads } from './roads.ts'
import { syllableOf } from './syllables.ts'

/** Names shorter than this sound like too much else. */
const leastSounds = 3

/** Makes the gazetteer out of what the files say; once for each version of a city. */
export function buildGazetteer(things: NamedThings, grids: Iterable<UnitGrid>): Gazetteer {
  const areas = areasOf(grids)
  const plan = new Plan(areas.find((area) => area.level === 'district')?.point ?? { latitude: 0, longitude: 0 })
  const { rows, rest } = splitBuildings(things.compounds, things.addresses)
  const compounds = buildCompounds(rows, plan)
  const { roads, unplaced } = buildRoads(things.roads, rest, areas, plan)
  const landmarks = [
    ...things.landmarks,
    ...unplaced.map((one) => ({ ...one, name: one.text, aliases: [], kind: 'address' })),
  ]
  const names = new NameList()
  for (const { road, aliases } of roads) names.add(road, aliases)
  for (const { compound, aliases } of compounds) names.add(compound, aliases)
  for (const { name, aliases, kind, latitude, longitude } of landmarks) {
    names.add({ kind: 'landmark', name, what: kind, point: { latitude, longitude } }, aliases)
  }
  for (const area of areas) names.add(area, [])
  return index(
    names.all(),
    roads.map(({ road }) => road),
    plan,
  )
}

/** Of a city that names nothing. */
export const emptyGazetteer: Gazetteer = index([], [], new Plan({ latitude: 0, longitude: 0 }))

class NameList {
  readonly #byText = new Map<string, NamedPlace[]>()

  add(place: Road | Landmark | Compound | Area, aliases: readonly string[]): void {
    const { alias, short } = otherNames(place)
    this.#set(place.name, place, 'full')
    for (const name of [...aliases, ...alias]) this.#set(name, place, 'alias')
    for (const name of short) this.#set(name, place, 'short')
  }

  all(): PlaceName[] {
    return [...this.#byText].map(([text, places]) => ({ text, places }))
  }

  #set(text: string, place: NamedPlace['place'], spelled: NamedPlace['spelled']): void {
    if (text.length < 2) return
    const known = this.#byText.get(text)
    if (known === undefined) this.#byText.set(text, [{ place, spelled }])
    else if (known.every((one) => one.place !== place)) known.push({ place, spelled })
  }
}

function index(names: readonly PlaceName[], roads: readonly Road[], plan: Plan): Gazetteer {
  const sounds = new Map<string, { units: Uint16Array; names: PlaceName[] }>()
  for (const name of names) {
    if (name.text.length < leastSounds || name.places.every((one) => one.spelled === 'short')) continue
    const units = unitsOf(name.text).map(syllableOf)
    const key = units.join()
    const group = sounds.get(key)
    if (group === undefined) sounds.set(key, { units, names: [name] })
    else group.names.push(name)
  }
  const groups = [...sounds.values()]
  const pairs = findCrossings(roads.map((road) => road.courses))
  const asPoints = (spots: readonly Spot[]): readonly Point[] => spots.map(([x, y]) => plan.point(x, y))
  const between = new Map([...pairs].map(([key, spots]) => [key, asPoints(spots)]))
  const own = new Map<number, Point[]>()
  for (const [key, points] of between) {
    for (const road of [Math.floor(key / roads.length), key % roads.length]) {
      own.set(road, [...(own.get(road) ?? []), ...points])
    }
  }
  return {
    names,
    byCharacters: new NameTrie(names.map((name) => unitsOf(name.text))),
    sounds: groups.map((group) => group.names),
    bySound: new NameTrie(groups.map((group) => group.units)),
    resembling: resembling(names),
    crossings: (a, b) => between.get(pairKey(a.index, b.index, roads.length)) ?? [],
    crossingsOf: (road) => own.get(road.index) ?? [],
    compounds: names.flatMap((name) =>
      name.places.flatMap(({ place, spelled }) => (place.kind === 'compound' && spelled === 'full' ? [place] : [])),
    ),
    plan,
  }
}

/** Longer names have enough to be known by; shorter ones resemble everything. */
const [leastOpen, mostOpen] = [3, 6]

function resembling(names: readonly PlaceName[]): Map<string, PlaceName[]> {
  const open = new Map<string, PlaceName[]>()
  for (const name of names) {
    const { text, places } = name
    const wanted = places.some(({ place, spelled }) => spelled !== 'short' && /road|compound/.test(place.kind))
    if (!wanted || text.length < leastOpen || text.length > mostOpen) continue
    for (let at = 0; at < text.length - 1; at++) {
      const key = `${text.slice(0, at)}?${text.slice(at + 1)}`
      const known = open.get(key)
      if (known === undefined) open.set(key, [name])
      else known.push(name)
    }
  }
  return open
}
