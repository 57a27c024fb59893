/** Lines of roads in metres of the city's plan: x, y, x, y … */
export type Course = Float64Array

export type Spot = readonly [x: number, y: number]

/** Where lines are drawn, a side street often ends a few metres short of the street it opens into. */
const shortM = 30
/** The four corners where two streets of two carriageways meet are one crossing. */
const oneCrossingM = 80
const cellM = 250

/** Every place where two roads meet; roads are numbers, and the key of a pair is `pairKey`. */
export function findCrossings(roads: readonly (readonly Course[])[]): Map<number, Spot[]> {
  const segments = segmentsOf(roads)
  const cells = cellsOf(segments)
  const crossings = new Map<number, Spot[]>()
  for (const members of cells.values()) {
    for (let i = 0; i < members.length; i++) {
      const a = segments[members[i] as number] as Segment
      for (let j = i + 1; j < members.length; j++) {
        const b = segments[members[j] as number] as Segment
        if (a.road === b.road) continue
        const spot = meeting(a, b)
        if (spot !== null) keep(crossings, pairKey(a.road, b.road, roads.length), spot)
      }
    }
  }
  return crossings
}

export function pairKey(a: number, b: number, count: number): number {
  return Math.min(a, b) * count + Math.max(a, b)
}

interface Segment {
  readonly road: number
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
  /** The line begins or ends here. */
  readonly begins: boolean
  readonly ends: boolean
}

function segmentsOf(roads: readonly (readonly Course[])[]): Segment[] {
  return roads.flatMap((courses, road) =>
    courses.flatMap((course) =>
      Array.from({ length: course.length / 2 - 1 }, (_, i) => ({
        road,
        x1: course[2 * i] as number,
        y1: course[2 * i + 1] as number,
        x2: course[2 * i + 2] as number,
        y2: course[2 * i + 3] as number,
        begins: i === 0,
        ends: i === course.length / 2 - 2,
      })),
    ),
  )
}

/** Segments by the squares that they pass, a rim of `shortM` included. */
function cellsOf(segments: readonly Segment[]): Map<number, number[]> {
  const cells = new Map<number, number[]>()
  for (const [index, { x1, y1, x2, y2 }] of segments.entries()) {
    const pieces = Math.max(1, Math.ceil(Math.hypot(x2 - x1, y2 - y1) / cellM))
    const seen = new Set<number>()
    for (let i = 0; i < pieces; i++) {
      const xs = [x1 + ((x2 - x1) * i) / pieces, x1 + ((x2 - x1) * (i + 1)) / pieces]
      const ys = [y1 + ((y2 - y1) * i) / pieces, y1 + ((y2 - y1) * (i + 1)) / pieces]
      for (let cx = cell(Math.min(...xs) - shortM); cx <= cell(Math.max(...xs) + shortM); cx++) {
        for (let cy = cell(Math.min(...ys) - shortM); cy <= cell(Math.max(...ys) + shortM); cy++) {
          seen.add(cx * 1_000_003 + cy)
        }
      }
    }
    for (const key of seen) {
      const members = cells.get(key)
      if (members === undefined) cells.set(key, [index])
      else members.push(index)
    }
  }
  return cells
}

const cell = (metres: number) => Math.floor(metres / cellM)

function meeting(a: Segment, b: Segment): Spot | null {
  const [ax, ay] = [a.x2 - a.x1, a.y2 - a.y1]
  const [bx, by] = [b.x2 - b.x1, b.y2 - b.y1]
  const cross = ax * by - ay * bx
  if (Math.abs(cross) > 1e-9) {
    const t = ((b.x1 - a.x1) * by - (b.y1 - a.y1) * bx) / cross
    const u = ((b.x1 - a.x1) * ay - (b.y1 - a.y1) * ax) / cross
    if (t >= 0 && t <= 1 && u >= 0 && u <= 1) return [a.x1 + t * ax, a.y1 + t * ay]
  }
  return endOn(a, b) ?? endOn(b, a)
}

/** An end of a line that lies short of another line. */
function endOn(a: Segment, b: Segment): Spot | null {
  for (const [isEnd, x, y] of [[a.begins, a.x1, a.y1] as const, [a.ends, a.x2, a.y2] as const]) {
    if (!isEnd) continue
    const foot = nearestOn(x, y, b.x1, b.y1, b.x2, b.y2)
    if (Math.hypot(foot[0] - x, foot[1] - y) <= shortM) return foot
  }
  return null
}

export function nearestOn(x: number, y: number, x1: number, y1: number, x2: number, y2: number): Spot {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const squared = dx * dx + dy * dy
  const along = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / squared))
  return [x1 + along * dx, y1 + along * dy]
}

function keep(crossings: Map<number, Spot[]>, key: number, spot: Spot): void {
  const known = crossings.get(key)
  if (known === undefined) crossings.set(key, [spot])
  else if (known.every(([x, y]) => Math.hypot(x - spot[0], y - spot[1]) > oneCrossingM)) known.push(spot)
}
