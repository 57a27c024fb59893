import { charsetOf, textOf } from './charset.ts'
import { Octets, uintvar } from './octets.ts'
import { contentTypeNumber, contentTypeOf, parameterNames } from './wsp-names.ts'

/** Values of WSP headers (WAP-230-WSP-20010705, 8.4), read and written. MMS headers are made of the same ones. */

export interface ContentType {
  /** Lower case, `text/plain`. */
  readonly type: string
  /** By lower-case name; a charset is a WHATWG or IANA name. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What stands behind a field's name, told apart by its first octet (8.4.1.2) whether the field is known or not. */
export type FieldValue =
  | { readonly form: 'short'; readonly number: number }
  | { readonly form: 'text'; readonly bytes: Uint8Array }
  | { readonly form: 'long'; readonly bytes: Uint8Array }

const lengthQuote = 31
const quote = 127
const shortest = 0x80

export function fieldValue(octets: Octets, field: string): FieldValue {
  const first = octets.peek() ?? octets.octet(field)
  if (first >= shortest) return { form: 'short', number: octets.octet(field) & 0x7f }
  if (first > lengthQuote) return { form: 'text', bytes: unquoted(octets.text(field)) }
  return { form: 'long', bytes: octets.take(valueLength(octets, field), field) }
}

/** Value-length (8.4.2.2): an octet up to 30, or 31 and a uintvar. */
function valueLength(octets: Octets, field: string): number {
  const first = octets.octet(field)
  if (first < lengthQuote) return first
  if (first === lengthQuote) return octets.uintvar(field)
  throw octets.fault(`${field}: ${first} is no length`)
}

/** A text whose first octet is above 127 has a quote octet before it (8.4.2.1). */
function unquoted(bytes: Uint8Array): Uint8Array {
  return bytes[0] === quote ? bytes.subarray(1) : bytes
}

/** A quoted-string (8.4.2.1) begins with a quotation mark and has none at its end; some write one there, too. */
export function withoutMarks(text: string): string {
  return text.replace(/^"|"$/g, '')
}

/** A text-string in ASCII or whatever it really is. */
export function plainText(value: FieldValue): string | null {
  if (value.form === 'long' && value.bytes.length === 0) return ''
  return value.form === 'text' ? textOf(value.bytes, null) : null
}

/** Encoded-string-value (OMA MMS encapsulation, 7.2.9): a text-string, or charset and text. */
export function encodedText(value: FieldValue): string | null {
  if (value.form !== 'long') return plainText(value)
  // A text of nothing is the octet 0, and so is a length of nothing.
  if (value.bytes.length === 0) return ''
  const octets = new Octets(value.bytes, 'encoded string')
  const charset = charsetValue(octets)
  const bytes = unquoted(octets.rest())
  const wide = charset?.startsWith('utf-16') === true
  return textOf(wide ? withoutWideEnd(bytes) : bytes.subarray(0, endOf(bytes)), charset)
}

const endOf = (bytes: Uint8Array): number => {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes.length : end
}

/** Two-octet text ends with one or two NULs, depending on who wrote it. */
function withoutWideEnd(bytes: Uint8Array): Uint8Array {
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return even.at(-1) === 0 && even.at(-2) === 0 ? even.subarray(0, -2) : even
}

/** Long-integer (8.4.2.1) without its length; `null` above 48 bits, which nothing here means. */
export function longInteger(bytes: Uint8Array): number | null {
  return bytes.length > 6 ? null : bytes.reduce((number, octet) => number * 256 + octet, 0)
}

export function integer(value: FieldValue): number | null {
  if (value.form === 'short') return value.number
  return value.form === 'long' ? longInteger(value.bytes) : null
}

/** A well-known charset is an integer (8.4.2.8); `any-charset` is 128, and so none. */
function charsetValue(octets: Octets): string | null {
  const value = fieldValue(octets, 'charset')
  const text = plainText(value)
  if (text !== null) return text
  const number = integer(value)
  return number === null ? null : charsetOf(number)
}

/** Content-type-value (8.4.2.24): a number, a text, or a length with media type and parameters. */
export function contentType(octets: Octets): ContentType {
  const value = fieldValue(octets, 'content type')
  if (value.form === 'short') return { type: contentTypeOf(value.number), parameters: {} }
  if (value.form === 'text') return typeInText(textOf(value.bytes, null))
  const general = new Octets(value.bytes, 'content type')
  const media = fieldValue(general, 'media type')
  const named = media.form === 'text' ? typeInText(textOf(media.bytes, null)) : null
  const number = integer(media) ?? 0
  return {
    type: named?.type ?? contentTypeOf(number),
    parameters: { ...named?.parameters, ...parameters(general) },
  }
}

/** Some centres write `text/plain; charset=utf-8` as one text. */
function typeInText(text: string): ContentType {
  const [type = '', ...rest] = text.split(';')
  const parameters = rest.flatMap((one): [string, string][] => {
    const [name = '', value = ''] = one.split('=', 2)
    return name.trim() === '' ? [] : [[name.trim().toLowerCase(), withoutMarks(value.trim())]]
  })
  return { type: type.trim().toLowerCase(), parameters: Object.fromEntries(parameters) }
}

/** Parameters (8.4.2.4) to the end. */
export function parameters(octets: Octets): Record<string, string> {
  const found: Record<string, string> = {}
  while (octets.left > 0) {
    const token = fieldValue(octets, 'parameter')
    const name = plainText(token)?.toLowerCase() ?? parameterNames[integer(token) ?? -1] ?? null
    if (octets.left === 0) break
    const value = name === 'charset' ? charsetValue(octets) : parameterValue(octets, name)
    if (name !== null && name !== '__proto__' && value !== null) found[name] = value
  }
  return found
}

function parameterValue(octets: Octets, name: string | null): string | null {
  const value = fieldValue(octets, name ?? 'parameter')
  const number = integer(value)
  if (number === null) return withoutMarks(plainText(value) ?? '')
  return name === 'type' ? contentTypeOf(number) : String(number)
}

// Writing, for answers and simulators.

export function textString(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8')
  const quoted = (bytes[0] ?? 0) >= shortest ? [quote] : []
  return Buffer.concat([Uint8Array.from(quoted), bytes, Uint8Array.of(0)])
}

export function withLength(value: Uint8Array): Uint8Array {
  const length =
    value.length < lengthQuote
      ? Uint8Array.of(value.length)
      : Buffer.concat([Uint8Array.of(lengthQuote), uintvar(value.length)])
  return Buffer.concat([length, value])
}

export function shortInteger(number: number): Uint8Array {
  return Uint8Array.of(number | shortest)
}

export function longIntegerOf(number: number): Uint8Array {
  const octets: number[] = []
  for (let left = number; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256)
  return withLength(Uint8Array.from(octets.length === 0 ? [0] : octets))
}

/** ASCII as a text-string, anything else with its charset: 106 is UTF-8. */
export function encodedString(text: string): Uint8Array {
  if (/^[\x20-\x7e]*$/.test(text)) return textString(text)
  return withLength(Buffer.concat([shortInteger(106), textString(text)]))
}

/** `charset` is a MIBenum. */
export function contentTypeValue(
  type: string,
  more: { charset?: number; start?: string; rootType?: string } = {},
): Uint8Array {
  const number = contentTypeNumber(type)
  const media = number === null ? textString(type) : shortInteger(number)
  const parts: Uint8Array[] = [media]
  if (more.charset !== undefined)
    parts.push(shortInteger(1), more.charset < 128 ? shortInteger(more.charset) : longIntegerOf(more.charset))
  if (more.rootType !== undefined) parts.push(shortInteger(9), textString(more.rootType))
  if (more.start !== undefined) parts.push(shortInteger(10), textString(more.start))
  return parts.length === 1 ? media : withLength(Buffer.concat(parts))
}
