import { GatewayError, quote } from '../errors.ts'

/** Readers of single fields of a JSON object. Absent and null are `null`; a wrong type throws DECODE_FIELD. */
export type JsonObject = Readonly<Record<string, unknown>>

export function fault(name: string, must: string, value: unknown): GatewayError {
  return new GatewayError('DECODE_FIELD', `${name} must be ${must}, not ${quote(value)}`)
}

export function asObject(value: unknown, name: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw fault(name, 'an object', value)
}

/** JSON knows no NaN, but `1e999` parses to Infinity. */
export function number(fields: JsonObject, name: string): number | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw fault(name, 'a number', value)
}

export function integer(fields: JsonObject, name: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw fault(name, 'a whole number', value ?? null)
}

export function flag(fields: JsonObject, name: string): boolean | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value
  throw fault(name, 'true or false', value)
}

/** An empty string is as good as none: forms send their empty boxes. */
export function text(fields: JsonObject, name: string): string | null {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') throw fault(name, 'text', value)
  const kept = storable(value)
  return kept === '' ? null : kept
}

export function requiredText(fields: JsonObject, name: string): string {
  const value = text(fields, name)
  if (value === null) throw fault(name, 'text', fields[name] ?? null)
  return value
}

/** Longer than any number of a case, a form, a call or a device; what identifies stands in indexes. */
const longestLabel = 256

/** Numbers of cases and forms come as text or as bare digits. */
export function label(fields: JsonObject, name: string): string | null {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  const words = text(fields, name)
  if (words !== null && words.length > longestLabel) throw fault(name, `at most ${longestLabel} characters`, value)
  return words
}

const unstorable = /[\0\ud800-\udfff]/

/** JSON can escape a NUL and half a surrogate pair; PostgreSQL takes neither, in text nor in jsonb. */
function storable(value: string): string {
  if (!unstorable.test(value)) return value
  return value.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd')
}

export function oneOf<Word extends string>(
  fields: JsonObject,
  name: string,
  words: Readonly<Record<string, Word>>,
): Word {
  const value = fields[name]
  const word = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined
  if (word !== undefined) return word
  throw fault(name, `one of ${Object.keys(words).join(', ')}`, value ?? null)
}

export function optionalOneOf<Word extends string>(
  fields: JsonObject,
  name: string,
  words: Readonly<Record<string, Word>>,
): Word | null {
  return fields[name] === undefined || fields[name] === null || fields[name] === '' ? null : oneOf(fields, name, words)
}

export function list<Item>(
  fields: JsonObject,
  name: string,
  limit: number,
  read: (item: JsonObject, at: number) => Item,
): Item[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw fault(name, 'a list', value)
  if (value.length > limit) throw new GatewayError('DECODE_FIELD', `${name} has ${value.length} entries, over ${limit}`)
  return value.map((item, at) => read(asObject(item, `${name}[${at}]`), at))
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/
const endOfYear9999Ms = 253_402_300_799_999

/** RFC 3339 with its offset, or milliseconds since 1970. A time without offset is refused: whose noon is it? */
export function time(fields: JsonObject, name: string): Date | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  const ms = typeof value === 'string' ? parseTime(value) : typeof value === 'number' ? value : Number.NaN
  // Outside these years PostgreSQL and JavaScript no longer agree on what a date is.
  if (ms >= 0 && ms <= endOfYear9999Ms) return new Date(ms)
  throw fault(name, 'a time as RFC 3339 has it, or milliseconds since 1970', value)
}

function parseTime(value: string): number {
  if (!rfc3339.test(value)) return Number.NaN
  // Date.parse takes 31 February for 3 March.
  const day = Number(value.slice(8, 10))
  if (day > 28 && day > new Date(Date.UTC(Number(value.slice(0, 4)), Number(value.slice(5, 7)), 0)).getUTCDate()) {
    return Number.NaN
  }
  return Date.parse(value[10] === 'T' ? value : value.replace(' ', 'T').toUpperCase())
}
