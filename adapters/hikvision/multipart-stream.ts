import { GatewayError, quote } from '../../gateway/errors.ts'
import { GrowingBytes } from './growing-bytes.ts'

/**
 * Reads a multipart body (RFC 2046, 5.1) as it comes, in pieces of any size, as cameras write it: a boundary that is
 * declared with or without its dashes, line ends of LF alone, parts without header fields, no end. The same bytes give
 * the same pieces however they are cut.
 */

export interface WholePart {
  readonly is: 'part'
  /** Header fields by lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** Bytes that are no whole part, and why. Of many, the first 64 KiB. */
export interface SpoiltPart {
  readonly is: 'spoilt'
  readonly code: 'DECODE_TOO_LARGE' | 'DECODE_SYNTAX'
  readonly detail: string
  readonly kept: Buffer
}

export type Piece = WholePart | SpoiltPart

export interface MultipartShape {
  /** As the content type declares it, with the dashes that stand before it on its lines or without. */
  readonly boundary: string
  /** A longer part is spoilt, and skipped. */
  readonly maxPart: number
}

const keptOfSpoilt = 64 * 1024
const longestLine = 8 * 1024
const longestHead = 16 * 1024
/** No delimiter is longer: 80 dashes, 200 characters, white space. */
const longestDelimiter = 512
const newline = 0x0a
const dash = 0x2d

interface Delimiter {
  readonly at: number
  readonly behind: number
  readonly closes: boolean
}

/** What the bytes up to the next delimiter are: ignored, a part, what follows a part that was long enough, or the rest of one too long. */
type Stretch = 'outside' | 'body' | 'gap' | 'skipped'

export class MultipartStream {
  readonly #maxPart: number
  readonly #held = new GrowingBytes()
  /** The boundary without dashes before it: whether those were declared as part of it differs by firmware. */
  readonly #core: Buffer
  #stretch: Stretch | 'head' = 'outside'
  #fields = new Map<string, string>()
  #headLength = 0
  #announced: number | null = null
  /** So many bytes of what is held are known to hold no delimiter. */
  #searched = 0
  /** Whether the first byte held begins a line. */
  #atLineStart = true

  /** Throws DECODE_SYNTAX for a boundary of dashes alone: every place in the bytes would be one. */
  constructor({ boundary, maxPart }: MultipartShape) {
    this.#core = coreOf(boundary)
    if (this.#core.length === 0)
      throw new GatewayError('DECODE_SYNTAX', `a multipart boundary of ${quote(boundary)} tells no parts apart`)
    this.#maxPart = maxPart
  }

  push(chunk: Uint8Array): Piece[] {
    this.#held.append(chunk)
    return this.#pieces(false)
  }

  /** Nothing more comes. A last part without a delimiter behind it is whole when its text is. */
  end(): Piece[] {
    const pieces = this.#pieces(true)
    const rest = this.#held.bytes
    const inside = this.#stretch === 'body' || this.#stretch === 'gap'
    if (inside && !isBlank(rest)) {
      const isWhole = this.#stretch === 'body' && rest.length <= this.#maxPart && isWholeText(rest)
      pieces.push(isWhole ? this.#part(withoutLineEnd(rest)) : spoilt('DECODE_SYNTAX', 'a part without an end', rest))
    }
    this.#held.drop(rest.length)
    return pieces
  }

  #pieces(ended: boolean): Piece[] {
    const pieces: Piece[] = []
    while (this.#step(pieces, ended)) {}
    return pieces
  }

  /** Whether it came any further. */
  #step(pieces: Piece[], ended: boolean): boolean {
    return this.#stretch === 'head' ? this.#readHeadLine(ended) : this.#readStretch(this.#stretch, pieces, ended)
  }

  /** The first line that is no field begins the body: some firmware writes no fields, or no empty line behind them. */
  #readHeadLine(ended: boolean): boolean {
    const line = this.#held.line(longestLine)
    if (line === null && !ended && this.#held.bytes.length <= longestLine) return false
    const isContinued = /^[ \t]+\S/.test(line?.text ?? '') && this.#fields.size > 0
    const field = isContinued ? ['', '', ''] : /^([\w-]{1,80})[ \t]*:[ \t]*(.*)$/.exec(line?.text ?? '')
    this.#headLength += line?.length ?? 0
    if (line === null || field === null || this.#headLength > longestHead) {
      if (line?.text === '') this.#held.drop(line.length)
      this.#begin('body')
      return true
    }
    if (!isContinued) this.#fields.set((field[1] ?? '').toLowerCase(), (field[2] ?? '').trim())
    this.#held.drop(line.length)
    return true
  }

  #begin(stretch: Stretch | 'head'): void {
    this.#stretch = stretch
    this.#searched = 0
    this.#atLineStart = true
    if (stretch === 'head') {
      this.#fields = new Map()
      this.#headLength = 0
    }
    const announced = Number(this.#fields.get('content-length') || Number.NaN)
    const usable = Number.isSafeInteger(announced) && announced > 0 && announced <= this.#maxPart
    this.#announced = stretch === 'body' && usable ? announced : null
  }

  #readStretch(stretch: Stretch, pieces: Piece[], ended: boolean): boolean {
    const { bytes } = this.#held
    const announced = this.#announced
    if (announced !== null && bytes.length >= announced) return this.#readAnnounced(announced, pieces)
    const delimiter = this.#find(bytes, ended)
    const most = stretch === 'gap' ? keptOfSpoilt : this.#maxPart
    const isLong = (delimiter?.at ?? bytes.length - longestDelimiter) > most
    if (isLong && (stretch === 'body' || stretch === 'gap')) {
      const tooLong = { code: 'DECODE_TOO_LARGE', detail: `a part of more than ${most} bytes` } as const
      const { code, detail } = stretch === 'gap' ? between : tooLong
      pieces.push(spoilt(code, detail, bytes.subarray(0, most)))
      this.#begin('skipped')
      return true
    }
    if (delimiter === null) {
      if (stretch === 'outside' || stretch === 'skipped') this.#forget(bytes.length - longestDelimiter)
      return false
    }
    const before = withoutLineEnd(bytes.subarray(0, delimiter.at))
    if (stretch === 'body') pieces.push(this.#part(before))
    if (stretch === 'gap' && !isBlank(before)) pieces.push(spoilt(between.code, between.detail, before))
    this.#held.drop(delimiter.behind)
    this.#begin(delimiter.closes ? 'outside' : 'head')
    return true
  }

  /**
   * So many bytes as the part's Content-Length says: taken without waiting for the next delimiter, which may be a
   * heartbeat away. Devices count wrongly, too, so what does not end there like a part is read up to its delimiter.
   */
  #readAnnounced(length: number, pieces: Piece[]): boolean {
    this.#announced = null
    this.#searched = 0
    const view = this.#held.bytes.subarray(0, length)
    const isPicture = /^image\//i.test(this.#fields.get('content-type') ?? '')
    if (this.#find(view, false) === null && !this.#endsInDelimiter(view) && (isPicture || isWholeText(view))) {
      pieces.push(this.#part(view))
      this.#held.drop(length)
      this.#begin('gap')
    } else this.#searched = 0
    return true
  }

  /** The view may have been cut inside a delimiter. */
  #endsInDelimiter(view: Buffer): boolean {
    const line = view.subarray(view.lastIndexOf(newline) + 1)
    if (line.length < 2 || line.length > longestDelimiter) return false
    const text = line.toString('latin1').replace(/^-+/, '')
    const core = this.#core.toString('latin1')
    return line[0] === dash && line[1] === dash && (core.startsWith(text) || text.startsWith(core))
  }

