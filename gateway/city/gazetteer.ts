import type { Point } from './city.ts'
import type { Spot } from './crossings.ts'
import type { HouseNumbers } from './house-numbers.ts'
import type { NameTrie } from './name-trie.ts'
import type { Plan } from './plan.ts'

/** What people of this city call its places, and where those are. Names are normalised as texts are. */
export interface Gazetteer {
  /** Every name, alias and short form there is. */
  readonly names: readonly PlaceName[]
  /** Indexes into `names`, by characters. */
  readonly byCharacters: NameTrie
  /** Names that sound alike, and indexes into them by `syllableOf` the characters. Names of two characters are not in it. */
  readonly sounds: readonly (readonly PlaceName[])[]
  readonly bySound: NameTrie
  /** Roads and compounds by their names with one character left open, `?`: 采?街. The last one is never open. */
  readonly resembling: ReadonlyMap<string, readonly PlaceName[]>
  /** Places where two roads meet, found in their courses; none when they do not. */
  crossings(a: Road, b: Road): readonly Point[]
  /** Every crossing of a road with another one. */
  crossingsOf(road: Road): readonly Point[]
  readonly compounds: readonly Compound[]
  readonly plan: Plan
}

export interface PlaceName {
  readonly text: string
  /** Usually one; two roads of one name in two districts are two. */
  readonly places: readonly NamedPlace[]
}

/**
 * `full` and `alias` as the city's files have them. `short`: without its last word (采莲 for 采莲街, 春溪 for 春溪小区), which
 * names a place only beside a number, a crossing or the like.
 */
export interface NamedPlace {
  readonly place: Road | Landmark | Compound | Area
  readonly spelled: 'full' | 'alias' | 'short'
}

export interface Road {
  readonly kind: 'road'
  readonly index: number
  readonly name: string
  /** Lines in metres of the plan; none for a road that is known by its addresses alone. */
  readonly courses: readonly Float64Array[]
  readonly houses: HouseNumbers
  readonly middle: Point
  /** Half its length: nothing on the road is further from its middle. */
  readonly radiusM: number
  /** The nearest point of its lines; `null` without any. In metres of the plan. */
  nearest(x: number, y: number): Spot | null
}

export interface Landmark {
  readonly kind: 'landmark'
  readonly name: string
  /** The site's own word, such as `park`. */
  readonly what: string
  readonly point: Point
}

/** A residential compound (小区) with the buildings that are known, by their number or letter. */
export interface Compound {
  readonly kind: 'compound'
  readonly name: string
  readonly point: Point
  readonly radiusM: number
  readonly buildings: ReadonlyMap<string, Point>
}

export interface Area {
  readonly kind: 'area'
  readonly level: 'community' | 'street' | 'district'
  readonly code: string
  readonly name: string
  readonly point: Point
  readonly radiusM: number
}
