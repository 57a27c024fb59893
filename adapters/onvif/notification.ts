import { createHash } from 'node:crypto'
import type { Inbound } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { escaped } from '../../gateway/web/xml-text.ts'
import { ns } from './names.ts'
import { child, childrenNamed, find, readXml, type Scope, type XmlDocument, type XmlElement } from './xml.ts'

/** NotificationMessage of WS-BaseNotification with ONVIF's tt:Message (Core Specification, 9.5). */

export interface Item {
  readonly name: string
  readonly value: string
}

export type PropertyOperation = 'Initialized' | 'Changed' | 'Deleted'

export interface Notification {
  /** ONVIF's own with the prefix `tns1` whatever the device calls it; others' as they came. */
  readonly topic: string
  /** The namespace of a topic that is not ONVIF's. */
  readonly topicNamespace: string | null
  /** As it came; `null`: there is none. */
  readonly utcTime: string | null
  readonly operation: PropertyOperation | null
  readonly source: readonly Item[]
  readonly key: readonly Item[]
  readonly data: readonly Item[]
}

const longest = 64 * 1024
const mostItems = 64
const longestName = 100
const longestValue = 2000

/** Throws a `DECODE_` error. */
export function readNotification(element: XmlElement): Notification {
  if (element.end - element.start > longest)
    throw new GatewayError('DECODE_TOO_LARGE', `ONVIF: a notification of ${element.end - element.start} bytes`)
  const topic = child(element, ns.notification, 'Topic')
  if (topic === null || topic.text === '') throw new GatewayError('DECODE_FIELD', 'ONVIF: a notification without Topic')
  const message = find(child(element, ns.notification, 'Message') ?? element, ns.schema, 'Message')
  if (message === null) throw new GatewayError('DECODE_FIELD', 'ONVIF: a notification without tt:Message')
  const utcTime = message.attributes.get('UtcTime')?.trim() ?? ''
  return {
    ...topicOf(topic),
    utcTime: utcTime === '' ? null : utcTime.slice(0, 60),
    operation: operationOf(message.attributes.get('PropertyOperation')),
    source: itemsOf(message, 'Source'),
    key: itemsOf(message, 'Key'),
    data: itemsOf(message, 'Data'),
  }
}

function topicOf({ text, scope }: XmlElement): Pick<Notification, 'topic' | 'topicNamespace'> {
  const path = text.replace(/\s+/g, '').replace(/\/+$/, '')
  if (path.length > 300 || !/^[^/]+(\/[^/]+)*$/.test(path))
    throw new GatewayError('DECODE_FIELD', `ONVIF: Topic ${quote(text)}`)
  let foreign: string | null = null
  const segments = path.split('/').map((segment) => {
    const colon = segment.indexOf(':')
    const uri = colon < 0 ? null : (scope.get(segment.slice(0, colon)) ?? null)
    if (uri === ns.topics) return `tns1:${segment.slice(colon + 1)}`
    foreign ??= uri
    return segment
  })
  return { topic: segments.join('/'), topicNamespace: foreign }
}

function operationOf(text: string | undefined): PropertyOperation | null {
  if (text === undefined || text === '') return null
  if (text === 'Initialized' || text === 'Changed' || text === 'Deleted') return text
  throw new GatewayError('DECODE_FIELD', `ONVIF: PropertyOperation ${quote(text)}`)
}

/** ElementItem holds drawings and the like, and is left in the raw bytes. */
function itemsOf(message: XmlElement, group: string): Item[] {
  const items = childrenNamed(child(message, ns.schema, group), ns.schema, 'SimpleItem').map(({ attributes }) => ({
    name: attributes.get('Name') ?? '',
    value: attributes.get('Value') ?? '',
  }))
  if (items.length > mostItems) throw new GatewayError('DECODE_FIELD', `ONVIF: ${items.length} items in ${group}`)
  for (const { name, value } of items)
    if (name === '' || name.length > longestName || value.length > longestValue)
      throw new GatewayError('DECODE_FIELD', `ONVIF: an item ${quote(name)} of ${value.length} characters in ${group}`)
  return items
}

/**
 * Each notification becomes a message of its own, its raw bytes those between its tags, since an answer as a whole has no
 * identity: after a new subscription the same notification comes in other company. What was declared around it goes into
 * the envelope. An answer that cannot be read is one message, `is: answer`, and a dead letter.
 */
