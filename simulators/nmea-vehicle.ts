import { encode, open, parse } from '../adapters/nmea/codec.ts'
import { pieces } from '../adapters/nmea/framing.ts'

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

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

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
