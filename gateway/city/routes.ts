import { z } from 'zod'
import { id, text, timeOfDay } from './cells.ts'
import type { Point, Route, Shift, WorkArea } from './city.ts'
import { lineOf } from './geojson.ts'
import { asPoint } from './grid-index.ts'
import { metresPerDegree, squaredDistance } from './metric.ts'
import { readShape } from './places.ts'
import type { CityReader } from './reader.ts'
import { lineFault } from './ring-check.ts'
import type { Position } from './shape.ts'

const routeProperties = z.strictObject({ id: id(), name: z.string(), toleranceM: z.number().min(0).max(10_000) })
const workAreaProperties = z.strictObject({ id: id(), name: z.string() })
const shiftColumns = z.object({ id: id(), name: text(), start: timeOfDay(), end: timeOfDay() })

export function readShifts(reader: CityReader): Map<string, Shift> {
  const shifts = new Map<string, Shift>()
  for (const row of reader.rows('shifts', shiftColumns)) {
    const { id: shiftId, start, end } = row.value
    if (reader.define('shifts', shiftId, row)) {
      shifts.set(shiftId, Object.freeze({ id: shiftId, startMinute: start, endMinute: end }))
    }
  }
  return shifts
}

export function readRoutes(reader: CityReader): Map<string, Route> {
  const routes = new Map<string, Route>()
  for (const feature of reader.features('routes', routeProperties)) {
    const first = reader.define('routes', feature.value.id, feature)
    const line = lineOf(feature.geometry)
    const fault = line === null ? 'the geometry is no LineString' : lineFault(line)
    if (fault !== null) reader.problem(feature, fault)
    else if (first && line !== null) routes.set(feature.value.id, makeRoute(feature.value, line))
  }
  return routes
}

export function readWorkAreas(reader: CityReader): Map<string, WorkArea> {
  const areas = new Map<string, WorkArea>()
  for (const feature of reader.features('work-areas', workAreaProperties)) {
    const areaId = feature.value.id
    const first = reader.define('work-areas', areaId, feature)
    const shape = readShape(reader, feature, feature.geometry)
    if (!first || shape === null) continue
    areas.set(areaId, { id: areaId, contains: (point) => shape.contains(point.longitude, point.latitude) })
  }
  return areas
}

function makeRoute({ id: routeId, toleranceM }: { id: string; toleranceM: number }, line: readonly Position[]): Route {
  const [x0, y0] = line[0] ?? [0, 0]
  // One scale for the whole line: over the ten kilometres of a route it errs by less than a metre in a thousand.
  const metre = metresPerDegree(line.reduce((sum, [, y]) => sum + y, 0) / line.length)
  const xs = Float64Array.from(line, ([x]) => (x - x0) * metre.x)
  const ys = Float64Array.from(line, ([, y]) => (y - y0) * metre.y)
  const distanceM = ({ longitude, latitude }: Point): number => {
    const x = (longitude - x0) * metre.x
    const y = (latitude - y0) * metre.y
    let nearest = Number.POSITIVE_INFINITY
    for (let i = 1; i < xs.length; i++) {
      const squared = squaredDistance(
        (xs[i - 1] as number) - x,
        (ys[i - 1] as number) - y,
        (xs[i] as number) - x,
        (ys[i] as number) - y,
      )
      if (squared < nearest) nearest = squared
    }
    return Math.sqrt(nearest)
  }
  return { id: routeId, line: line.map(asPoint), toleranceM, distanceM }
}
