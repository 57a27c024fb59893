import { metresPerDegree, squaredDistance } from './metric.ts'

/** Longitude before latitude, as RFC 7946 has it. */
export type Position = readonly [longitude: number, latitude: number]
export type Ring = readonly Position[]

/** An area of one or more polygons, with holes or without, made fast to ask. */
export class Shape {
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
  /** Closed rings: outer ones counter-clockwise, holes clockwise. */
  readonly rings: readonly Ring[]
  /** x1, y1, x2, y2 of every edge, its lower end first. */
  readonly #edges: Float64Array

  /** @param polygons outer ring first, then its holes, as GeoJSON nests them; the rings must be valid. */
  constructor(polygons: readonly (readonly Ring[])[]) {
    this.rings = polygons.flatMap((rings) => rings.map((ring, index) => wind(ring, index === 0)))
    const edges: number[] = []
    for (const ring of this.rings) for (const [a, b] of sides(ring)) edges.push(...lowerFirst(a, b))
    this.#edges = Float64Array.from(edges)
    const positions = this.rings.flat()
    this.minX = positions.reduce((min, [x]) => Math.min(min, x), Number.POSITIVE_INFINITY)
    this.minY = positions.reduce((min, [, y]) => Math.min(min, y), Number.POSITIVE_INFINITY)
    this.maxX = positions.reduce((max, [x]) => Math.max(max, x), Number.NEGATIVE_INFINITY)
    this.maxY = positions.reduce((max, [, y]) => Math.max(max, y), Number.NEGATIVE_INFINITY)
  }

  /**
   * Even-odd rule, an edge's lower end counted and its upper end not. Because edges are stored lower end first, two
   * neighbours compute a shared edge with the same bits, so a point on it is in exactly one of them.
   */
  contains(x: number, y: number): boolean {
    if (x < this.minX || x > this.maxX || y < this.minY || y > this.maxY) return false
    const edges = this.#edges
    let inside = false
    for (let i = 0; i + 3 < edges.length; i += 4) {
      const y1 = edges[i + 1] as number
      const y2 = edges[i + 3] as number
      if (y < y1 || y >= y2) continue
      const x1 = edges[i] as number
      if (x < x1 + ((y - y1) * ((edges[i + 2] as number) - x1)) / (y2 - y1)) inside = !inside
    }
    return inside
  }

  /** Metres from a point to the nearest edge, from inside or outside. */
  borderDistanceM(x: number, y: number, metre = metresPerDegree(y)): number {
    const edges = this.#edges
    let nearest = Number.POSITIVE_INFINITY
    for (let i = 0; i + 3 < edges.length; i += 4) {
      const squared = squaredDistance(
        ((edges[i] as number) - x) * metre.x,
        ((edges[i + 1] as number) - y) * metre.y,
        ((edges[i + 2] as number) - x) * metre.x,
        ((edges[i + 3] as number) - y) * metre.y,
      )
      if (squared < nearest) nearest = squared
    }
    return Math.sqrt(nearest)
  }

  /** A point inside: halfway through the widest stretch at half height, so a crescent's middle is still within it. */
  innerPoint(): Position {
    const y = (this.minY + this.maxY) / 2
    const crossings = this.rings
      .flatMap(sides)
      .map(([a, b]) => lowerFirst(a, b))
      .filter(([, y1, , y2]) => y1 <= y && y < y2)
      .map(([x1, y1, x2, y2]) => x1 + ((y - y1) * (x2 - x1)) / (y2 - y1))
      .toSorted((a, b) => a - b)
    let best: readonly [number, number] = [this.minX, this.minX]
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const stretch = [crossings[i] as number, crossings[i + 1] as number] as const
      if (stretch[1] - stretch[0] > best[1] - best[0]) best = stretch
    }
    return [(best[0] + best[1]) / 2, y]
  }
}

/** Consecutive positions of a line or closed ring. */
export function sides(line: Ring): (readonly [Position, Position])[] {
  return line.slice(1).map((end, index) => [line[index] as Position, end] as const)
}

/** Twice the area in square degrees, positive when counter-clockwise. */
export function turn(ring: Ring): number {
  const [x0, y0] = ring[0] ?? [0, 0]
  return sides(ring).reduce((sum, [a, b]) => sum + (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0), 0)
}

function wind(ring: Ring, counterClockwise: boolean): Ring {
  return turn(ring) > 0 === counterClockwise ? ring : ring.toReversed()
}

function lowerFirst(a: Position, b: Position): [number, number, number, number] {
  const swap = b[1] < a[1] || (b[1] === a[1] && b[0] < a[0])
  return swap ? [b[0], b[1], a[0], a[1]] : [a[0], a[1], b[0], b[1]]
}