export function messagesOf(
  bytes: Uint8Array,
  { root, charset }: XmlDocument,
  more: Readonly<Record<string, string>> = {},
): Inbound[] {
  return notificationsIn(root).map((element) => {
    const raw = Buffer.from(bytes.subarray(element.start, element.end))
    const declared = declarations(element.scope, raw)
    const envelope = { is: 'notification', namespaces: declared, ...(charset !== 'utf-8' && { charset }), ...more }
    return { ...identity(element, raw), raw, envelope }
  })
}

export const unreadable = (bytes: Uint8Array): Inbound => ({
  key: `answer:${hash([Buffer.from(bytes).toString('latin1')])}`,
  raw: bytes,
  envelope: { is: 'answer' },
})

export function notificationsIn(element: XmlElement): XmlElement[] {
  if (element.ns === ns.notification && element.name === 'NotificationMessage') return [element]
  return element.children.flatMap(notificationsIn)
}

/** Only what the bytes may use. */
function declarations(scope: Scope, raw: Buffer): string {
  return JSON.stringify([...scope].filter(([prefix]) => prefix === '' || raw.includes(`${prefix}:`)))
}

export function scopeOf(namespaces: string | undefined): Scope {
  const pairs: unknown = JSON.parse(namespaces ?? '[]')
  return new Map(pairs as [string, string][])
}

/**
 * What a notification says, UtcTime and all, is its identity: ONVIF gives it no number. Not for long: there are cameras whose
 * clock stands still or begins anew at each start, and firmware that writes an old UtcTime into later notifications. What
 * really comes twice (posted again, or told by two subscriptions at once) does so within seconds.
 */
const keyHoldsMs = 60_000

function identity(element: XmlElement, raw: Buffer): Pick<Inbound, 'key' | 'keyHoldsMs'> {
  try {
    const { topic, topicNamespace, utcTime, operation, source, key, data } = readNotification(element)
    const words = [source, key, data].map((items) => JSON.stringify(items.map(({ name, value }) => [name, value])))
    return { key: hash([topic, topicNamespace ?? '', utcTime ?? '', operation ?? '', ...words]), keyHoldsMs }
  } catch (error) {
    if (error instanceof GatewayError) return { key: hash([raw.toString('latin1')]), keyHoldsMs }
    throw error
  }
}

const hash = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('base64url').slice(0, 32)

/** The notification in bytes that were cut out, or the fault of a whole answer. */
export function notificationOf(raw: Uint8Array, envelope: Readonly<Record<string, string>>): Notification {
  const charset = envelope.charset === 'gb18030' ? 'gb18030' : undefined
  const { root } = readXml(raw, scopeOf(envelope.namespaces), charset)
  if (root.ns === ns.notification && root.name === 'NotificationMessage') return readNotification(root)
  throw new GatewayError('DECODE_UNSUPPORTED', `ONVIF: ${quote(root.name)} where a notification is read`)
}

/** As a device writes one, for whoever plays it; the prefixes are those of `envelope`. */
export function writeNotification(notification: Notification, more = ''): string {
  const { topic, topicNamespace, utcTime, operation, source, key, data } = notification
  const prefix = /^([^:/]+):/.exec(topic)?.[1]
  const declared =
    topicNamespace === null || prefix === undefined ? '' : ` xmlns:${prefix}="${escaped(topicNamespace)}"`
  const group = (name: string, items: readonly Item[]) =>
    items.length === 0
      ? ''
      : `<tt:${name}>${items.map((item) => `<tt:SimpleItem Name="${escaped(item.name)}" Value="${escaped(item.value)}"/>`).join('')}</tt:${name}>`
  const time = utcTime === null ? '' : ` UtcTime="${escaped(utcTime)}"`
  const change = operation === null ? '' : ` PropertyOperation="${operation}"`
  return (
    `<n:NotificationMessage><n:Topic${declared} Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${escaped(topic)}</n:Topic>` +
    `<n:Message><tt:Message${time}${change}>${group('Source', source)}${group('Key', key)}${group('Data', data)}${more}</tt:Message></n:Message></n:NotificationMessage>`
  )
}
