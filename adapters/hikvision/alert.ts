import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { XMLParser } from 'fast-xml-parser'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import { parseJson } from '../../gateway/web/json-text.ts'

/**
 * One EventNotificationAlert (ISAPI, namespaces ver10 and ver20 of three owners, which are not looked at), as XML or, on
 * newer firmware, as JSON with the same names.
 */
export interface Alert {
  /** The device's own word: `VMD`, `linedetection`. Of a `duration` event what it is the duration of. */
  readonly eventType: string
  /** `null`: the device does not say, so it has no end of its own. */
  readonly eventState: 'active' | 'inactive' | null
  /** How often this occurrence was posted; 1 at its beginning. */
  readonly postCount: number | null
  /** The channel as the user of a recorder counts it; `null` where the device has one only and does not say so. */
  readonly channel: string | null
  readonly ipAddress: string | null
  readonly macAddress: string | null
  /** As it came. */
  readonly dateTime: string | null
  /** Ids of the regions it happened in; the alarm input, of an input's alarm. */
  readonly parts: readonly string[]
  readonly pictureUrl: string | null
  /** What else is said, in the device's words. */
  readonly detail: Readonly<Record<string, string>>
}

/** A plate reader's alert with all its candidates is shorter. */
const longestText = 256 * 1024
const longestWord = 200

const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: true,
  parseTagValue: false,
  maxNestedTags: 30,
  // Entities that a document declares are refused before; these are the ones that XML and numbers give.
  processEntities: true,
  htmlEntities: true,
})

type Tree = Readonly<Record<string, unknown>>

/** Whether bytes are the text of an alert, or else a picture. */
export function looksLikeText(body: Uint8Array): boolean {
  const head = Buffer.from(body.subarray(0, 64)).toString('latin1')
  return /^(\xef\xbb\xbf)?\s*[<{[]/.test(head)
}

/** Throws a `DECODE_` error that names the field. */
export function readAlert(body: Uint8Array): Alert {
  if (body.length > longestText) throw new GatewayError('DECODE_TOO_LARGE', `ISAPI: alert of ${body.length} bytes`)
  const isJson = /^(\xef\xbb\xbf)?\s*\{/.test(Buffer.from(body.subarray(0, 64)).toString('latin1'))
  return alertOf(isJson ? jsonRoot(body) : xmlRoot(body))
}

function jsonRoot(body: Uint8Array): Tree {
  const root = treeOf(parseJson(body, 'ISAPI'))
  return root === null ? unsupported('JSON') : (treeOf(root.EventNotificationAlert) ?? root)
}

const rootName = 'EventNotificationAlert'

function xmlRoot(body: Uint8Array): Tree {
  const text = textOf(body).trim()
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(text)) throw new GatewayError('DECODE_UNSUPPORTED', 'ISAPI: XML with a DOCTYPE')
  const name = /^(?:<\?[^>]*\?>|<!--(?:(?!-->)[\s\S])*-->|\s)*<([\w.:-]+)/.exec(text)?.[1] ?? ''
  if (name.replace(/^.*:/, '') !== rootName) unsupported(name)
  // The parser closes by itself what is cut off, and an alarm without its state would be another alarm.
  if (!text.endsWith(`</${name}>`)) throw new GatewayError('DECODE_SYNTAX', `ISAPI: no end of ${name}`)
  try {
    return treeOf((parser.parse(text) as Tree)[rootName]) ?? {}
  } catch (error) {
    throw new GatewayError('DECODE_SYNTAX', `ISAPI: ${quote(describe(error), 120)}`, { cause: error })
  }
}

function unsupported(what: string): never {
  throw new GatewayError('DECODE_UNSUPPORTED', `ISAPI: ${quote(what)} is no EventNotificationAlert`)
}

/** Firmware of China names a channel in GB 2312, whatever its declaration says. */
function textOf(body: Uint8Array): string {
  const text = new TextDecoder(isUtf8(body) ? 'utf-8' : 'gb18030').decode(body)
  return text.replaceAll('\0', '\ufffd')
}

function alertOf(root: Tree): Alert {
  const duration = first(first(root.DurationList, 'Duration'), 'relationEvent')
  const type = wordIn(root, 'eventType')
  if (type === null) throw new GatewayError('DECODE_FIELD', 'ISAPI: no eventType')
  const state = wordIn(root, 'eventState')?.toLowerCase() ?? null
  if (state !== null && state !== 'active' && state !== 'inactive')
    throw new GatewayError('DECODE_FIELD', `ISAPI: eventState ${quote(state)}`)
  const count = Number(wordIn(root, 'activePostCount') ?? Number.NaN)
  return {
    eventType: (type === 'duration' ? word(duration) : null) ?? type,
    eventState: state,
    postCount: Number.isSafeInteger(count) && count >= 0 ? count : null,
    channel: wordIn(root, 'dynChannelID') ?? wordIn(root, 'channelID'),
    ipAddress: wordIn(root, 'ipAddress'),
    macAddress: wordIn(root, 'macAddress')?.toLowerCase() ?? null,
    dateTime: wordIn(root, 'dateTime'),
    parts: partsOf(root),
    pictureUrl: wordIn(root, 'bkgUrl'),
    detail: detailOf(root),
  }
}

/** Lists come in as many shapes as there are: an element, several, or none with a name. */
function regionsOf(root: Tree): Tree[] {
  const list = root.DetectionRegionList
  const found: unknown = treeOf(list)?.DetectionRegionEntry ?? list
  const entries: unknown[] = Array.isArray(found) ? found : [found]
  return entries.map(treeOf).filter((one) => one !== null)
}

/** More regions than a device has are not told apart. */
const mostParts = 16

function partsOf(root: Tree): string[] {
  const regions = regionsOf(root).flatMap((entry) => wordIn(entry, 'regionID') ?? [])
  const input = wordIn(root, 'dynInputIOPortID') ?? wordIn(root, 'inputIOPortID')
  return [...new Set(input === null ? regions : [`io-${input}`])].slice(0, mostParts)
}

const rootWords = ['eventDescription', 'channelName', 'targetType', 'detectionTarget', 'objectType', 'taskID', 'UUID']
const regionWords = ['detectionTarget', 'targetType', 'sensitivityLevel']

function detailOf(root: Tree): Record<string, string> {
  const [region = {}] = regionsOf(root)
  const plate = treeOf(first(root.ANPR, null)) ?? {}
  const found = [
    ...rootWords.map((name) => [name, wordIn(root, name)] as const),
    ...regionWords.map((name) => [name, wordIn(region, name)] as const),
    ['licensePlate', wordIn(plate, 'licensePlate')] as const,
  ]
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== null))
}

const treeOf = (value: unknown): Tree | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : null

function first(value: unknown, name: string | null): unknown {
  const one: unknown = Array.isArray(value) ? value[0] : value
  return name === null ? one : first(treeOf(one)?.[name], null)
}

/** Text of an element or of a JSON value; `null`: there is none, or it is empty. */
function word(value: unknown): string | null {
  const plain = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  if (typeof plain !== 'string') return null
  const text = plain.replaceAll('\0', '').trim().slice(0, longestWord).toWellFormed()
  return text === '' ? null : text
}

const wordIn = (tree: Tree, name: string): string | null =>
  Object.hasOwn(tree, name) ? word(first(tree[name], null)) : null

/** `videoloss`/`inactive` says several times a second that the stream lives; pushes have `heartBeat`. */
export function isHeartbeat({ eventType, eventState }: Alert): boolean {
  const type = eventType.toLowerCase()
  return type === 'heartbeat' || (type === 'videoloss' && eventState === 'inactive')
}
