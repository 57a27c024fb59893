import { metresPerDegree } from './metric.ts'
import { type Shape, sides } from './shape.ts'

/** x1 < x2; `sign` is +1 for an edge with the area below it. */
interface Slope {
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
  readonly sign: number
}

/**
 * Square metres that two areas have in common. Each area is the signed sum of the strips under its edges, so the common
 * area is the signed sum of what each two strips have in common: no clipping, and holes and hollows cost nothing extra.
 */
export function overlapM2(a: Shape, b: Shape): number {
  const slopesB = slopes(b, a)
  const base = Math.min(0, b.minY - a.minY) * metresPerDegree(a.minY).y
  let sum = 0
  for (const f of slopes(a, a)) for (const g of slopesB) sum += f.sign * g.sign * commonStrip(f, g, base)
  return sum
}

/** Square metres of an area. */
export function areaM2(shape: Shape): number {
  return slopes(shape, shape).reduce((sum, s) => sum + (s.sign * (s.x2 - s.x1) * (s.y1 + s.y2)) / 2, 0)
}

/** Edges in metres from the lower left corner of `origin`, near which the numbers are small and exact. */
function slopes(shape: Shape, origin: Shape): Slope[] {
  const metre = metresPerDegree(origin.minY)
  const local = ([x, y]: readonly [number, number]) =>
    [(x - origin.minX) * metre.x, (y - origin.minY) * metre.y] as const
  return shape.rings.flatMap(sides).map(([from, to]) => {
    const [x1, y1] = local(from)
    const [x2, y2] = local(to)
    return x1 > x2 ? { x1: x2, y1: y2, x2: x1, y2: y1, sign: 1 } : { x1, y1, x2, y2, sign: -1 }
  })
}

/** Area between `base` and the lower of two slopes, over the stretch both have. */
function commonStrip(f: Slope, g: Slope, base: number): number {
  const from = Math.max(f.x1, g.x1)
  const to = Math.min(f.x2, g.x2)
  if (to <= from) return 0
  const f1 = heightAt(f, from) - base
  const f2 = heightAt(f, to) - base
  const g1 = heightAt(g, from) - base
  const g2 = heightAt(g, to) - base
  const before = f1 - g1
  const after = f2 - g2
  if (before * after >= 0) return ((to - from) * (Math.min(f1, g1) + Math.min(f2, g2))) / 2
  const share = before / (before - after)
  const meeting = f1 + share * (f2 - f1)
  const width = to - from
  return (share * width * (Math.min(f1, g1) + meeting) + (1 - share) * width * (meeting + Math.min(f2, g2))) / 2
}

function heightAt(s: Slope, x: number): number {
  return s.y1 + ((x - s.x1) * (s.y2 - s.y1)) / (s.x2 - s.x1)
}
