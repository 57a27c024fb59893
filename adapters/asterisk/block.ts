import { isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import { GatewayError, quote } from '../../gateway/errors.ts'

/** A block's fields by their names in small letters: Asterisk itself writes `Uniqueid` here and `UniqueID` there. */
export class Fields {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  /** The first of that name; `null` where it is not there, empty, or what Asterisk writes for a number that is not known. */
  get(name: string): string | null {
    const value = this.#values.get(name.toLowerCase())?.[0] ?? ''
    return value === '' || value === '<unknown>' || value === '<none>' ? null : value
  }

  /** All of that name: `ChanVariable` and `Output` come more than once. */
  all(name: string): readonly string[] {
    return this.#values.get(name.toLowerCase()) ?? []
  }

  /** Throws DECODE_FIELD where it is not there. */
  required(name: string): string {
    const value = this.get(name)
    if (value === null) throw new GatewayError('DECODE_FIELD', `ami ${this.get('event') ?? 'block'}: no ${name}`)
    return value
  }
}

/**
 * Names of callers come as the network or the telephone sent them, in China often as GBK; numbers and names of fields are
 * ASCII in both, so a block is never refused for a name. A NUL has no place in PostgreSQL.
 */
export function textOf(bytes: Uint8Array): string {
  const text = isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : iconv.decode(Buffer.from(bytes), 'gb18030')
  return text.replaceAll('\0', '�')
}

/** Throws DECODE_SYNTAX for a line that is no `Key: Value`. */
export function readBlock(bytes: Uint8Array): Fields {
  const values = new Map<string, string[]>()
  for (const line of textOf(bytes).split(/\r?\n/)) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon < 1) throw new GatewayError('DECODE_SYNTAX', `ami: a line is not Key: Value but ${quote(line)}`)
    const name = line.slice(0, colon).trim().toLowerCase()
    const held = values.get(name)
    const value = line.slice(colon + 1).trim()
    if (held === undefined) values.set(name, [value])
    else held.push(value)
  }
  return new Fields(values)
}

/** A value ends with its line: a line break in one would be another field. */
export function writeBlock(fields: readonly (readonly [name: string, value: string | number])[]): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${String(value).replace(/[\r\n]+/g, ' ')}\r\n`)
  return Buffer.from(`${lines.join('')}\r\n`)
}

/** A field's value without reading the whole block; what a link needs of thousands of blocks that are of no use. */
export function peek(bytes: Buffer, name: string): string | null {
  const match = new RegExp(`(?:^|\\n)${name}: *([^\\r\\n]*)`, 'i').exec(bytes.toString('latin1'))
  return match?.[1]?.trimEnd() ?? null
}
