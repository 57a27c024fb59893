import { crc16 } from './crc.ts'
import { isBits } from './pdu.ts'

/**
 * Frames of Modbus TCP (MBAP) and RTU in a stream of bytes. A master knows what it waits for, so it looks for just that:
 * what stands before it (half a frame of a unit that went away, an answer that comes too late) is passed over.
 */

export interface Frame {
  readonly unit: number
  readonly pdu: Buffer
}

export interface Wanted {
  /** Of Modbus TCP; RTU has none. */
  readonly transaction: number
  readonly unit: number
  readonly fn: number
}

export interface Sought {
  /** The answer that was waited for. */
  readonly pdu: Buffer | null
  /** What else was there, in words: an answer to another request, of another unit, noise. */
  readonly strays: readonly string[]
  /** What may be the beginning of a frame. */
  readonly rest: Buffer
}

export type Framing = 'tcp' | 'rtu'

const mbap = 6

export function encodeTcp(transaction: number, unit: number, pdu: Uint8Array): Buffer {
  const head = Buffer.alloc(mbap + 1)
  head.writeUInt16BE(transaction, 0)
  head.writeUInt16BE(pdu.length + 1, 4)
  head[6] = unit
  return Buffer.concat([head, pdu])
}

export function encodeRtu(unit: number, pdu: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([unit]), pdu])
  const crc = crc16(body)
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])])
}

/** `null` where no header can be: protocol 0, and a unit with a PDU of 1 to 253 bytes. */
function tcpLength(bytes: Buffer, at: number): number | null {
  const length = bytes.readUInt16BE(at + 4)
  return bytes.readUInt16BE(at + 2) === 0 && length >= 2 && length <= 254 ? length : null
}

/**
 * The header that is waited for is looked for as a whole, at any place: half a frame before it, full of zeros, reads as the
 * beginning of many a frame.
 */
export function seekTcp(bytes: Buffer, wanted: Wanted): Sought {
  const from = headerOf(bytes, wanted)
  const before = others(bytes.subarray(0, from ?? bytes.length), wanted)
  if (from === null) return { pdu: null, ...before }
  const end = from + mbap + (tcpLength(bytes, from) ?? 0)
  const strays = withNoise(before.strays, before.rest.length)
  if (end > bytes.length) return { pdu: null, strays, rest: bytes.subarray(from) }
  return { pdu: bytes.subarray(from + mbap + 1, end), strays, rest: bytes.subarray(end) }
}

function headerOf(bytes: Buffer, { transaction, unit, fn }: Wanted): number | null {
  for (let at = 0; at + mbap + 2 <= bytes.length; at++) {
    if (bytes.readUInt16BE(at) !== transaction || tcpLength(bytes, at) === null) continue
    if (bytes[at + mbap] === unit && ((bytes[at + mbap + 1] ?? 0) & 0x7f) === fn) return at
  }
  return null
}

/** Whole frames that are not the answer; the rest may be the beginning of one. */
function others(bytes: Buffer, wanted: Wanted): { readonly strays: readonly string[]; readonly rest: Buffer } {
  const strays: string[] = []
  let at = 0
  let noise = 0
  while (at + mbap + 2 <= bytes.length) {
    const length = tcpLength(bytes, at)
    const end = at + mbap + (length ?? 0)
    if (length === null) {
      noise++
      at++
      continue
    }
    if (end > bytes.length) break
    const transaction = bytes.readUInt16BE(at)
    const unit = bytes[at + mbap]
    strays.push(
      transaction !== wanted.transaction
        ? `an answer to another request (transaction ${transaction}, not ${wanted.transaction})`
        : unit === wanted.unit
          ? `an answer with function ${bytes[at + mbap + 1]}`
          : `unit ${unit} answered for unit ${wanted.unit}`,
    )
    at = end
  }
  return { strays: withNoise(strays, noise), rest: bytes.subarray(at) }
}

const withNoise = (strays: readonly string[], noise: number): string[] =>
  noise === 0 ? [...strays] : [...strays, `${noise} bytes that are no frame`]

/** Bytes of an answer with unit and CRC, as far as its beginning says; `null`: no read's answer begins so. */
function rtuAnswerLength(bytes: Buffer, at: number): number | null {
  const fn = bytes[at + 1] ?? 0
  if ((fn & 0x80) !== 0 && (fn & 0x7f) >= 1 && (fn & 0x7f) <= 4) return 5
  return fn >= 1 && fn <= 4 ? 5 + (bytes[at + 2] ?? 0) : null
}

export function seekRtu(bytes: Buffer, wanted: Wanted): Sought {
  const strays: string[] = []
  let rest = 0
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = rtuAnswerLength(bytes, at)
    if (length === null || at + length > bytes.length || !crcHolds(bytes.subarray(at, at + length))) {
      at++
      continue
    }
    const unit = bytes[at] ?? 0
    const fn = (bytes[at + 1] ?? 0) & 0x7f
    if (at > rest) strays.push(`${at - rest} bytes that are no frame`)
    at += length
    rest = at
    if (unit === wanted.unit && fn === wanted.fn)
      return { pdu: bytes.subarray(at - length + 1, at - 2), strays, rest: bytes.subarray(at) }
    strays.push(
      unit === wanted.unit
        ? `an answer to another request (function ${fn})`
        : `unit ${unit} answered for unit ${wanted.unit}`,
    )
  }
  return { pdu: null, strays, rest: bytes.subarray(rest) }
}

const crcHolds = (frame: Buffer): boolean => frame.readUInt16LE(frame.length - 2) === crc16(frame.subarray(0, -2))

/** What a unit hears: requests, one after the other. The rest is what may be the beginning of one. */
export function splitRequests(
  bytes: Buffer,
  framing: Framing,
): { readonly requests: readonly (Frame & { readonly transaction: number })[]; readonly rest: Buffer } {
  const requests: (Frame & { transaction: number })[] = []
  let at = 0
  while (at + 8 <= bytes.length) {
    const length = framing === 'tcp' ? tcpLength(bytes, at) : rtuRequestLength(bytes, at)
    const end = at + (framing === 'tcp' ? mbap : 0) + (length ?? 0)
    if (length !== null && end > bytes.length) break
    const frame = bytes.subarray(at, end)
    if (length === null || (framing === 'rtu' && !crcHolds(frame))) {
      at++
      continue
    }
    const unit = frame[framing === 'tcp' ? mbap : 0] ?? 0
    if (framing === 'tcp') requests.push({ unit, pdu: frame.subarray(mbap + 1), transaction: frame.readUInt16BE(0) })
    else requests.push({ unit, pdu: frame.subarray(1, -2), transaction: 0 })
    at = end
  }
  return { requests, rest: bytes.subarray(at) }
}

/** Functions 15 and 16 carry what they write; those that read, and single writes, are of one length. */
function rtuRequestLength(bytes: Buffer, at: number): number | null {
  const fn = bytes[at + 1] ?? 0
  if (isBits(fn) || (fn >= 3 && fn <= 6)) return 8
  return fn === 15 || fn === 16 ? 9 + (bytes[at + 6] ?? 0) : null
}