  /** A line of two or more dashes, the boundary, perhaps two dashes more, and white space. */
  #find(bytes: Buffer, ended: boolean): Delimiter | null {
    const core = this.#core
    for (let at = bytes.indexOf(core, this.#searched); at >= 0; at = bytes.indexOf(core, at + 1)) {
      const start = dashesBefore(bytes, at)
      const beginsLine = start === 0 ? this.#atLineStart : bytes[start - 1] === newline
      const opens = beginsLine && at - start >= 2 && at - start <= 80
      const end = opens ? lineEnd(bytes, at + core.length, ended) : null
      if (end !== null) return { at: start, ...end }
    }
    this.#searched = Math.max(0, bytes.length - longestDelimiter)
    return null
  }

  #forget(length: number): void {
    const lineStart = this.#held.bytes.lastIndexOf(newline, Math.max(0, length))
    const dropped = length <= 0 ? 0 : lineStart >= 0 ? lineStart : length
    if (dropped > 0) this.#atLineStart = false
    this.#held.drop(dropped)
    this.#searched = Math.max(0, this.#searched - dropped)
  }

  #part(body: Buffer): WholePart {
    return { is: 'part', fields: this.#fields, body: Buffer.from(body) }
  }
}

const between = { code: 'DECODE_SYNTAX', detail: 'bytes between two parts' } as const

const spoilt = (code: SpoiltPart['code'], detail: string, bytes: Buffer): SpoiltPart => ({
  is: 'spoilt',
  code,
  detail,
  kept: Buffer.from(bytes.subarray(0, keptOfSpoilt)),
})

const coreOf = (boundary: string): Buffer => Buffer.from(boundary.trim().replace(/^-+/, ''), 'latin1')

function dashesBefore(bytes: Buffer, at: number): number {
  let start = at
  while (start > 0 && bytes[start - 1] === dash && at - start <= 80) start--
  return start
}

function lineEnd(bytes: Buffer, from: number, ended: boolean): Omit<Delimiter, 'at'> | null {
  const closes = bytes[from] === dash && bytes[from + 1] === dash
  let behind = closes ? from + 2 : from
  while (behind < from + 100 && (bytes[behind] === 0x20 || bytes[behind] === 0x09 || bytes[behind] === 0x0d)) behind++
  if (bytes[behind] === newline) return { behind: behind + 1, closes }
  return ended && behind >= bytes.length ? { behind, closes } : null
}

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== newline) return bytes
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1)
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === newline || byte === 0x0d

const isBlank = (bytes: Buffer): boolean => bytes.every(isSpace)

/** XML up to the end tag of its root, or JSON that can be parsed. */
function isWholeText(bytes: Buffer): boolean {
  const text = bytes.toString('latin1').trim()
  if (text.startsWith('<')) {
    const root = /<([A-Za-z][\w:.-]{0,80})/.exec(text)?.[1]
    return root !== undefined && text.endsWith(`</${root}>`)
  }
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
