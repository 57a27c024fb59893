import type { Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { MalformedReport, PositionReport, Report, SatelliteFix } from '../../gateway/report.ts'
import { type ChecksumRule, type Gga, type Gll, parse, type Rmc, type Sentence } from './codec.ts'
import { nearestDate } from './epoch.ts'
import { longestSentence, pieces } from './framing.ts'

const kmhPerKnot = 1.852
/** Ranging error of a standalone receiver under open sky, in metres; times HDOP it is an estimate of the position's. */
const rangeErrorM = 5
/** From here on receivers mean "unknown" (50.0, 99.9). */
const unknownHdop = 50

/**
 * What a stored message says: one position for the epoch, and one malformed report for each sentence that makes no
 * sense, beside its neighbours. Nothing at all where the sentences are whole but tell no position.
 */
export function decode(message: Received, options: { readonly checksum: ChecksumRule }): Report[] {
  const { envelope, raw } = message
  if (envelope.what === 'refused') {
    throw new GatewayError(
      'DECODE_NOT_ALLOWED',
      `NMEA talker ${quote(envelope.talker)} at ${quote(envelope.peer)} is not known`,
    )
  }
  if (envelope.what === 'garbage' || envelope.subject === undefined) throw notSentence(raw)
  const { sentences, malformed, others } = readAll(raw, options.checksum)
  if (sentences.length === 0 && malformed.length === 0 && others === 0) {
    throw new GatewayError('DECODE_UNSUPPORTED', `${raw.length} bytes of UBX or RTCM without an NMEA sentence`)
  }
  const position = positionOf(sentences, envelope.subject, envelope.date, message.receivedAt)
  const good = position === null ? [] : [position]
  return [...good, ...malformed.map((report, i) => ({ ...report, index: good.length + i }))]
}

function notSentence(raw: Uint8Array): GatewayError {
  const text = Buffer.from(raw).toString('latin1')
  return raw.length > longestSentence && /^\$[A-Z][A-Z0-9]{2,9},/.test(text)
    ? new GatewayError('DECODE_TOO_LARGE', `NMEA: no end after ${longestSentence} characters of ${quote(text)}`)
    : new GatewayError('DECODE_SYNTAX', `NMEA: ${raw.length} bytes that are no sentence: ${quote(text)}`)
}

function readAll(raw: Uint8Array, rule: ChecksumRule) {
  const sentences: Sentence[] = []
  const malformed: MalformedReport[] = []
  let others = 0
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1')
  for (const piece of pieces(raw)) {
    try {
      if (piece.kind === 'garbage') throw notSentence(piece.bytes)
      if (piece.kind === 'sentence') {
        const sentence = parse(text.slice(piece.offset, piece.offset + piece.bytes.length), rule)
        if (sentence.formatter === null) others++
        else sentences.push(sentence)
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      malformed.push({ kind: 'malformed', index: malformed.length, code: error.code, detail: error.message })
    }
  }
  return { sentences, malformed, others }
}

type Placing = Rmc | Gga | Gll

function positionOf(
  sentences: readonly Sentence[],
  subject: string,
  dateOfLink: string | undefined,
  receivedAt: Date,
): PositionReport | null {
  const placing = sentences.filter(isPlacing)
  if (placing.length === 0) return null
  return {
    kind: 'position',
    subject,
    deviceTime: timeOf(sentences, dateOfLink, receivedAt),
    gps: fixOf(placing, sentences),
    cells: [],
    batteryPercent: null,
  }
}

function isPlacing(sentence: Sentence): sentence is Placing {
  return sentence.formatter === 'RMC' || sentence.formatter === 'GGA' || sentence.formatter === 'GLL'
}

/**
 * The receiver's own word: `false` as soon as one sentence says no fix, manual input or simulator. The navigational
 * status of NMEA 4.1 is no such word.
 */
function valid(placing: readonly Placing[]): boolean | null {
  const words = placing.map((sentence) => {
    if (sentence.formatter === 'GGA') return sentence.quality === null ? null : ![0, 7, 8].includes(sentence.quality)
    return sentence.mode !== null && 'NMS'.includes(sentence.mode) ? false : sentence.active
  })
  return words.includes(false) ? false : words.includes(true) ? true : null
}

/** A receiver of several systems may speak as several talkers: the first that has a fix counts. */
function chooseTalker(placing: readonly Placing[]): readonly Placing[] {
  const first = placing[0]?.talker
  if (placing.every((sentence) => sentence.talker === first)) return placing
  for (const { talker } of placing) {
    const ofTalker = placing.filter((sentence) => sentence.talker === talker)
    if (valid(ofTalker) !== false) return ofTalker
  }
  return placing
}

function fixOf(placing: readonly Placing[], sentences: readonly Sentence[]): SatelliteFix {
  const chosen = chooseTalker(placing)
  const hasFix = valid(chosen)
  const gga = chosen.find((sentence) => sentence.formatter === 'GGA')
  const placed =
    hasFix === false ? undefined : (placedIn(gga) ?? chosen.map(placedIn).find((place) => place !== undefined))
  const hdop = hdopOf(gga, sentences)
  const estimated = gga?.quality === 6 || chosen.some((sentence) => 'mode' in sentence && sentence.mode === 'E')
  return {
    system: 'wgs84',
    latitude: placed?.latitude ?? null,
    longitude: placed?.longitude ?? null,
    valid: hasFix,
    fixedAt: null,
    // HDOP speaks of satellites: of dead reckoning it says nothing.
    accuracyM: placed === undefined || hdop === null || estimated ? null : Math.round(hdop * rangeErrorM * 10) / 10,
    altitudeM: placed === undefined ? null : (gga?.altitudeM ?? null),
    ...(hasFix === false ? { speedKmh: null, headingDeg: null } : motionOf(chosen, sentences)),
    satellites: gga?.satellites ?? null,
    hdop,
  }
}

function placedIn(sentence: Placing | undefined): { latitude: number; longitude: number } | undefined {
  if (sentence === undefined || sentence.latitude === null || sentence.longitude === null) return undefined
  return { latitude: sentence.latitude, longitude: sentence.longitude }
}

/** No geometry has a dilution of 0: it stands for "none" in receivers that fill their fields. */
function hdopOf(gga: Gga | undefined, sentences: readonly Sentence[]): number | null {
  if (knownHdop(gga?.hdop ?? null)) return gga?.hdop ?? null
  for (const sentence of sentences) {
    if (sentence.formatter === 'GSA' && knownHdop(sentence.hdop)) return sentence.hdop
  }
  return null
}

function knownHdop(hdop: number | null): boolean {
  return hdop !== null && hdop > 0 && hdop < unknownHdop
}

function motionOf(chosen: readonly Placing[], sentences: readonly Sentence[]) {
  const rmc = chosen.find((sentence) => sentence.formatter === 'RMC')
  const vtg = sentences.find((sentence) => sentence.formatter === 'VTG' && sentence.mode !== 'N')
  const motion = vtg?.formatter === 'VTG' ? vtg : undefined
  const knots = rmc?.speedKnots ?? motion?.speedKnots ?? null
  const speedKmh = knots === null ? (motion?.speedKmh ?? null) : knots * kmhPerKnot
  return {
    speedKmh: speedKmh === null ? null : Math.round(speedKmh * 1000) / 1000,
    headingDeg: rmc?.courseDeg ?? motion?.courseDeg ?? null,
  }
}

/** The epoch's own date, else what the link knew when it came, else the day that is nearest to the receipt. */
function timeOf(sentences: readonly Sentence[], dateOfLink: string | undefined, receivedAt: Date): Date | null {
  let timeOfDayMs: number | null = null
  let date: string | null = null
  for (const sentence of sentences) {
    if ('timeOfDayMs' in sentence) timeOfDayMs ??= sentence.timeOfDayMs
    if ('date' in sentence) date ??= sentence.date
  }
  if (timeOfDayMs === null) return null
  const day = date ?? dateOfLink ?? nearestDate(timeOfDayMs, receivedAt)
  return new Date(Date.parse(`${day}T00:00:00Z`) + timeOfDayMs)
}
