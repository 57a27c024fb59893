import type { Point } from './city.ts'
import { metresPerDegree } from './metric.ts'

/** Metres east and north of a point in the middle of a city: over its width, lengths are right to a thousandth. */
export class Plan {
  readonly #origin: Point
  readonly #metre: { readonly x: number; readonly y: number }

  constructor(origin: Point) {
    this.#origin = origin
    this.#metre = metresPerDegree(origin.latitude)
  }

  x(longitude: number): number {
    return (longitude - this.#origin.longitude) * this.#metre.x
  }

  y(latitude: number): number {
    return (latitude - this.#origin.latitude) * this.#metre.y
  }

  point(x: number, y: number): Point {
    return {
      latitude: this.#origin.latitude + y / this.#metre.y,
      longitude: this.#origin.longitude + x / this.#metre.x,
    }
  }

  moved({ latitude, longitude }: Point, eastM: number, northM: number): Point {
    return { latitude: latitude + northM / this.#metre.y, longitude: longitude + eastM / this.#metre.x }
  }

  distanceM(a: Point, b: Point): number {
    return Math.hypot((a.longitude - b.longitude) * this.#metre.x, (a.latitude - b.latitude) * this.#metre.y)
  }
}

/** Things that lie near one another, by their boxes in metres: several records of one road, or the houses of a compound. */
export function groupsWithin<T>(
  things: readonly T[],
  withinM: number,
  boxOf: (thing: T) => readonly [minX: number, minY: number, maxX: number, maxY: number],
): T[][] {
  let groups: { readonly box: ReturnType<typeof boxOf>; readonly members: T[] }[] = []
  for (const thing of things) {
    let box = boxOf(thing)
    const members = [thing]
    groups = groups.filter((group) => {
      const [minX, minY, maxX, maxY] = group.box
      const apart = Math.max(minX - box[2], box[0] - maxX, minY - box[3], box[1] - maxY) > withinM
      if (apart) return true
      box = [Math.min(minX, box[0]), Math.min(minY, box[1]), Math.max(maxX, box[2]), Math.max(maxY, box[3])]
      members.unshift(...group.members)
      return false
    })
    groups.push({ box, members })
  }
  return groups.map(({ members }) => members)
}
