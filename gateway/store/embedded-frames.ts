/** Frontend messages of PostgreSQL's protocol 3 (PostgreSQL documentation, 55.7), cut from a stream of bytes. */

/**
 * What is executed at a stretch: messages up to the next Sync or simple query (`whole`), or up to a Flush, after which
 * more of the same series follows (`part`). The other two never reach the database.
 */
export interface Unit {
  readonly kind: 'whole' | 'part' | 'refuse-encryption' | 'end'
  readonly bytes: Buffer
}

const cancelRequest = 80877102
const sslRequest = 80877103
const gssRequest = 80877104

const kinds: ReadonlyMap<number, Unit['kind']> = new Map([
  [code('Q'), 'whole'],
  [code('S'), 'whole'],
  [code('F'), 'whole'],
  [code('H'), 'part'],
  [code('X'), 'end'],
])

function code(letter: string): number {
  return letter.charCodeAt(0)
}

export class Frames {
  #chunks: Buffer[] = []
  #bytes = 0
  /** Where the next message begins; before it stand whole messages of the unit under way. */
  #scanned = 0
  /** How many bytes must be here before it is worth looking: a large message arrives in hundreds of chunks. */
  #needed = 0
  #started = false
  #ended = false

  read(chunk: Buffer): Unit[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const units: Unit[] = []
    for (let unit = this.#next(); unit !== null; unit = this.#next()) if (unit !== 'more') units.push(unit)
    return units
  }

  /** The next unit, `more` when a message was passed that ends none, null when the rest is not here yet. */
  #next(): Unit | 'more' | null {
    const header = this.#started ? 5 : 8
    if (this.#ended || this.#bytes < Math.max(this.#needed, this.#scanned + header)) return null
    const whole = this.#whole()
    const length = whole.readInt32BE(this.#scanned + (this.#started ? 1 : 0)) + (this.#started ? 1 : 0)
    if (length < header) return this.#take('end')
    this.#needed = this.#scanned + length
    if (this.#bytes < this.#needed) return null
    const kind = this.#started ? kinds.get(whole[this.#scanned] ?? 0) : this.#opening(whole.readInt32BE(4))
    this.#scanned += length
    return kind === undefined ? 'more' : this.#take(kind)
  }

  #opening(request: number): Unit['kind'] {
    if (request === cancelRequest) return 'end'
    if (request === sslRequest || request === gssRequest) return 'refuse-encryption'
    this.#started = true
    return 'whole'
  }

  #take(kind: Unit['kind']): Unit {
    this.#ended = kind === 'end'
    const whole = this.#whole()
    const bytes = whole.subarray(0, this.#scanned)
    const rest = whole.subarray(this.#scanned)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#bytes = rest.length
    this.#scanned = 0
    this.#needed = 0
    return { kind, bytes }
  }

  #whole(): Buffer {
    const [first] = this.#chunks
    if (first !== undefined && this.#chunks.length === 1) return first
    const whole = Buffer.concat(this.#chunks)
    this.#chunks = [whole]
    return whole
  }
}

function message(letter: string, text: string | null): Unit {
  const body = text === null ? Buffer.alloc(0) : Buffer.from(`${text}\0`)
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(letter)
  bytes.writeInt32BE(4 + body.length, 1)
  bytes.set(body, 5)
  return { kind: 'whole', bytes }
}

export function query(sql: string): Unit {
  return message('Q', sql)
}

export const sync: Unit = message('S', null)
