import { isUtf8 } from 'node:buffer'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { escaped } from '../../gateway/web/xml-text.ts'

/**
 * XML as SOAP allows it: no DTD, no entities but XML's own five, bounded depth. A reader of its own, because what is kept of
 * an answer are the very bytes of each notification, and fast-xml-parser tells neither where an element ends nor what
 * namespace it is of.
 */

/** Prefixes and what they stand for; `''`: the default namespace. */
export type Scope = ReadonlyMap<string, string>

export interface XmlElement {
  /** The namespace's URI; `''`: none, or a prefix that is not declared. */
  readonly ns: string
  /** Without prefix. */
  readonly name: string
  /** By name as written, without xmlns. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Its own text, trimmed. */
  readonly text: string
  readonly scope: Scope
  /** Where it stands in the bytes, from `<` to behind its `>`. */
  readonly start: number
  readonly end: number
}

export interface XmlDocument {
  readonly root: XmlElement
  readonly charset: Charset
}

/** What a device that claims UTF-8 and is wrong writes in China. */
export type Charset = 'utf-8' | 'gb18030'

const padding = new Set('\0 \t\r\n')
const deepest = 32
const mostElements = 50_000
/** Prefixes in force at once: each element that declares some has a list of its own. */
const mostPrefixes = 200

/**
 * Of bytes as Latin-1, so that offsets are those of the bytes: in UTF-8 and GB 18030 none of a character's later bytes is
 * one of `<>&"'/!?`.
 */
const token =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?="'&]+)((?:\s+[^\s<>/="'&]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

interface Open {
  readonly tag: string
  readonly attributes: ReadonlyMap<string, string>
  readonly scope: Scope
  readonly start: number
  readonly children: XmlElement[]
  text: string
}

/** `scope`: what is declared around bytes that were cut out of a document. Throws a `DECODE_` error. */
export function readXml(bytes: Uint8Array, scope: Scope = new Map(), charset = charsetOf(bytes)): XmlDocument {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const text = textsOf(charset)
  const open: Open[] = []
  let root: XmlElement | null = null
  let elements = 0
  let at = source.startsWith('\xef\xbb\xbf') ? 3 : 0
  // Devices count the NUL behind their string in content-length.
  let end = source.length
  while (end > at && padding.has(source[end - 1] ?? '')) end--
  while (at < end) {
    token.lastIndex = at
    const found = token.exec(source)
    if (found === null) throw unreadable(source, at)
    const [whole, cdata, closed, opened, attributes = '', empty, words] = found
    const start = at
    at += whole.length
    const around = open.at(-1)
    if (opened !== undefined) {
      if (root !== null) throw syntax('something stands behind the root element')
      if (open.length >= deepest || ++elements > mostElements)
        throw new GatewayError('DECODE_TOO_LARGE', `XML: more than ${deepest} levels or ${mostElements} elements`)
      const inner = opening(opened, attributes, around?.scope ?? scope, start, text)
      if (empty === '') open.push(inner)
      else if (around === undefined) root = closing(inner, at)
      else around.children.push(closing(inner, at))
    } else if (closed !== undefined) {
      if (around?.tag !== closed) throw syntax(`</${closed.slice(0, 60)}> closes what is not open`)
      open.pop()
      const parent = open.at(-1)
      if (parent === undefined) root = closing(around, at)
      else parent.children.push(closing(around, at))
    } else if (cdata !== undefined || words !== undefined) {
      if (around !== undefined) around.text += cdata === undefined ? text(words ?? '', true) : text(cdata, false)
      else if (/\S/.test(whole)) throw syntax('text stands outside of the root element')
    }
  }
  if (root === null) throw syntax(open.length > 0 ? 'it ends before it is whole' : 'no element')
  return { root, charset }
}

