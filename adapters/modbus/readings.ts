import type { Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { PointReading, ReadingReport, Report } from '../../gateway/report.ts'
import type { ModbusOptions, UnitOptions } from './options.ts'
import { exceptionText, isAbsence, isBits } from './pdu.ts'
import { spanOf } from './plan.ts'
import { pollOf, type Read } from './poll.ts'
import type { Point } from './register-map.ts'
import { type RawValue, readValue } from './words.ts'

/** A poll's answers as readings, one report for each sensor. The map is today's: explain shows old bytes by it. */
export function decode(message: Received, options: Pick<ModbusOptions, 'units'>): Report[] {
  const { unit, at, reads } = pollOf(message)
  const known = options.units.find((one) => one.unit === unit)
  if (known === undefined)
    throw new GatewayError('DECODE_UNSUPPORTED', `Modbus unit ${unit} is not in the configuration`)
  return readingsOf(known, at, reads)
}

export function readingsOf(unit: UnitOptions, at: Date, reads: readonly Read[]): ReadingReport[] {
  const sensors = new Map<string, PointReading[]>()
  for (const point of unit.map.points) {
    const read = reads.find(({ request }) => covers(request, point))
    const subject = sensorOf(unit, point)
    if (read === undefined || subject === null) continue
    const points = sensors.get(subject) ?? []
    if (points.length === 0) sensors.set(subject, points)
    points.push(readingOf(point, read))
  }
  return [...sensors].map(([subject, points]) => ({ kind: 'reading', subject, deviceTime: at, points }))
}

export const sensorOf = (unit: UnitOptions, { point, sensor }: Point): string | null =>
  sensor ?? unit.sensors[point] ?? unit.sensor

const covers = ({ fn, address, count }: Read['request'], point: Point): boolean =>
  point.fn === fn && point.address >= address && point.address + spanOf(point) <= address + count

function readingOf(point: Point, read: Read): PointReading {
  const { point: name, unit, limits } = point
  const bad = (quality: PointReading['quality'], fault: string) => ({
    ...{ point: name, value: null, unit, limits },
    quality,
    fault,
  })
  if (read.said === null) return bad(read.is === 'silent' ? 'silent' : 'refused', read.fault)
  const { data, code } = read.said
  if (data === null) return bad(isAbsence(code) ? 'silent' : 'refused', exceptionText(code))
  const raw = rawOf(point, data, point.address - read.request.address)
  if (raw.value === null) return bad('not-a-number', raw.fault)
  if (point.none.includes(raw.value)) return bad('not-a-number', `the device says ${raw.value}`)
  return { point: name, value: scaled(raw.value, point), unit, quality: 'good', fault: null, limits }
}

function rawOf(point: Point, data: Buffer, offset: number): RawValue {
  if (isBits(point.fn)) return { value: ((data[offset >> 3] ?? 0) >> (offset & 7)) & 1, fault: null }
  return readValue(data.subarray(offset * 2, (offset + spanOf(point)) * 2), point.type, point.order, point.bit)
}

/** 123 by a scale of 0.1 is 12.3, not 12.300000000000001. */
function scaled(value: number, { scale, offset }: Point): number {
  return scale === 1 && offset === 0 ? value : Number((value * scale + offset).toPrecision(12))
}
