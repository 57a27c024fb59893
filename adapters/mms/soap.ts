import { XMLParser } from 'fast-xml-parser'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { textOf } from './charset.ts'

/** XML of MM7 (SOAP 1.1): read by local names, since namespaces of MM7 differ by release and by vendor. */

export interface XmlElement {
  /** Without prefix. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** Its own text, trimmed. */
  readonly text: string
}

/** A DeliverReq with a thousand recipients is shorter. */
const longest = 256 * 1024
const deepestTags = 30

/** `preserveOrder` keeps children in their order and gives every element one shape. */
const parser = new XMLParser({
  preserveOrder: true,
  removeNSPrefix: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: deepestTags,
  // Entities that a document declares are refused before; these are the ones that XML and numbers give.
  processEntities: true,
  htmlEntities: true,
})

/**
 * Not strict: published examples of MM7 are no well-formed XML, and what can be understood is. Throws a `DECODE_` error
 * for a DOCTYPE, for nesting that no MM7 has, and for what is no XML at all.
 */
export function readXml(bytes: Uint8Array, charset: string | null): XmlElement {
  if (bytes.length > longest) throw new GatewayError('DECODE_TOO_LARGE', `SOAP: ${bytes.length} bytes of XML`)
  const text = textOf(bytes, charset ?? declared(bytes))
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(text)) throw new GatewayError('DECODE_UNSUPPORTED', 'SOAP: XML with a DOCTYPE')
  const [root] = elements(parsed(text.replace(/^[\ufeff\s]+/, '')), 0)
  if (root === undefined) throw new GatewayError('DECODE_SYNTAX', 'SOAP: no XML element')
  return root
}

/** `<?xml version="1.0" encoding="GB2312"?>` */
function declared(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  return /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w-]+)["']/.exec(head)?.[1] ?? null
}

function parsed(text: string): unknown {
  try {
    return parser.parse(text)
  } catch (error) {
    throw new GatewayError('DECODE_SYNTAX', `SOAP: ${describe(error).slice(0, 120)}`)
  }
}

type Ordered = Readonly<Record<string, unknown>>

function elements(list: unknown, depth: number): XmlElement[] {
  if (!Array.isArray(list) || depth > deepestTags) return []
  return (list as Ordered[]).flatMap((node) => {
    const name = Object.keys(node).find((key) => key !== ':@')
    if (name === undefined || name.startsWith('#') || name.startsWith('?')) return []
    const inner = node[name]
    const children = elements(inner, depth + 1)
    return [{ name: name.replace(/^.*:/, ''), attributes: attributesOf(node), children, text: ownText(inner) }]
  })
}

function attributesOf(node: Ordered): Record<string, string> {
  const given = node[':@']
  if (typeof given !== 'object' || given === null) return {}
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
}

function ownText(list: unknown): string {
  if (!Array.isArray(list)) return ''
  return (list as Ordered[])
    .map((node) => node['#text'])
    .filter((text) => typeof text === 'string')
    .join('')
    .trim()
}

/** The first element of that name, itself or below, in the order they stand. */
export function find(element: XmlElement, name: string): XmlElement | null {
  if (element.name === name) return element
  for (const child of element.children) {
    const found = find(child, name)
    if (found !== null) return found
  }
  return null
}

/** The text of the first element of that name; `null`: there is none, or it is empty. */
export function textIn(element: XmlElement, name: string): string | null {
  const text = find(element, name)?.text ?? ''
  return text === '' ? null : text
}
