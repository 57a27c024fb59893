import type { City, Point } from '../gateway/city/city.ts'
import type { Area, Compound, Landmark, Road } from '../gateway/city/gazetteer.ts'

/** Where a citizen says it is. `grid` is `null` where the words name none: nothing said, or too wide an area. */
export interface Whereabouts {
  readonly words: string
  readonly grid: string | null
}

const nowhere: Whereabouts = { words: '', grid: null }
const chinese = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'] as const
const offsets = [
  { words: '往北', east: 0, north: 1 },
  { words: '往南', east: 0, north: -1 },
  { words: '向东', east: 1, north: 0 },
  { words: '西边', east: -1, north: 0 },
] as const

/** The places of a city as its citizens name them. Names that two places have are not used: nobody could say which. */
export class CitizenPlaces {
  readonly #city: City
  readonly #random: () => number
  readonly #roads: Road[] = []
  readonly #compounds: Compound[] = []
  readonly #landmarks: Landmark[] = []
  readonly #areas: Area[] = []
  readonly names: ReadonlySet<string>

  constructor(city: City, random: () => number) {
    this.#city = city
    this.#random = random
    const { names } = city.gazetteer
    this.names = new Set(names.map(({ text }) => text))
    for (const { places } of names) {
      const [only, ...others] = places
      if (only === undefined || only.spelled !== 'full' || others.length > 0) continue
      const { place } = only
      if (place.kind === 'road') this.#roads.push(place)
      else if (place.kind === 'compound') this.#compounds.push(place)
      else if (place.kind === 'landmark') this.#landmarks.push(place)
      else if (place.level === 'community') this.#areas.push(place)
    }
  }

  next(): Whereabouts {
    const way = this.#random()
    if (way < 0.45) return this.#house() ?? nowhere
    if (way < 0.58) return this.#crossing() ?? nowhere
    if (way < 0.7) return this.#building() ?? nowhere
    if (way < 0.82) return this.#landmark() ?? nowhere
    if (way < 0.87) return this.#wide(this.#areas)
    if (way < 0.92) return this.#wide(this.#roads)
    return nowhere
  }

  #house(): Whereabouts | null {
    const road = this.#among(this.#roads.filter(({ houses }) => houses.count > 0))
    if (road === null) return null
    for (let tries = 0; tries < 50; tries++) {
      const number = 1 + Math.floor(this.#random() * road.houses.count * 2)
      const house = road.houses.find({ lane: 0, number, sub: 0 })
      if (house?.found === 'listed') {
        return { words: this.#written(road.name, number), grid: this.#gridAt(house.point) }
      }
    }
    return null
  }

  #written(road: string, number: number): string {
    const way = this.#random()
    if (way < 0.08) return `${road}${number}`
    if (way < 0.12) return `${road.slice(0, -1)}${number}号`
    if (way < 0.17) return `${road}${inChinese(number)}号`
    if (way < 0.22) return `${road}${fullWidth(number)}号`
    return `${road}${number}号${way < 0.5 ? '门口' : ''}`
  }

  #crossing(): Whereabouts | null {
    for (let tries = 0; tries < 50; tries++) {
      const [a, b] = [this.#among(this.#roads), this.#among(this.#roads)]
      if (a === null || b === null) return null
      const [point, ...others] = this.#city.gazetteer.crossings(a, b)
      if (a === b || point === undefined || others.length > 0) continue
      const join = this.#random() < 0.5 ? '与' : '和'
      return {
        words: `${a.name}${join}${b.name}${this.#random() < 0.7 ? '路口' : '交叉口'}`,
        grid: this.#gridAt(point),
      }
    }
    return null
  }

  #building(): Whereabouts | null {
    const compound = this.#among(this.#compounds)
    const building = this.#among([...(compound?.buildings ?? [])])
    if (compound === null || building === null) return null
    const [label, point] = building
    const words = `${compound.name}${label.toUpperCase()}${/^\d+$/.test(label) ? '幢' : '座'}`
    return { words, grid: this.#gridAt(point) }
  }

  #landmark(): Whereabouts | null {
    const landmark = this.#among(this.#landmarks)
    if (landmark === null) return null
    const { name, point } = landmark
    const offset = this.#among(offsets)
    if (offset === null || this.#random() < 0.6) return { words: `${name}门口`, grid: this.#gridAt(point) }
    const metres = 10 * (3 + Math.floor(this.#random() * 8))
    const there = this.#city.gazetteer.plan.moved(point, offset.east * metres, offset.north * metres)
    return { words: `${name}${offset.words}${metres}米`, grid: this.#gridAt(there) }
  }

  #wide(places: readonly { readonly name: string }[]): Whereabouts {
    return { words: this.#among(places)?.name ?? '', grid: null }
  }

  #gridAt(point: Point): string | null {
    return this.#city.locate(point, null)?.grid ?? null
  }

  #among<T>(things: readonly T[]): T | null {
    return things[Math.floor(this.#random() * things.length)] ?? null
  }
}

/** 1 to 999, as an address is written by hand: 十二, 一百零三. */
export function inChinese(number: number): string {
  const [hundreds, tens, ones] = [Math.floor(number / 100), Math.floor(number / 10) % 10, number % 10]
  const head = hundreds === 0 ? '' : `${chinese[hundreds]}百`
  const tail = ones === 0 ? '' : chinese[ones]
  if (tens === 0) return head === '' || tail === '' ? `${head}${tail}` : `${head}零${tail}`
  return `${head}${hundreds === 0 && tens === 1 ? '' : chinese[tens]}十${tail}`
}

function fullWidth(number: number): string {
  return String(number).replace(/\d/g, (digit) => String.fromCodePoint((digit.codePointAt(0) ?? 0) + 0xfee0))
}
