import type { Point } from './city.ts'
import type { HouseNumber } from './house-number.ts'
import { metresPerDegree } from './metric.ts'

export interface HouseFinding {
  readonly point: Point
  readonly accuracyM: number
  /**
   * `listed`: in the table. `beside`: the house it belongs to is (12 for 12-1). `between`: its neighbours on the same side
   * are. `lane`: other houses of the lane are. `beyond`: the numbers end shortly before it. `far`: they end long before it.
   */
  readonly found: 'listed' | 'beside' | 'between' | 'lane' | 'beyond' | 'far'
  readonly because: string
}

const houseM = 20
/** Nobody knows which way the numbers go on. */
const newHouseM = 60
/** Numbers this far behind the last one may be new houses. */
const newHouses = 10
const scale = 1e7

/** The houses of a road in order of their numbers; 16 bytes a house. */
export class HouseNumbers {
  readonly #keys: Float64Array
  readonly #latitudes: Int32Array
  readonly #longitudes: Int32Array

  constructor(houses: readonly (HouseNumber & Point)[]) {
    const sorted = houses.toSorted((a, b) => keyOf(a) - keyOf(b))
    this.#keys = Float64Array.from(sorted, keyOf)
    this.#latitudes = Int32Array.from(sorted, ({ latitude }) => Math.round(latitude * scale))
    this.#longitudes = Int32Array.from(sorted, ({ longitude }) => Math.round(longitude * scale))
  }

  get count(): number {
    return this.#keys.length
  }

  has(house: HouseNumber): boolean {
    return this.#keys[this.#from(keyOf(house))] === keyOf(house)
  }

  find(house: HouseNumber): HouseFinding | null {
    const key = keyOf(house)
    const at = this.#from(key)
    if (this.#keys[at] === key) return this.#finding(at, houseM, 'listed', 'in the table')
    if (house.sub !== 0) {
      const main = this.find({ ...house, sub: 0 })
      return main === null ? null : { ...main, found: main.found === 'listed' ? 'beside' : main.found }
    }
    const [next] = this.#house(at)
    if (house.number !== 0 && next === house.number && this.#laneAt(at) === house.lane) {
      return this.#finding(at, houseM + 10, 'beside', `beside ${this.#text(at)}`)
    }
    if (house.lane !== 0) return this.#inLane(house)
    return this.#amongNeighbours(house.number, at)
  }

  /** The middle of the numbers, and how far they reach from it; `null` for a road without houses. */
  middle(): { readonly point: Point; readonly radiusM: number } | null {
    return this.#around(0, this.#keys.length)
  }

  #inLane({ lane, number }: HouseNumber): HouseFinding | null {
    const around = this.#around(this.#from(keyOf({ lane, number: 0, sub: 0 })), this.#from(lane * laneStep + laneStep))
    if (around !== null) {
      const because = `other houses of ${lane}弄`
      return { point: around.point, accuracyM: Math.max(30, around.radiusM), found: 'lane', because }
    }
    // A lane has its mouth where the house of its number would stand.
    const mouth = this.find({ lane: 0, number: lane, sub: 0 })
    if (mouth === null) return null
    const because = `${lane}弄 begins at ${lane}号`
    return { ...mouth, accuracyM: mouth.accuracyM + (number === 0 ? 20 : 60), found: 'lane', because }
  }

  #amongNeighbours(number: number, at: number): HouseFinding | null {
    const before = this.#neighbour(at - 1, -1, number)
    const behind = this.#neighbour(at, 1, number)
    if (before !== null && behind !== null) return this.#between(before, behind, number)
    const last = before ?? behind
    if (last === null) return null
    const distance = Math.abs(number - (this.#house(last)[0] as number))
    if (distance <= newHouses) {
      return this.#finding(
        last,
        newHouseM + 15 * distance,
        'beyond',
        `shortly behind ${this.#text(last)}, the last listed`,
      )
    }
    return this.#finding(last, 400, 'far', `far behind ${this.#text(last)}, the last listed`)
  }

  #between(before: number, behind: number, number: number): HouseFinding {
    const [low, high] = [this.#house(before)[0] as number, this.#house(behind)[0] as number]
    const share = high === low ? 0 : (number - low) / (high - low)
    const [a, b] = [this.#point(before), this.#point(behind)]
    const metre = metresPerDegree(a.latitude)
    const gapM = Math.hypot((b.longitude - a.longitude) * metre.x, (b.latitude - a.latitude) * metre.y)
    return {
      point: {
        latitude: a.latitude + share * (b.latitude - a.latitude),
        longitude: a.longitude + share * (b.longitude - a.longitude),
      },
      accuracyM: houseM + Math.round(gapM / 4),
      found: 'between',
      because: `between ${this.#text(before)} and ${this.#text(behind)}`,
    }
  }

  /** The nearest house of the road itself on the same side, even with even; of either side when that one is empty. */
  #neighbour(from: number, step: 1 | -1, number: number): number | null {
    let other: number | null = null
    for (let at = from; at >= 0 && at < this.#keys.length && this.#laneAt(at) === 0; at += step) {
      const [main] = this.#house(at)
      if (main === 0) continue
      if (main % 2 === number % 2) return at
      other ??= at
      if (Math.abs(main - number) > 40) break
    }
    return other
  }

  #around(from: number, to: number): { readonly point: Point; readonly radiusM: number } | null {
    if (to <= from) return null
    const lats = this.#latitudes.subarray(from, to)
    const lons = this.#longitudes.subarray(from, to)
    const [south, north] = bounds(lats)
    const [west, east] = bounds(lons)
    const point = { latitude: (south + north) / 2 / scale, longitude: (west + east) / 2 / scale }
    const metre = metresPerDegree(point.latitude)
    return { point, radiusM: Math.hypot(((north - south) * metre.y) / scale, ((east - west) * metre.x) / scale) / 2 }
  }

  /** The first house whose key is not smaller. */
  #from(key: number): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#keys[middle] as number) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #laneAt(at: number): number {
    return Math.floor((this.#keys[at] ?? 0) / laneStep)
  }

  #house(at: number): [number: number, sub: number] {
    const within = (this.#keys[at] ?? 0) % laneStep
    return [Math.floor(within / numberStep), within % numberStep]
  }

  #text(at: number): string {
    const [number, sub] = this.#house(at)
    return `${number}${sub === 0 ? '' : `-${sub}`}号`
  }

  #point(at: number): Point {
    return { latitude: (this.#latitudes[at] ?? 0) / scale, longitude: (this.#longitudes[at] ?? 0) / scale }
  }

  #finding(at: number, accuracyM: number, found: HouseFinding['found'], because: string): HouseFinding {
    return { point: this.#point(at), accuracyM, found, because }
  }
}

const numberStep = 100_000
const laneStep = numberStep * numberStep

/** 5 digits each: what `numeralAt` reads at most. */
function keyOf({ lane, number, sub }: HouseNumber): number {
  return lane * laneStep + number * numberStep + sub
}

function bounds(values: Int32Array): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
}
