/**
 * Cuts AMI's stream into its first line and its blocks: lines that end in CR LF, a block ends with an empty one. Pure:
 * what comes out depends on the bytes alone, not on how they were cut into chunks.
 */
export type Piece =
  /** `Asterisk Call Manager/5.0.4`, the one line before all blocks. */
  | { readonly kind: 'banner'; readonly bytes: Buffer }
  /** With the line end of its last line, without the empty line. */
  | { readonly kind: 'block'; readonly bytes: Buffer }
  /** Longer than a block can be: its beginning. The stream cannot be cut any more, nothing else comes out. */
  | { readonly kind: 'unframed'; readonly bytes: Buffer }
  /** The stream ended within a block. */
  | { readonly kind: 'cut-off'; readonly bytes: Buffer }

/** Events of Asterisk are below 4 KiB; a channel with many variables to show (`channelvars`) makes them longer. */
export const longestBlock = 256 * 1024
const longestBanner = 256
export const longestKept = 4096

const nothing = Buffer.alloc(0)

export class AmiFraming {
  #held: Buffer[] = []
  #heldBytes = 0
  #banner: 'expected' | 'seen' | 'lost'

  /** `first`: what the stream begins with; actions, on their way to the exchange, have no banner before them. */
  constructor(first: 'banner' | 'block' = 'banner') {
    this.#banner = first === 'banner' ? 'expected' : 'seen'
  }

  push(chunk: Uint8Array): Piece[] {
    if (this.#banner === 'lost') return []
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const pieces: Piece[] = []
    if (this.#heldBytes > 0) {
      // Joined only when something can end within the new chunk: a block of many chunks is copied once.
      if (rest.indexOf(0x0a) < 0) {
        this.#hold(rest)
        return this.#tooLong() ? [this.#give(this.#joined())] : []
      }
      rest = Buffer.concat([this.#joined(), rest])
    }
    for (;;) {
      const found = this.#banner === 'expected' ? lineEnd(rest) : blockEnd(rest)
      if (found === null) break
      const bytes = rest.subarray(0, found.end)
      if (bytes.length > this.#longest) return [...pieces, this.#give(bytes)]
      if (this.#banner === 'expected') pieces.push({ kind: 'banner', bytes })
      // More than one empty line in a row is none: Asterisk writes such after the output of a command.
      else if (bytes.length > 0) pieces.push({ kind: 'block', bytes })
      this.#banner = 'seen'
      rest = rest.subarray(found.next)
    }
    this.#hold(rest)
    return this.#tooLong() ? [...pieces, this.#give(this.#joined())] : pieces
  }

  /** The far end has closed. */
  end(): Piece[] {
    const bytes = this.#joined()
    return bytes.length === 0 || this.#banner === 'lost' ? [] : [{ kind: 'cut-off', bytes }]
  }

  get #longest(): number {
    return this.#banner === 'expected' ? longestBanner : longestBlock
  }

  #tooLong(): boolean {
    return this.#heldBytes > this.#longest
  }

  #give(bytes: Buffer): Piece {
    this.#banner = 'lost'
    this.#joined()
    return { kind: 'unframed', bytes: Buffer.from(bytes.subarray(0, longestKept)) }
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
  }

  #joined(): Buffer {
    const [only = nothing, ...more] = this.#held
    const joined = more.length === 0 ? only : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return joined
  }
}

interface End {
  readonly end: number
  readonly next: number
}

function lineEnd(bytes: Buffer): End | null {
  const feed = bytes.indexOf(0x0a)
  return feed < 0 ? null : { end: feed > 0 && bytes[feed - 1] === 0x0d ? feed - 1 : feed, next: feed + 1 }
}

/** A proxy or a test may write LF alone. */
function blockEnd(bytes: Buffer): End | null {
  for (let from = 0; ; ) {
    const feed = bytes.indexOf(0x0a, from)
    if (feed < 0) return null
    if (feed === from || (feed === from + 1 && bytes[from] === 0x0d)) return { end: from, next: feed + 1 }
    from = feed + 1
  }
}
