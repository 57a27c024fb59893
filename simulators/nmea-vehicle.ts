import { encode, open, parse } from '../adapters/nmea/codec.ts'
import { pieces } from '../adapters/nmea/framing.ts'
import { seeded } from './seeded.ts'

/** What a receiver says at one moment. */
export interface SourceEpoch {
  readonly bytes: Buffer
  /** milliseconds on the source's own clock; only differences matter */
  readonly atMs: number
}

export interface VehicleSetup {
  /** The same seed drives the same way. */
  readonly seed: number
  readonly start: { readonly latitude: number; readonly longitude: number; readonly at: Date }
  readonly epochs: number
  readonly intervalMs: number
  readonly speedKmh: number
  readonly talker?: string
}

const metresPerDegree = 111_320
const knotsPerKmh = 1 / 1.852

/** A vehicle that turns a little all the time: RMC, GGA, GSA and VTG of each epoch. */
export function* drive(setup: VehicleSetup): Generator<SourceEpoch> {
  const random = seeded(setup.seed)
  let { latitude, longitude } = setup.start
  let courseDeg = random() * 360
  for (let epoch = 0; epoch < setup.epochs; epoch++) {
    const at = new Date(setup.start.at.getTime() + epoch * setup.intervalMs)
    const speedKmh = setup.speedKmh * (0.5 + random())
    courseDeg = (courseDeg + (random() - 0.5) * 20 + 360) % 360
    const metres = (speedKmh / 3.6) * (setup.intervalMs / 1000)
    latitude += (metres * Math.cos((courseDeg * Math.PI) / 180)) / metresPerDegree
    longitude +=
      (metres * Math.sin((courseDeg * Math.PI) / 180)) / metresPerDegree / Math.cos((latitude * Math.PI) / 180)
    yield {
      bytes: sentences({ at, latitude, longitude, courseDeg, speedKmh }, setup.talker ?? 'GN'),
      atMs: at.getTime(),
    }
  }
}

/** A vehicle that drives along points, one an epoch, and turns its course to where it is going. */
export function* routeEpochs(
  points: Iterable<{ readonly latitude: number; readonly longitude: number }>,
  setup: { readonly start: Date; readonly intervalMs: number; readonly speedKmh: number; readonly talker?: string },
): Generator<SourceEpoch> {
  let before: { readonly latitude: number; readonly longitude: number } | null = null
  let atMs = setup.start.getTime()
  for (const point of points) {
    const moved = before ?? point
    const northM = (point.latitude - moved.latitude) * metresPerDegree
    const eastM = (point.longitude - moved.longitude) * metresPerDegree * Math.cos((point.latitude * Math.PI) / 180)
    const courseDeg = ((Math.atan2(eastM, northM) * 180) / Math.PI + 360) % 360
    const moment = { at: new Date(atMs), ...point, courseDeg, speedKmh: setup.speedKmh }
    yield { bytes: sentences(moment, setup.talker ?? 'GN'), atMs }
    before = point
    atMs += setup.intervalMs
  }
}

interface Moment {
  readonly at: Date
  readonly latitude: number
  readonly longitude: number
  readonly courseDeg: number
  readonly speedKmh: number
}

function sentences({ at, latitude, longitude, courseDeg, speedKmh }: Moment, talker: string): Buffer {
  const timeOfDayMs = at.getTime() % 86_400_000
  const speedKnots = speedKmh * knotsPerKmh
  const none = null
  const text = [
    encode({
      ...{ formatter: 'RMC', talker, timeOfDayMs, active: true, latitude, longitude, speedKnots, courseDeg },
      ...{ date: at.toISOString().slice(0, 10), magneticVariationDeg: none, mode: 'A', navigationStatus: none },
    }),
    encode({
      ...{ formatter: 'GGA', talker, timeOfDayMs, latitude, longitude, quality: 1, satellites: 9, hdop: 0.9 },
      ...{ altitudeM: 12.3, geoidSeparationM: 8.1, differentialAgeS: none, differentialStation: none },
    }),
    encode({
      ...{ formatter: 'GSA', talker, selection: 'automatic', fix: '3d', satellites: [2, 5, 12, 25, 29, 31] },
      ...{ pdop: 1.6, hdop: 0.9, vdop: 1.3, system: none },
    }),
    encode({ formatter: 'VTG', talker, courseDeg, magneticCourseDeg: none, speedKnots, speedKmh, mode: 'A' }),
  ]
  return Buffer.from(text.join(''), 'latin1')
}

/** A recorded log, cut where the time of day changes, with everything that stood in between. */
export function* recorded(log: Uint8Array): Generator<SourceEpoch> {
  let parts: Buffer[] = []
  let time: number | null = null
  let atMs = 0
  for (const piece of pieces(log)) {
    const next = piece.kind === 'sentence' ? timeOf(piece.bytes.toString('latin1')) : null
    if (next !== null && time !== null && next !== time) {
      yield { bytes: Buffer.concat(parts), atMs }
      parts = []
      atMs += (next - time + 86_400_000) % 86_400_000
    }
    time = next ?? time
    parts.push(piece.bytes)
  }
  if (parts.length > 0) yield { bytes: Buffer.concat(parts), atMs }
}

function timeOf(line: string): number | null {
  try {
    if (!/^(RMC|GGA|GLL)$/.test(open(line, 'optional').address.slice(2))) return null
    const sentence = parse(line, 'optional')
    return 'timeOfDayMs' in sentence ? sentence.timeOfDayMs : null
  } catch {
    return null
  }
}
