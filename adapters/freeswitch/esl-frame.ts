import { GatewayError, quote } from '../../gateway/errors.ts'
import { textOf } from './text.ts'

/** The Event Socket's framing: header lines, an empty line, and as many bytes as Content-Length says. */

export interface Frame {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** How long the body was where only its beginning was kept. */
  readonly cutFrom: number | null
}

/** FreeSWITCH's own frames have under 500 bytes of headers; those of events are in the body. */
const longestHead = 16 * 1024
/** More is no length that anybody waits for. */
const longestBody = 1024 ** 3
/** Of a body above the limit so much is kept, for whoever looks for its sender. */
const keptOfTooLong = 64 * 1024

const lineEnd = 0x0a
const carriageReturn = 0x0d

/** Frames of a stream, however its bytes are cut. After it threw, nothing can be said of what follows. */
export class FrameReader {
  readonly #longest: number
  #chunks: Buffer[] = []
  #length = 0
  #head: ReadonlyMap<string, string> | null = null
  /** Bytes of the body; and how many of them are still to be passed over. */
  #wanted = 0
  #skip = 0
  /** How far the head was searched for its end. */
  #searched = 0

  constructor(longest: number) {
    this.#longest = longest
  }

  /** Throws `DECODE_SYNTAX` or `DECODE_TOO_LARGE`. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#add(chunk)
    for (;;) {
      this.#pass()
      this.#head ??= this.#readHead()
      if (this.#head === null || this.#length < this.#kept()) return
      const [headers, wanted, kept] = [this.#head, this.#wanted, this.#kept()]
      const body = this.#take(kept)
      this.#head = null
      this.#skip = wanted - kept
      yield { headers, body, cutFrom: kept < wanted ? wanted : null }
    }
  }

  /** What came and is no whole frame yet. */
  get rest(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  #kept(): number {
    return this.#wanted <= this.#longest ? this.#wanted : Math.min(keptOfTooLong, this.#longest)
  }

  #add(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#length = 0
    this.#add(all.subarray(count))
    return all.subarray(0, count)
  }

  #pass(): void {
    while (this.#skip > 0 && this.#length > 0) {
      const passed = Math.min(this.#skip, this.#chunks[0]?.length ?? 0)
      this.#skip -= passed
      this.#length -= passed
      const rest = this.#chunks.shift()?.subarray(passed)
      if (rest !== undefined && rest.length > 0) this.#chunks.unshift(rest)
    }
  }

  #readHead(): ReadonlyMap<string, string> | null {
    if (this.#skip > 0) return null
    const held = this.#take(this.#length)
    const from = held.findIndex((byte) => byte !== lineEnd && byte !== carriageReturn)
    const head = from < 0 ? Buffer.alloc(0) : held.subarray(from)
    // What cannot be read stays in `rest`, for whoever looks at it.
    this.#add(head)
    const end = endOfHead(head, from > 0 ? 0 : this.#searched)
    if ((end?.from ?? head.length) > longestHead)
      throw new GatewayError('DECODE_TOO_LARGE', `ESL: more than ${longestHead} bytes of headers`)
    this.#searched = end === null ? Math.max(0, head.length - 3) : 0
    if (end === null) return null
    const headers = headersOf(head.subarray(0, end.from))
    this.#wanted = lengthOf(headers)
    this.#take(end.to)
    return headers
  }
}

/** An empty line, in either way of ending lines. */
function endOfHead(bytes: Buffer, from: number): { readonly from: number; readonly to: number } | null {
  for (let at = bytes.indexOf(lineEnd, from); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) {
    if (bytes[at + 1] === lineEnd) return { from: at, to: at + 2 }
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineEnd) return { from: at, to: at + 3 }
  }
  return null
}

function headersOf(head: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of textOf(head).split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new GatewayError('DECODE_SYNTAX', `ESL: no header line: ${quote(line)}`)
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

function lengthOf(headers: ReadonlyMap<string, string>): number {
  const told = headers.get('content-length') ?? '0'
  const length = /^\d{1,12}$/.test(told) ? Number(told) : Number.NaN
  if (Number.isNaN(length)) throw new GatewayError('DECODE_SYNTAX', `ESL: Content-Length ${quote(told)}`)
  if (length > longestBody) throw new GatewayError('DECODE_TOO_LARGE', `ESL: Content-Length ${length}`)
  return length
}

/** As FreeSWITCH writes it; a body brings its length. */
export function frame(headers: Readonly<Record<string, string>>, body: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(body as Uint8Array)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
  const length = bytes.length > 0 ? [`Content-Length: ${bytes.length}\n`] : []
  return Buffer.concat([Buffer.from([...length, ...lines, '\n'].join('')), bytes])
}
