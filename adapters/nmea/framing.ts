import { foreignFrame } from './foreign.ts'

/**
 * Finds sentences in a stream of bytes that may be cut anywhere, hold other protocols and be plain noise. Pure: what
 * comes out depends on the bytes alone, not on how they were cut into chunks.
 */
export type Piece =
  /** `$` or `!`, or a TAG block and then one of them, with the line end that came along. Its checksum may still be wrong. */
  | { readonly kind: 'sentence'; readonly offset: number; readonly bytes: Buffer }
  /** A whole frame of another protocol. `json` is what gpsd says of itself between sentences. */
  | { readonly kind: 'ubx' | 'rtcm3' | 'json'; readonly offset: number; readonly bytes: Buffer }
  /** Bytes that are none of these: as many as came together, up to 1 KiB. */
  | { readonly kind: 'garbage'; readonly offset: number; readonly bytes: Buffer }

/** The standard allows 82 characters with line end; MediaTek's own $PMTKCHN has 205. A TAG block comes on top. */
export const longestSentence = 256
const longestTag = 100
export const longestGarbage = 1024

const dollar = 0x24
const exclamation = 0x21
const star = 0x2a
const comma = 0x2c
const backslash = 0x5c
const cr = 0x0d
const lf = 0x0a
const nothing = Buffer.alloc(0)

/** How many bytes belong to the frame that begins here; `more` are needed to say; none begins; its check sum fails. */
export type Extent = number | 'more' | 'none' | 'broken'

/** Check sums of frames that only look like frames cost time: in one run of garbage no more than this many are tried. */
const mostBroken = 8

export class Framer {
  #held: Buffer = nothing
  /** Of the bytes held, how many at the front are known to be garbage. */
  #garbage = 0
  #broken = 0
  #offset = 0

  /** Pieces that are complete now. At most some 9 KiB are held back. */
  push(chunk: Uint8Array): Piece[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    return this.#scan(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]), 'open')
  }

  /** After a silence: a sentence that waits only for the rest of its line end comes out. */
  settle(): Piece[] {
    return this.#scan(this.#held, 'quiet')
  }

  /** The source has ended: what is held comes out, an unfinished sentence as garbage. */
  end(): Piece[] {
    return this.#scan(this.#held, 'closed')
  }

  #scan(bytes: Buffer, state: 'open' | 'quiet' | 'closed'): Piece[] {
    const pieces: Piece[] = []
    let garbageFrom = 0
    let at = this.#garbage
    const flushGarbage = (end: number): void => {
      if (end > garbageFrom) this.#pushGarbage(pieces, bytes, garbageFrom, end)
      garbageFrom = end
      this.#broken = 0
    }
    while (at < bytes.length) {
      if (at === garbageFrom && isBlank(bytes[at])) {
        garbageFrom = ++at
        continue
      }
      const [kind, found] = frameAt(bytes, at, state !== 'open', this.#broken < mostBroken)
      const extent = found === 'more' && state === 'closed' ? 'none' : found
      if (extent === 'more') break
      if (typeof extent === 'string') {
        if (extent === 'broken') this.#broken++
        at++
        if (at - garbageFrom >= longestGarbage) flushGarbage(at)
        continue
      }
      flushGarbage(at)
      pieces.push({ kind, offset: this.#offset + at, bytes: bytes.subarray(at, at + extent) })
      at += extent
      garbageFrom = at
    }
    if (state === 'closed') flushGarbage(at)
    // A copy, so that the chunk it came in can be let go.
    this.#held = garbageFrom === bytes.length ? nothing : Buffer.from(bytes.subarray(garbageFrom))
    this.#garbage = at - garbageFrom
    this.#offset += garbageFrom
    return pieces
  }

  /** Line ends before and after noise are nobody's; noise that is nothing else is dropped with them. */
  #pushGarbage(pieces: Piece[], bytes: Buffer, from: number, to: number): void {
    let end = to
    while (end > from && isBlank(bytes[end - 1])) end--
    if (end > from) pieces.push({ kind: 'garbage', offset: this.#offset + from, bytes: bytes.subarray(from, end) })
  }
}

/** All pieces of bytes that are whole, as a stored message is. */
export function pieces(bytes: Uint8Array): Piece[] {
  const framer = new Framer()
  const found = framer.push(bytes)
  const rest = framer.end()
  return rest.length === 0 ? found : [...found, ...rest]
}

function frameAt(bytes: Buffer, at: number, still: boolean, trying: boolean): [Piece['kind'], Extent] {
  const first = bytes[at]
  if (first === dollar || first === exclamation) return ['sentence', sentenceExtent(bytes, at, at, still)]
  if (first === backslash) return ['sentence', taggedExtent(bytes, at, still)]
  return trying ? foreignFrame(bytes, at) : ['garbage', 'none']
}

/** A TAG block stands directly before the sentence it speaks of. */
function taggedExtent(bytes: Buffer, from: number, still: boolean): Extent {
  const limit = Math.min(bytes.length, from + longestTag)
  for (let at = from + 1; at < limit; at++) {
    const byte = bytes[at] ?? 0
    if (byte === backslash) {
      if (at === from + 1) return 'none'
      const next = bytes[at + 1]
      if (next === undefined) return 'more'
      return next === dollar || next === exclamation ? sentenceExtent(bytes, from, at + 1, still) : 'none'
    }
    if (byte < 0x20 || byte > 0x7e || byte === dollar) return 'none'
  }
  return bytes.length < from + longestTag ? 'more' : 'none'
}

/** From `$` to the line end, or to the checksum where there is none. Another `$` on the way means that it was cut off. */
function sentenceExtent(bytes: Buffer, from: number, mark: number, still: boolean): Extent {
  const length = bytes.length
  let addressed = false
  const limit = Math.min(length, mark + longestSentence + 1)
  for (let at = mark + 1; at < limit; at++) {
    const byte = bytes[at] ?? 0
    if (byte === cr || byte === lf) return addressed ? lineExtent(bytes, from, at, still) : 'none'
    if (byte < 0x20 || byte > 0x7e || byte === dollar || byte === backslash) return 'none'
    if (!addressed) {
      if (byte === comma && at - mark > 3) addressed = true
      else if (!(at - mark === 1 ? isCapital(byte) : isAddress(byte)) || at - mark > 10) return 'none'
    } else if (byte === star) {
      if (at + 2 >= length) continue
      if (isHex(bytes[at + 1]) && isHex(bytes[at + 2])) return lineExtent(bytes, from, at + 3, still)
    }
  }
  return length > mark + longestSentence ? 'none' : 'more'
}

/** The line end is CR LF, LF, CR or nothing at all; after a silence no more of it is waited for. */
function lineExtent(bytes: Buffer, from: number, end: number, still: boolean): Extent {
  const next = bytes[end]
  if (next === lf) return end + 1 - from
  if (next === undefined) return still ? end - from : 'more'
  if (next !== cr) return end - from
  if (end + 1 >= bytes.length) return still ? end + 1 - from : 'more'
  return bytes[end + 1] === lf ? end + 2 - from : end + 1 - from
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a
}

function isAddress(byte: number): boolean {
  return isCapital(byte) || (byte >= 0x30 && byte <= 0x39)
}

function isHex(byte: number | undefined): boolean {
  return byte !== undefined && (isAddress(byte) || (byte >= 0x61 && byte <= 0x66)) && (byte <= 0x46 || byte >= 0x61)
}

function isBlank(byte: number | undefined): boolean {
  return byte === cr || byte === lf || byte === 0x20 || byte === 0x09 || byte === 0
}
