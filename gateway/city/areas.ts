import { normalised } from '../triage/text/normalise.ts'
import type { Place } from './city.ts'
import type { Area } from './gazetteer.ts'
import type { UnitGrid } from './grid-index.ts'
import { metresPerDegree } from './metric.ts'

/** Communities, streets and districts as circles around their unit grids. */
export function areasOf(grids: Iterable<UnitGrid>): Area[] {
  const boxes = new Map<string, Box>()
  for (const { community, street, district, shape } of grids) {
    for (const [level, place] of [
      ['community', community],
      ['street', street],
      ['district', district],
    ] as const) {
      const box = boxes.get(place.code)
      if (box === undefined) boxes.set(place.code, { level, place, ...only(shape) })
      else widen(box, shape)
    }
  }
  return [...boxes.values()].map(({ level, place, minX, minY, maxX, maxY }) => {
    const point = { latitude: (minY + maxY) / 2, longitude: (minX + maxX) / 2 }
    const metre = metresPerDegree(point.latitude)
    const radiusM = Math.round(Math.hypot((maxX - minX) * metre.x, (maxY - minY) * metre.y) / 2)
    return { kind: 'area', level, code: place.code, name: normalised(place.name), point, radiusM }
  })
}

interface Bounds {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

interface Box extends Bounds {
  readonly level: Area['level']
  readonly place: Place
}

function only({ minX, minY, maxX, maxY }: Readonly<Bounds>): Bounds {
  return { minX, minY, maxX, maxY }
}

function widen(box: Bounds, shape: Readonly<Bounds>): void {
  box.minX = Math.min(box.minX, shape.minX)
  box.minY = Math.min(box.minY, shape.minY)
  box.maxX = Math.max(box.maxX, shape.maxX)
  box.maxY = Math.max(box.maxY, shape.maxY)
}
