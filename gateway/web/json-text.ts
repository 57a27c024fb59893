import { isUtf8 } from 'node:buffer'
import { describe, GatewayError, quote } from '../errors.ts'
import type { MalformedReport, Report } from '../report.ts'
import { asObject, type JsonObject } from './json-fields.ts'

/** Bytes to JSON. Throws DECODE_ENCODING for what is not UTF-8, DECODE_SYNTAX for what is not JSON. `what`: `mqtt payload`. */
export function parseJson(raw: Uint8Array, what: string): unknown {
  if (!isUtf8(raw)) throw new GatewayError('DECODE_ENCODING', `${what} of ${raw.length} bytes is not UTF-8`)
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('utf8')
  try {
    // A byte order mark is legal UTF-8 and some libraries write one; JSON.parse does not take it.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    // The engine's words repeat the text, with whatever NUL there is in it.
    throw new GatewayError('DECODE_SYNTAX', `${what}: ${quote(describe(error), 160)}`, { cause: error })
  }
}

const quoteMark = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const openBracket = 0x5b
const closeBrace = 0x7d
const closeBracket = 0x5d
const letterN = 0x6e

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const opens = (byte: number | undefined): boolean => byte === openBrace || byte === openBracket

/** The quotation mark that ends the string opening at `at`, or the length when the string never ends. */
function endOfString(raw: Uint8Array, at: number): number {
  let end = at + 1
  while (end < raw.length && raw[end] !== quoteMark) end += raw[end] === backslash ? 2 : 1
  return end
}

function afterSpace(raw: Uint8Array, at: number): number {
  let next = at
  while (isSpace(raw[next])) next++
  return next
}

/** How many elements a JSON array has, without building them: an array of millions must not be parsed to be refused. */
export function countElements(raw: Uint8Array): number {
  let at = afterSpace(raw, 0)
  if (raw[at] !== openBracket || raw[afterSpace(raw, at + 1)] === closeBracket) return 0
  let depth = 0
  let commas = 0
  for (; at < raw.length; at++) {
    const byte = raw[at]
    if (byte === quoteMark) at = endOfString(raw, at)
    else if (opens(byte)) depth++
    else if (byte === closeBrace || byte === closeBracket) depth--
    else if (byte === comma && depth === 1) commas++
  }
  return commas + 1
}

const identities = ['id', 'time', 'tst', 'noticeId'].map((name) => Buffer.from(`"${name}"`))

/** A key that tells one message from the next, with a value that is not null, at `at`. */
function identifies(raw: Uint8Array, at: number): boolean {
  return identities.some((key) => {
    for (let i = 0; i < key.length; i++) if (raw[at + i] !== key[i]) return false
    const value = afterSpace(raw, at + key.length)
    return raw[value] === colon && raw[afterSpace(raw, value + 1)] !== letterN
  })
}

/**
 * Whether the object, or every object of the array, carries an `id` or a time of its own at its top level. Scans bytes
 * and stops at the first answer, because it runs for each message before anything is stored. Malformed input may answer
 * either way.
 */
export function carriesIdentity(raw: Uint8Array): boolean {
  let at = afterSpace(raw, 0)
  const level = raw[at] === openBracket ? 2 : 1
  let depth = 0
  let found = false
  for (; at < raw.length; at++) {
    const byte = raw[at]
    if (byte === quoteMark) {
      if (depth === level && !found && identifies(raw, at)) {
        if (level === 1) return true
        found = true
      }
      at = endOfString(raw, at)
    } else if (opens(byte)) {
      depth++
      if (depth === level) found = false
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === level && !found) return false
      depth--
    }
  }
  return found
}

/**
 * Reads one object, or each of an array: a bad element becomes a `MalformedReport` and its neighbours land. Throws a
 * DECODE_ error when nothing of it makes sense, or the array has more than `most` elements.
 */
export function elementsOf(
  raw: Uint8Array,
  most: number,
  what: string,
  read: (fields: JsonObject) => readonly Report[],
): Report[] {
  // An array has fewer elements than bytes, so most messages are not counted at all.
  const count = raw.length > most ? countElements(raw) : 0
  if (count > most) throw new GatewayError('DECODE_TOO_LARGE', `an array of ${count} elements, over ${most}`)
  const payload = parseJson(raw, what)
  if (!Array.isArray(payload)) return [...read(asObject(payload, 'the payload'))]
  const reports: Report[] = []
  for (const element of payload as unknown[]) reports.push(...readElement(element, reports.length, read))
  return reports
}

function readElement(
  element: unknown,
  index: number,
  read: (fields: JsonObject) => readonly Report[],
): readonly Report[] {
  try {
    return read(asObject(element, 'the element'))
  } catch (error) {
    if (error instanceof GatewayError) return [malformed(index, error)]
    throw error
  }
}

function malformed(index: number, error: GatewayError): MalformedReport {
  return { kind: 'malformed', index, code: error.code, detail: error.message }
}
