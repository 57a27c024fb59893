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
  readonly fields: string[]
}

export type ChecksumRule = 'required' | 'optional'

const parsers: Readonly<Record<string, (talker: string, fields: string[]) => Sentence>> = {
  RMC: parseRmc,
  GGA: parseGga,
  GLL: parseGll,
  VTG: parseVtg,
  GSA: parseGsa,
  ZDA: parseZda,
}

/** Where a sentence's body lies in its line: behind `$`, before `*`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * Finds the body of a line and checks its checksum. Throws `DECODE_CHECKSUM`, or `DECODE_SYNTAX` when it is no
 * sentence. NMEA 0183 before 2.0 knew no checksum; `optional` lets such lines pass, never one that is wrong.
 */
export function bodyOf(text: string, rule: ChecksumRule): Span {
  const start = text.charCodeAt(0) === 0x5c ? text.indexOf('\\', 1) + 1 : 0
  const end = lineEnd(text)
  const mark = text.charCodeAt(start)
  if (mark !== 0x24 && mark !== 0x21) throw new GatewayError('DECODE_SYNTAX', `NMEA: no sentence in ${quote(text)}`)
  const star = text.lastIndexOf('*', end)
  if (star > start) {
    if (checksumHolds(text, start + 1, star, end)) return { from: start + 1, to: star }
    throw new GatewayError('DECODE_CHECKSUM', `NMEA: ${quote(text.slice(start, end), 90)}`)
  }
  if (rule === 'optional') return { from: start + 1, to: end }
  throw new GatewayError('DECODE_CHECKSUM', `NMEA: no checksum in ${quote(text.slice(start, end))}`)
}

/** Takes a line apart: TAG block, checksum, fields. Throws as `bodyOf` does. */
export function open(text: string, rule: ChecksumRule = 'required'): Envelope {
  const { from, to } = bodyOf(text, rule)
  const fields = text.slice(from, to).split(',')
  return { tag: tagOf(text, from), address: fields[0] ?? '', fields }
}

/** What three letters a known address ends with; proprietary ones begin with P and have none: $PGRMC is no RMC. */
export function formatterOf(address: string): string {
  return address.length === 5 && address.charCodeAt(0) !== 0x50 ? address.slice(2) : ''
}

/** The TAG block before a body that begins at `from`. */
export function tagOf(text: string, from: number): TagBlock | null {
  return from === 1 ? null : readTag(text.slice(1, from - 2))
}

/** Values of one line. Throws a `DECODE_` error when it is malformed; another kind of sentence is `Unsupported`. */
export function parse(text: string, rule: ChecksumRule = 'required'): Sentence | Unsupported {
  return read(open(text, rule))
}

/** Values of an opened line; throws `DECODE_FIELD`. */
export function read(envelope: Envelope): Sentence | Unsupported {
  const { address, fields } = envelope
  const parser = parsers[formatterOf(address)]
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
