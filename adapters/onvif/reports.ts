import { createHash } from 'node:crypto'
import type { Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { AlarmReport, Report } from '../../gateway/report.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { refuseTooLarge } from '../../gateway/web/webhook.ts'
import { type Item, type Notification, notificationOf } from './notification.ts'
import { type Picture, pictureText, readPicture } from './picture.ts'
import { openEnvelope } from './soap.ts'
import { timeOf } from './times.ts'
import { readXml } from './xml.ts'

/** What both kinds' options say of cameras and pictures. */
export interface Reading {
  readonly camera: string
  readonly cameras: Readonly<Record<string, string>>
  readonly snapshots: 'off' | object
}

export function decode(message: Received, reading: Reading): Report[] {
  refuseTooLarge(message)
  const { raw, envelope } = message
  if (envelope.is === 'picture') return [pictureReport(raw, readPicture(envelope.picture ?? ''), envelope)]
  if (envelope.is === 'answer') {
    if (envelope.problem !== undefined) throw new GatewayError('DECODE_TOO_LARGE', `ONVIF: ${envelope.problem}`)
    const { root } = readXml(raw)
    const opened = openEnvelope(root)
    const operation = opened?.is === 'body' ? (opened.body.children[0]?.name ?? '') : ''
    if (operation === 'Notify' || operation === 'PullMessagesResponse') return []
    throw new GatewayError('DECODE_UNSUPPORTED', `ONVIF: ${quote(root.name)} without a notification`)
  }
  const notification = notificationOf(raw, envelope)
  const phase = phaseOf(notification, envelope.live === 'yes')
  return phase === null ? [] : [alarm(notification, phase, reading)]
}

function alarm(notification: Notification, phase: AlarmReport['phase'], reading: Reading): AlarmReport {
  const { camera, cameras, snapshots } = reading
  const { topic, topicNamespace, utcTime, source, key, data } = notification
  const named = source.find(({ value }) => Object.hasOwn(cameras, value))
  const subject = (named === undefined ? undefined : cameras[named.value]) ?? camera
  const deviceTime = utcTime === null ? null : timeOf(utcTime)
  const unread = utcTime !== null && deviceTime === null ? [['utcTime', utcTime] as const] : []
  const foreign = topicNamespace === null ? [] : [['topicNamespace', topicNamespace] as const]
  const whole = named !== undefined || Object.keys(cameras).length === 0
  const part = partOf(source.filter((item) => item !== named && !(whole && viewName.test(item.name))))
  const pictured = snapshots !== 'off' && phase !== 'ended'
  return {
    kind: 'alarm',
    subject,
    deviceTime,
    of: 'camera',
    event: topic,
    part,
    phase,
    // An object's id (the key) is used again for others, so it names no occurrence.
    occurrence: null,
    detail: Object.fromEntries([
      ...foreign,
      ...unread,
      ...[...source, ...key, ...data].map(({ name, value }) => [name, value] as const),
    ]),
    where: null,
    attachments: [],
    snapshot: pictured ? pictureText({ event: topic, part, tokens: source.map(({ value }) => value) }) : null,
  }
}

/** Items that name the view and not a place in it. */
const viewName =
  /^(VideoSource(Configuration)?(Token)?|(Video)?AnalyticsConfiguration(Token)?|(Source|Profile)(Token)?)$/

/** A rule's or input's own name where it stands alone, as rules of the city are written. */
const partOf = (items: readonly Item[]): string | null =>
  items.length === 1 ? (items[0]?.value ?? null) : words(items)

/** `Rule=Fence, VideoSourceConfigurationToken=1`: in one order whatever the device's is. */
function words(items: readonly Item[]): string | null {
  if (items.length === 0) return null
  const text = items
    .map(({ name, value }) => `${name}=${value}`)
    .sort()
    .join(', ')
  if (text.length > 500) throw new GatewayError('DECODE_FIELD', `ONVIF: ${text.length} characters of source or key`)
  return text
}

/** Items that say whether something holds: IsMotion, IsInside, State, LogicalState (Core Specification and its topics). */
const stateName = /^(Is[A-Z]\w*|State|LogicalState|Active|Status|Value)$/
const states: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
  // tt:RelayLogicalState
  ['active', true],
  ['inactive', false],
])

function stateOf(data: readonly Item[]): boolean | null {
  const named = data.find(({ name, value }) => stateName.test(name) && states.has(value.toLowerCase()))
  const plain = data.filter(({ value }) => /^(true|false)$/i.test(value))
  const found = named ?? (plain.length === 1 ? plain[0] : undefined)
  return found === undefined ? null : (states.get(found.value.toLowerCase()) ?? null)
}

/**
 * Initialized tells what holds on subscribing: it closes what ended while nobody listened, and begins nothing. Only a property
 * of one object (it has a key) also comes to be later: inside a field, and Initialized is its beginning; outside of it, and
 * that is nothing, `null` (Core Specification, 9.4.2).
 */
function phaseOf({ operation, key, data }: Notification, live: boolean): AlarmReport['phase'] | null {
  if (operation === 'Deleted') return 'ended'
  const state = stateOf(data)
  const initialized = operation === 'Initialized'
  if (state === false) return initialized && key.length > 0 ? null : 'ended'
  if (initialized && !(live && key.length > 0)) return 'state-on'
  return state === null ? 'once' : 'began'
}

function pictureReport(content: Uint8Array, picture: Picture, envelope: Received['envelope']): AlarmReport {
  const mediaType = sniffed(content, null)
  if (!mediaType.startsWith('image/'))
    throw new GatewayError('DECODE_UNSUPPORTED', 'ONVIF: a snapshot that is no picture')
  return {
    kind: 'alarm',
    subject: envelope.camera ?? '',
    deviceTime: null,
    of: 'camera',
    event: picture.event,
    part: picture.part,
    phase: 'going-on',
    occurrence: envelope.errand ?? null,
    detail: {},
    where: null,
    attachments: [
      {
        name: null,
        mediaType,
        claimedType: envelope.contentType ?? null,
        content,
        sha256: createHash('sha256').update(content).digest('hex'),
        url: null,
      },
    ],
    snapshot: null,
  }
}
