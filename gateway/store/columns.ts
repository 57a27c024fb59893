import { storable } from './array-literal.ts'

/**
 * The columns of a batch as parameters of one statement: arrays for `unnest` in PostgreSQL's binary format. Written as
 * text, a batch's numbers, times and bytes would be printed here and parsed there, which takes as long as storing them.
 */

const oids = {
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  float8: 701,
  date: 1082,
  timestamptz: 1184,
  uuid: 2950,
  jsonb: 3802,
} as const

type Type = keyof typeof oids

/** PostgreSQL counts from 2000-01-01. */
const epochMs = 946_684_800_000
const dayMs = 86_400_000
/** Longer text is faster written by Node's own code than character by character. */
const shortText = 48
/** The least that is set aside for the columns of one statement. */
const leastBytes = 16_384

export class Columns {
  #buffer: Buffer
  #at = 0
  readonly #parameters: (string | { readonly from: number; readonly to: number })[] = []

  constructor(expectedBytes = leastBytes) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(leastBytes, expectedBytes))
  }

  /** The parameters' values, in the order of their placeholders. Nothing can be added after. */
  values(): (string | Buffer)[] {
    return this.#parameters.map((parameter) =>
      typeof parameter === 'string' ? parameter : this.#buffer.subarray(parameter.from, parameter.to),
    )
  }

  /** One text, not a column. Like all the others it returns its placeholder with its type. */
  value(text: string): string {
    return `$${this.#parameters.push(text)}::text`
  }

  text<Row>(rows: readonly Row[], of: (row: Row) => string | null): string {
    return this.#column('text', rows, of, (text) => this.#putText(text))
  }

  uuid<Row>(rows: readonly Row[], of: (row: Row) => string | null): string {
    return this.#column('uuid', rows, of, (id) => {
      this.#at += this.#room(16).write(id.replaceAll('-', ''), this.#at, 'hex')
    })
  }

  time<Row>(rows: readonly Row[], of: (row: Row) => Date | null): string {
    return this.#column('timestamptz', rows, of, (time) => this.#putInt8((time.getTime() - epochMs) * 1000))
  }

  float<Row>(rows: readonly Row[], of: (row: Row) => number | null): string {
    return this.#column('float8', rows, of, (number) => {
      this.#at = this.#room(8).writeDoubleBE(number, this.#at)
    })
  }

  int<Row>(rows: readonly Row[], of: (row: Row) => number | null): string {
    return this.#column('int4', rows, of, (number) => this.#putInt4(number))
  }

  bigint<Row>(rows: readonly Row[], of: (row: Row) => number): string {
    return this.#column('int8', rows, of, (number) => this.#putInt8(number))
  }

  /** Days as `2026-11-23`. */
  date<Row>(rows: readonly Row[], of: (row: Row) => string): string {
    return this.#column('date', rows, of, (day) => this.#putInt4((Date.parse(day) - epochMs) / dayMs))
  }

  bytes<Row>(rows: readonly Row[], of: (row: Row) => Uint8Array | null): string {
    return this.#column('bytea', rows, of, (bytes) => {
      this.#room(bytes.length).set(bytes, this.#at)
      this.#at += bytes.length
    })
  }

  /** `of` gives JSON text, as `storableJson` makes it. */
  json<Row>(rows: readonly Row[], of: (row: Row) => string): string {
    return this.#column('jsonb', rows, of, (json) => {
      // The format's version.
      this.#room(1)[this.#at++] = 1
      this.#putText(json)
    })
  }

  #column<Row, Value>(
    type: Type,
    rows: readonly Row[],
    of: (row: Row) => Value | null,
    put: (value: Value) => void,
  ): string {
    const from = this.#at
    // One dimension, which begins at 1; there may be nulls.
    for (const field of [1, 1, oids[type], rows.length, 1]) this.#putInt4(field)
    for (const row of rows) {
      const value = of(row)
      const lengthAt = this.#at
      this.#putInt4(-1)
      if (value === null) continue
      put(value)
      this.#buffer.writeInt32BE(this.#at - lengthAt - 4, lengthAt)
    }
    return `$${this.#parameters.push({ from, to: this.#at })}::${type}[]`
  }

  #putInt4(number: number): void {
    this.#at = this.#room(4).writeInt32BE(number, this.#at)
  }

  /** Whole numbers up to 2^53 either way. */
  #putInt8(number: number): void {
    const high = Math.floor(number / 0x1_0000_0000)
    this.#putInt4(high)
    this.#at = this.#room(4).writeUInt32BE(number - high * 0x1_0000_0000, this.#at)
  }

  #putText(text: string): void {
    const buffer = this.#room(text.length * 3)
    if (!(text.length <= shortText && this.#putAscii(text, buffer))) this.#at += buffer.write(storable(text), this.#at)
  }

  #putAscii(text: string, buffer: Buffer): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === 0 || code > 0x7f) return false
      buffer[this.#at + i] = code
    }
    this.#at += text.length
    return true
  }

  /** The buffer, with space for so many more bytes. */
  #room(bytes: number): Buffer {
    if (this.#at + bytes <= this.#buffer.length) return this.#buffer
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
    return larger
  }
}
