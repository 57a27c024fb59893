import type { GridFinding, Place, Point } from './city.ts'
import { metresPerDegree } from './metric.ts'
import { areaM2, overlapM2 } from './overlap.ts'
import type { Position, Shape } from './shape.ts'

export interface UnitGrid {
  readonly code: string
  readonly shape: Shape
  readonly community: Place
  readonly street: Place
  readonly district: Place
}

const mostAlternatives = 8
/** Surveyed borders do not always meet: a point in a gap this wide still belongs to the grid beside it. */
const gapM = 1
const rimPoints = 16
const mostCells = 4_000_000

/** Finds unit grids by place: a lattice of buckets over the city, each naming the grids whose box touches it. */
export class GridIndex {
  /** By code, so that the first grid found is the one with the smallest code, whatever order the file has. */
  readonly #grids: readonly UnitGrid[]
  readonly #findings: readonly GridFinding[]
  readonly #minX: number
  readonly #minY: number
  readonly #stepX: number
  readonly #stepY: number
  readonly #columns: number
  readonly #rows: number
  /** Grids of bucket b stand in `#members` from `#starts[b]` to `#starts[b + 1]`. */
  readonly #starts: Int32Array
  readonly #members: Int32Array

  constructor(grids: readonly UnitGrid[]) {
    this.#grids = grids.toSorted((a, b) => (a.code < b.code ? -1 : 1))
    this.#findings = this.#grids.map(plainFinding)
    const shapes = this.#grids.map((grid) => grid.shape)
    this.#minX = smallest(shapes.map((s) => s.minX))
    this.#minY = smallest(shapes.map((s) => s.minY))
    const width = -smallest(shapes.map((s) => -s.maxX)) - this.#minX
    const height = -smallest(shapes.map((s) => -s.maxY)) - this.#minY
    const coarsest = Math.sqrt((width * height) / mostCells)
    this.#stepX = Math.max(median(shapes.map((s) => s.maxX - s.minX)), coarsest)
    this.#stepY = Math.max(median(shapes.map((s) => s.maxY - s.minY)), coarsest)
    this.#columns = grids.length === 0 ? 0 : Math.floor(width / this.#stepX) + 1
    this.#rows = grids.length === 0 ? 0 : Math.floor(height / this.#stepY) + 1
    this.#starts = new Int32Array(this.#columns * this.#rows + 1)
    for (const shape of shapes) this.#visit(shape, (bucket) => bump(this.#starts, bucket + 1))
    for (let i = 1; i < this.#starts.length; i++) this.#starts[i] = at(this.#starts, i) + at(this.#starts, i - 1)
    this.#members = new Int32Array(this.#starts.at(-1) ?? 0)
    const filled = this.#starts.slice()
    for (const [index, shape] of shapes.entries()) {
      this.#visit(shape, (bucket) => {
        this.#members[bump(filled, bucket)] = index
      })
    }
  }

  /** See `City.locate`. */
  locate(point: Point, radiusM: number | null): GridFinding | null {
    const index = this.#indexAt(point.longitude, point.latitude)
    const finding = this.#findings[index]
    if (finding === undefined) return null
    return radiusM === null || !(radiusM > 0) ? finding : this.#withAlternatives(index, finding, point, radiusM)
  }

  /** Pairs that share more than one part in a hundred of the smaller one: a strip of a metre along one side. */
  overlaps(): { readonly a: UnitGrid; readonly b: UnitGrid; readonly m2: number }[] {
    const found: { a: UnitGrid; b: UnitGrid; m2: number }[] = []
    for (const [i, a] of this.#grids.entries()) {
      for (const j of this.#touching(a.shape.minX, a.shape.minY, a.shape.maxX, a.shape.maxY)) {
        const b = this.#grids[j]
        if (b === undefined || j <= i) continue
        const m2 = overlapM2(a.shape, b.shape)
        if (m2 > 1 && m2 > Math.min(areaM2(a.shape), areaM2(b.shape)) / 100) found.push({ a, b, m2 })
      }
    }
    return found
  }

  #indexAt(x: number, y: number): number {
    const column = Math.floor((x - this.#minX) / this.#stepX)
    const row = Math.floor((y - this.#minY) / this.#stepY)
    if (column >= 0 && column < this.#columns && row >= 0 && row < this.#rows) {
      const bucket = row * this.#columns + column
      const end = at(this.#starts, bucket + 1)
      for (let i = at(this.#starts, bucket); i < end; i++) {
        const index = at(this.#members, i)
        if (this.#grids[index]?.shape.contains(x, y) === true) return index
      }
    }
    return Number.isFinite(x + y) ? this.#indexBeside(x, y) : -1
  }

  #indexBeside(x: number, y: number): number {
    const nearest = this.#nearest(x, y, gapM)[0]
    return nearest === undefined ? -1 : nearest.index
  }

  #withAlternatives(own: number, finding: GridFinding, point: Point, radiusM: number): GridFinding {
    const { longitude: x, latitude: y } = point
    const shape = this.#grids[own]?.shape
    if (shape === undefined || shape.borderDistanceM(x, y) > radiusM) return finding
    // Only the nearest few are named, so a circle of kilometres, as cell towers have, is not searched to its rim.
    let reachM = Math.min(radiusM, 100)
    let others = this.#others(own, x, y, reachM)
    while (others.length <= mostAlternatives && reachM < radiusM) {
      reachM = Math.min(radiusM, reachM * 2)
      others = this.#others(own, x, y, reachM)
    }
    const alternatives = others.slice(0, mostAlternatives).map((other) => this.#grids[other.index]?.code ?? '')
    const alternativesCut = others.length > mostAlternatives || this.#leaves(x, y, radiusM)
    return { ...finding, alternatives, alternativesCut }
  }

  #others(own: number, x: number, y: number, radiusM: number) {
    return this.#nearest(x, y, radiusM).filter((found) => found.index !== own)
  }

  /** Grids within a distance of a point, the nearest first, then by code. */
  #nearest(x: number, y: number, radiusM: number): { index: number; distanceM: number }[] {
    const metre = metresPerDegree(y)
    const dx = radiusM / metre.x
    const dy = radiusM / metre.y
    const found: { index: number; distanceM: number }[] = []
    for (const index of this.#touching(x - dx, y - dy, x + dx, y + dy)) {
      const shape = this.#grids[index]?.shape
      if (shape === undefined) continue
      const distanceM = shape.contains(x, y) ? 0 : shape.borderDistanceM(x, y, metre)
      if (distanceM <= radiusM) found.push({ index, distanceM })
    }
    return found.sort((a, b) => a.distanceM - b.distanceM || a.index - b.index)
  }

  /** Whether a circle leaves the city, seen at points of its rim. */
  #leaves(x: number, y: number, radiusM: number): boolean {
    const metre = metresPerDegree(y)
    for (let i = 0; i < rimPoints; i++) {
      const angle = (2 * Math.PI * i) / rimPoints
      const rimX = x + (Math.cos(angle) * radiusM) / metre.x
      const rimY = y + (Math.sin(angle) * radiusM) / metre.y
      if (this.#indexAt(rimX, rimY) < 0) return true
    }
    return false
  }

  #touching(minX: number, minY: number, maxX: number, maxY: number): Set<number> {
    const found = new Set<number>()
    this.#visit({ minX, minY, maxX, maxY }, (bucket) => {
      const end = at(this.#starts, bucket + 1)
      for (let i = at(this.#starts, bucket); i < end; i++) found.add(at(this.#members, i))
    })
    return found
  }

  #visit(box: Pick<Shape, 'minX' | 'minY' | 'maxX' | 'maxY'>, see: (bucket: number) => void): void {
    const left = Math.max(0, Math.floor((box.minX - this.#minX) / this.#stepX))
    const right = Math.min(this.#columns - 1, Math.floor((box.maxX - this.#minX) / this.#stepX))
    const bottom = Math.max(0, Math.floor((box.minY - this.#minY) / this.#stepY))
    const top = Math.min(this.#rows - 1, Math.floor((box.maxY - this.#minY) / this.#stepY))
    for (let row = bottom; row <= top; row++) {
      for (let column = left; column <= right; column++) see(row * this.#columns + column)
    }
  }
}

/** A point inside a grid as the city gives it out. */
export function asPoint([longitude, latitude]: Position): Point {
  return { latitude, longitude }
}

/** The unambiguous answer, made once: most points have an accuracy well inside one grid. */
function plainFinding({ code, community, street, district }: UnitGrid): GridFinding {
  return Object.freeze({
    grid: code,
    community,
    street,
    district,
    alternatives: Object.freeze([]),
    alternativesCut: false,
  })
}

function at(numbers: Int32Array, index: number): number {
  return numbers[index] as number
}

function bump(numbers: Int32Array, index: number): number {
  const before = at(numbers, index)
  numbers[index] = before + 1
  return before
}

function smallest(numbers: readonly number[]): number {
  return numbers.reduce((min, n) => Math.min(min, n), Number.POSITIVE_INFINITY)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 1
}
