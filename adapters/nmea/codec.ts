import { GatewayError, quote } from '../../gateway/errors.ts'
import { type Gga, ggaFields, parseGga } from './gga.ts'
import { type Gll, gllFields, parseGll } from './gll.ts'
import { type Gsa, gsaFields, parseGsa } from './gsa.ts'
import { parseRmc, type Rmc, rmcFields } from './rmc.ts'
import { parseVtg, type Vtg, vtgFields } from './vtg.ts'
import { parseZda, type Zda, zdaFields } from './zda.ts'

export type { Gga, Gll, Gsa, Rmc, Vtg, Zda }

/** A sentence this gateway reads, from whatever talker: GP, GL, GA, GB and BD, GN, a maker's own. */
export type Sentence = Rmc | Gga | Gll | Vtg | Gsa | Zda

/** A sentence that is whole but says nothing about a position here: GSV, AIS, `$PUBX`. Not an error. */
export interface Unsupported {
  readonly formatter: null
  readonly address: string
}

/** What stands before a sentence between backslashes (NMEA 4.0, TAG block), where its own checksum holds. */
export interface TagBlock {
  readonly source: string | null
  /** UNIX time as the sender wrote it, in seconds or milliseconds; kept aside. */
  readonly time: string | null
}

/** A sentence taken apart, its values not yet read. */
export interface Envelope {
  readonly tag: TagBlock | null
  /** `GPRMC`, `PUBX`, `AIVDM`; without the `$` or `!`. */
  readonly address: string
  /** The address first, so that numbers are those of the standard's tables. */
  readonly fields: readonly string[]
}

export type ChecksumRule = 'required' | 'optional'

const parsers: Readonly<Record<string, (talker: string, fields: readonly string[]) => Sentence>> = {
  RMC: parseRmc,
  GGA: parseGga,
  GLL: parseGll,
  VTG: parseVtg,
  GSA: parseGsa,
  ZDA: parseZda,
}

/**
 * Takes a line apart: TAG block, checksum, fields. Throws `DECODE_CHECKSUM`, or `DECODE_SYNTAX` when it is no sentence.
 * NMEA 0183 before 2.0 knew no checksum; `optional` lets such lines pass, never one that is wrong.
 */
export function open(text: string, rule: ChecksumRule = 'required'): Envelope {
  const start = text.charCodeAt(0) === 0x5c ? text.indexOf('\\', 1) + 1 : 0
  const end = lineEnd(text)
  const mark = text.charCodeAt(start)
  if (mark !== 0x24 && mark !== 0x21) throw new GatewayError('DECODE_SYNTAX', `NMEA: no sentence in ${quote(text)}`)
  const star = text.lastIndexOf('*', end)
  const hasChecksum = star > start
  if (!hasChecksum && rule === 'required') {
    throw new GatewayError('DECODE_CHECKSUM', `NMEA: no checksum in ${quote(text.slice(start, end))}`)
  }
  if (hasChecksum && !checksumHolds(text, start + 1, star, end)) {
    throw new GatewayError('DECODE_CHECKSUM', `NMEA: ${quote(text.slice(start, end), 90)}`)
  }
  const fields = text.slice(start + 1, hasChecksum ? star : end).split(',')
  return { tag: start === 0 ? null : readTag(text.slice(1, start - 1)), address: fields[0] ?? '', fields }
}

/** Values of one line. Throws a `DECODE_` error when it is malformed; another kind of sentence is `Unsupported`. */
export function parse(text: string, rule: ChecksumRule = 'required'): Sentence | Unsupported {
  return read(open(text, rule))
}

/** Values of an opened line; throws `DECODE_FIELD`. */
export function read(envelope: Envelope): Sentence | Unsupported {
  const { address, fields } = envelope
  // Proprietary addresses begin with P and have no talker: $PGRME is no talker PG. Encapsulated ones (!) are AIS.
  const parser = address.length === 5 && address[0] !== 'P' ? parsers[address.slice(2)] : undefined
  if (parser === undefined) return { formatter: null, address }
  return parser(address.slice(0, 2), fields)
}

/** A sentence with checksum and line end. Positions to a hundred-thousandth of a minute, 2 cm. */
export function encode(sentence: Sentence): string {
  const body = `${sentence.talker}${sentence.formatter},${values(sentence)}`
  return `$${body}*${checksum(body)}\r\n`
}

/** A line with a TAG block before it that names its source. */
export function encodeTagged(source: string, line: string): string {
  return `\\s:${source}*${checksum(`s:${source}`)}\\${line}`
}

/** Two hexadecimal digits: all characters between `$` and `*`, exclusive or. */
export function checksum(body: string): string {
  let sum = 0
  for (let index = 0; index < body.length; index++) sum ^= body.charCodeAt(index)
  return (sum & 0xff).toString(16).toUpperCase().padStart(2, '0')
}

function values(sentence: Sentence): string {
  switch (sentence.formatter) {
    case 'RMC':
      return rmcFields(sentence)
    case 'GGA':
      return ggaFields(sentence)
    case 'GLL':
      return gllFields(sentence)
    case 'VTG':
      return vtgFields(sentence)
    case 'GSA':
      return gsaFields(sentence)
    case 'ZDA':
      return zdaFields(sentence)
  }
}

function lineEnd(text: string): number {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) <= 0x20) end--
  return end
}

function checksumHolds(text: string, from: number, star: number, end: number): boolean {
  if (end - star !== 3) return false
  let sum = 0
  for (let index = from; index < star; index++) sum ^= text.charCodeAt(index)
  return hexDigit(text.charCodeAt(star + 1)) * 16 + hexDigit(text.charCodeAt(star + 2)) === sum
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const upper = code & ~0x20
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : Number.NaN
}

/** A block whose checksum fails says nothing: it must not name the wrong vehicle. */
function readTag(block: string): TagBlock | null {
  const star = block.lastIndexOf('*')
  if (star < 0 || block.slice(star + 1).toUpperCase() !== checksum(block.slice(0, star))) return null
  let source: string | null = null
  let time: string | null = null
  for (const parameter of block.slice(0, star).split(',')) {
    if (parameter.startsWith('s:') && parameter.length > 2) source = parameter.slice(2)
    if (parameter.startsWith('c:') && parameter.length > 2) time = parameter.slice(2)
  }
  return { source, time }
}