function charsetOf(bytes: Uint8Array): Charset {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  if (/^(\xff\xfe|\xfe\xff|\0)/.test(head)) throw new GatewayError('DECODE_ENCODING', 'XML: neither UTF-8 nor GB 18030')
  const declared = /^[^<]*<\?xml[^>]*\bencoding\s*=\s*["']gb/i.test(head)
  return declared || !isUtf8(bytes) ? 'gb18030' : 'utf-8'
}

function unreadable(source: string, at: number): GatewayError {
  const there = source.slice(at, at + 40)
  if (/^<!\s*(DOCTYPE|ENTITY)/i.test(there)) return new GatewayError('DECODE_UNSUPPORTED', 'XML: a DOCTYPE')
  return syntax(`at byte ${at}: ${quote(there, 40)}`)
}

const syntax = (what: string): GatewayError => new GatewayError('DECODE_SYNTAX', `XML: ${what}`)

type TextReader = (latin1: string, references: boolean) => string

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

function textsOf(charset: Charset): TextReader {
  const decoder = new TextDecoder(charset, { fatal: true })
  return (latin1, references) => {
    const plain = /^[\t\n\r -~]*$/.test(latin1) ? latin1 : decoded(decoder, latin1)
    if (notXml.test(plain)) throw syntax('a character that XML cannot hold')
    return references && plain.includes('&') ? plain.replace(/&([^;&]{0,12});?/g, dereferenced) : plain
  }
}

function decoded(decoder: InstanceType<typeof TextDecoder>, latin1: string): string {
  try {
    return decoder.decode(Buffer.from(latin1, 'latin1'))
  } catch (cause) {
    throw new GatewayError('DECODE_ENCODING', `XML: not ${decoder.encoding}`, { cause })
  }
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

function dereferenced(whole: string, name: string): string {
  const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name)
  const code = number === null ? null : Number.parseInt(number[1] ?? number[2] ?? '', number[1] === undefined ? 10 : 16)
  const holds = code !== null && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  const character = holds ? String.fromCodePoint(code) : entities.get(name)
  if (character === undefined || !whole.endsWith(';') || notXml.test(character))
    throw syntax(`the entity ${quote(whole, 14)}`)
  return character
}

function opening(tag: string, written: string, around: Scope, start: number, text: TextReader): Open {
  const attributes = new Map<string, string>()
  const own = new Map<string, string>()
  for (const [, name = '', double, single] of written.matchAll(attribute)) {
    const value = text(double ?? single ?? '', true)
    const prefix = name === 'xmlns' ? '' : name.startsWith('xmlns:') ? name.slice('xmlns:'.length) : null
    if (prefix === null) attributes.set(name, value)
    else own.set(prefix, value.trim())
  }
  const scope = own.size === 0 ? around : new Map([...around, ...own])
  if (scope.size > mostPrefixes) throw new GatewayError('DECODE_TOO_LARGE', `XML: more than ${mostPrefixes} prefixes`)
  return { tag, attributes, scope, start, children: [], text: '' }
}

function closing({ tag, attributes, scope, start, children, text }: Open, end: number): XmlElement {
  const colon = tag.indexOf(':')
  const ns = scope.get(colon < 0 ? '' : tag.slice(0, colon)) ?? ''
  return { ns, name: tag.slice(colon + 1), attributes, children, text: text.trim(), scope, start, end }
}

export const child = (element: XmlElement | null, ns: string, name: string): XmlElement | null =>
  element?.children.find((one) => one.ns === ns && one.name === name) ?? null

export const childrenNamed = (element: XmlElement | null, ns: string, name: string): XmlElement[] =>
  element?.children.filter((one) => one.ns === ns && one.name === name) ?? []

/** The first of that name, itself or below, in the order they stand. */
export function find(element: XmlElement, ns: string, name: string): XmlElement | null {
  if (element.ns === ns && element.name === name) return element
  for (const inner of element.children) {
    const found = find(inner, ns, name)
    if (found !== null) return found
  }
  return null
}

/** The text of the first of that name below; `null`: there is none, or it is empty. */
export function textIn(element: XmlElement | null, ns: string, name: string): string | null {
  const text = element === null ? '' : (find(element, ns, name)?.text ?? '')
  return text === '' ? null : text
}

/** An element written anew with its namespaces; `attributes`: more of them, as they are to be written. */
export function written(element: XmlElement, attributes = ''): string {
  const own = [...element.attributes]
    .filter(([name]) => !name.includes(':'))
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
  const inner = element.children.map((one) => written(one)).join('')
  return `<${element.name} xmlns="${escaped(element.ns)}"${own.join('')}${attributes}>${escaped(element.text)}${inner}</${element.name}>`
}
