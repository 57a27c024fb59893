import { createHash } from 'node:crypto'
import type { OutboundText } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { digitsOf, isInternational } from '../../gateway/subscriber.ts'
import { type Alphabet, alphabetFor, type LongText, type OutboundAlphabet } from './alphabet.ts'
import type { DefaultCoding } from './coding.ts'
import { fillBits } from './gsm.ts'
import type { Address } from './short-message.ts'
import { encodeText } from './text.ts'

export { longTexts, outboundAlphabets } from './alphabet.ts'
export type { LongText, OutboundAlphabet }

export interface SegmentOptions {
  /** The account's own number; a text's extension is put behind its digits. */
  readonly source: Address
  readonly alphabet: OutboundAlphabet
  /** What data_coding 0 means on this link; GSM 7-bit is only used where it is `gsm` or `gsm-packed`. */
  readonly defaultCoding: DefaultCoding
  readonly longText: LongText
  /** Whether the centre is asked for receipts. */
  readonly receipts: boolean
  /** Whether user_message_reference goes along; some centres refuse TLVs. */
  readonly references: boolean
  readonly serviceType: string
}

/** All that a submit_sm needs. */
export interface Segment {
  /** From 1. */
  readonly number: number
  readonly total: number
  readonly serviceType: string
  readonly destination: Address
  readonly source: Address
  readonly esmClass: number
  readonly dataCoding: number
  /** UDH and text. */
  readonly octets: Uint8Array
  /** `true`: the octets go into message_payload. */
  readonly payload: boolean
  readonly registeredDelivery: number
  /** `261125084500000+` (7.1.1), or empty. */
  readonly validity: string
  /** user_message_reference */
  readonly reference: number | null
  readonly sar: { readonly reference: number; readonly total: number; readonly number: number } | null
}

/**
 * Pure. The same text makes the same segments. Throws `NOTICE_INVALID` when it cannot be carried: more than 255 parts,
 * or a number that is too long for an address field.
 */
export function segmentsOf(text: OutboundText, options: SegmentOptions): readonly Segment[] {
  const words = text.text.toWellFormed()
  const alphabet = alphabetFor(words, options)
  const pieces = piecesOf(words, alphabet, options.longText)
  const total = pieces.length
  if (total > 255) throw new GatewayError('NOTICE_INVALID', `SMPP: ${total} parts, at most 255 can be numbered`)
  const long = { style: options.longText, reference: hashed(text.id), total }
  const common = {
    total,
    serviceType: options.serviceType,
    destination: checked(destinationOf(text.to)),
    source: checked({ ...options.source, digits: `${options.source.digits}${text.extension ?? ''}` }),
    dataCoding: alphabet.dataCoding,
    registeredDelivery: options.receipts ? 1 : 0,
    validity: text.validUntil === null ? '' : absoluteTime(text.validUntil),
  }
  return pieces.map((piece, i) => {
    const number = i + 1
    const reference = options.references ? hashed(`${text.id}/${number}`) : null
    return { ...common, number, reference, ...carried(piece, alphabet, { ...long, number }) }
  })
}

interface Placing {
  readonly style: LongText
  readonly reference: number
  readonly total: number
  readonly number: number
}

function carried(piece: string, alphabet: Alphabet, placing: Placing) {
  const { style, reference, total, number } = placing
  const header = total === 1 ? Buffer.alloc(0) : headerOf(placing)
  const octets = Buffer.concat([header, encodeText(piece, alphabet.coding, fillBits(header.length))])
  return {
    esmClass: header.length > 0 ? 0x40 : 0x00,
    octets,
    payload: style === 'payload' && costOf(piece, alphabet) > alphabet.single,
    sar: total > 1 && style === 'sar' ? { reference, total, number } : null,
  }
}

/** 3GPP TS 23.040, 9.2.3.24.1 and 9.2.3.24.8. */
function headerOf({ style, reference, total, number }: Placing): Buffer {
  if (style === 'udh8') return Buffer.from([0x05, 0x00, 0x03, reference & 0xff, total, number])
  if (style === 'udh16') return Buffer.from([0x06, 0x08, 0x04, reference >> 8, reference & 0xff, total, number])
  return Buffer.alloc(0)
}

/** Cut so that no part is longer than its network carries, between characters only. */
function piecesOf(text: string, alphabet: Alphabet, style: LongText): string[] {
  const whole = costOf(text, alphabet)
  if (style === 'payload' && whole > longestPayload) {
    throw new GatewayError('NOTICE_INVALID', `SMPP: a text of ${whole} octets, message_payload takes ${longestPayload}`)
  }
  if (style === 'payload' || whole <= alphabet.single) return [text]
  const pieces: string[] = []
  let piece = ''
  let used = 0
  for (const character of text) {
    const cost = alphabet.costOf(character)
    if (used + cost > alphabet.long[style]) {
      pieces.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += cost
  }
  return [...pieces, piece]
}

const longestPayload = 0xffff

function costOf(text: string, alphabet: Alphabet): number {
  return Array.from(text).reduce((sum, character) => sum + alphabet.costOf(character), 0)
}

/** TON and NPI of a number that something is sent to (5.2.5, 5.2.6): international E.164, or a service number. */
function destinationOf(uri: string): Address {
  const digits = digitsOf(uri)
  if (isInternational(uri)) return { ton: 1, npi: 1, digits }
  return /^\d+$/.test(digits) ? { ton: 0, npi: 1, digits } : { ton: 5, npi: 0, digits }
}

function checked(address: Address): Address {
  if (/^[\x20-\x7e]{0,20}$/.test(address.digits)) return address
  throw new GatewayError('NOTICE_INVALID', `SMPP: ${address.digits.length} characters are no address of 20 in ASCII`)
}

/** 7.1.1: tenths of a second, then quarters of an hour ahead of UTC, which are none. */
export function absoluteTime(time: Date): string {
  const digits = time.toISOString().replace(/\D/g, '')
  return `${digits.slice(2, 15)}00+`
}

/** 1 to 65,535, the same for the same text after any restart. */
function hashed(text: string): number {
  return (createHash('sha256').update(text).digest().readUInt32BE(0) % 0xffff) + 1
}
