/** Cuts octets of a file into lines, however they come. Pure. */
export type Line =
  /** With its newline. */
  | { readonly kind: 'line'; readonly bytes: Buffer }
  /** The beginning of one that is longer than is read; the rest of it is passed over. */
  | { readonly kind: 'too-long'; readonly bytes: Buffer }

export const longestLine = 64 * 1024
const longestKept = 4096

export class Lines {
  #held = Buffer.alloc(0)
  #skipping = false

  /** Octets that belong to a line that has no end yet. */
  get held(): number {
    return this.#held.length
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (let feed = rest.indexOf(0x0a); feed >= 0; feed = rest.indexOf(0x0a)) {
      const bytes = rest.subarray(0, feed + 1)
      rest = rest.subarray(feed + 1)
      if (this.#skipping) this.#skipping = false
      else if (bytes.length > longestLine) lines.push(tooLong(bytes))
      else if (bytes.length > 1 && !bytes.equals(emptyLine)) lines.push({ kind: 'line', bytes })
    }
    if (this.#skipping) rest = nothing
    else if (rest.length > longestLine) {
      lines.push(tooLong(rest))
      this.#skipping = true
      rest = nothing
    }
    this.#held = Buffer.from(rest)
    return lines
  }

  /** What stands after the last newline of a file that is written no more. */
  end(): Line[] {
    const bytes = this.#held
    this.#held = nothing
    const skipped = this.#skipping
    this.#skipping = false
    return bytes.length === 0 || skipped ? [] : [{ kind: 'line', bytes }]
  }
}

const nothing = Buffer.alloc(0)
const emptyLine = Buffer.from('\r\n')

function tooLong(bytes: Buffer): Line {
  return { kind: 'too-long', bytes: Buffer.from(bytes.subarray(0, longestKept)) }
}
