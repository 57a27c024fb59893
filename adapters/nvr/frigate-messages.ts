import { createHash } from 'node:crypto'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { AlarmReport, Report } from '../../gateway/report.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { refuseTooLarge } from '../../gateway/web/webhook.ts'
import { type FrigateEvent, readFrigateEvent } from './frigate-event.ts'
import type { FrigateOptions } from './frigate-options.ts'
import { type FrigateTopic, readFrigateTopic } from './frigate-topics.ts'

const keptOfTooLarge = 64 * 1024

/** Of an event, which names its object and its frame, the bytes are the identity, on whatever way they come. */
export const eventKey = (raw: Uint8Array): string => createHash('sha256').update(raw).digest('base64url')

export interface Published {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retained: boolean
}

/** Remembers what is going on at each camera: pictures are published without saying of which object. */
export class FrigateFeed {
  readonly #options: FrigateOptions
  readonly #objects = new Map<string, string>()

  constructor(options: FrigateOptions) {
    this.#options = options
  }

  inbound({ topic, payload, retained }: Published): Inbound {
    const { prefix, maxPayload } = this.#options
    const envelope = { topic: topic.replaceAll('\0', '\ufffd'), ...(retained && { retained: 'true' }) }
    if (payload.length > maxPayload) {
      const raw = payload.subarray(0, keptOfTooLarge)
      return {
        key: eventKey(raw),
        raw,
        envelope: { ...envelope, tooLarge: `more than ${maxPayload} bytes` },
        keyHoldsMs: 0,
      }
    }
    const read = readFrigateTopic(topic, prefix)
    if (read?.is === 'events' || read?.is === 'reviews') {
      this.#remember(payload)
      return { key: eventKey(payload), raw: payload, envelope }
    }
    const key = createHash('sha256').update(`${topic}\n`).update(payload).digest('base64url')
    if (read?.is !== 'snapshot') return { key, raw: payload, envelope, keyHoldsMs: 0 }
    const object = this.#objects.get(`${read.camera}/${read.label}`)
    return { key, raw: payload, envelope: { ...envelope, ...(object !== undefined && { object }) } }
  }

  #remember(payload: Uint8Array): void {
    try {
      const { camera, label, id, falsePositive } = readFrigateEvent(payload)
      if (falsePositive) return
      this.#objects.delete(`${camera}/${label}`)
      this.#objects.set(`${camera}/${label}`, id)
      const [oldest] = this.#objects.keys()
      if (this.#objects.size > 1000 && oldest !== undefined) this.#objects.delete(oldest)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
    }
  }
}

export function snapshotMessage(subject: string, incident: string, bytes: Uint8Array): Inbound {
  return { key: `snapshot ${incident}`, raw: bytes, envelope: { is: 'snapshot', subject, incident } }
}

export function decodeFrigate(message: Received, options: FrigateOptions): Report[] {
  refuseTooLarge(message)
  const { raw, envelope } = message
  if (envelope.is === 'snapshot')
    return [picture(envelope.subject ?? options.device, 'snapshot', envelope.incident ?? null, raw)]
  // What is posted is an event.
  if (envelope.topic === undefined) return eventReports(readFrigateEvent(raw), options)
  const topic = readFrigateTopic(envelope.topic, options.prefix)
  if (topic === null) throw new GatewayError('DECODE_UNSUPPORTED', `frigate: topic ${quote(envelope.topic)}`)
  if (topic.is === 'available') return [availability(raw, envelope.retained === 'true', options)]
  if (topic.is === 'snapshot') return snapshotReports(topic, message, options)
  return eventReports(readFrigateEvent(raw), options)
}

function eventReports(event: FrigateEvent, options: FrigateOptions): Report[] {
  // Until Frigate is sure there is no alarm; an object that it was never sure of has no end either.
  if (event.falsePositive) return []
  const fetched = options.snapshots === 'api' && options.api !== null && event.pictured !== null
  return [
    {
      ...alarm(options.cameras.get(event.camera) ?? event.camera, event.label, phaseOf(event)),
      deviceTime: event.at,
      part: event.zone,
      occurrence: event.id,
      detail: event.detail,
      snapshot: fetched ? event.pictured : null,
    },
  ]
}

function phaseOf({ type, wasFalsePositive }: FrigateEvent): AlarmReport['phase'] {
  if (type === 'end') return 'ended'
  return type === 'new' || wasFalsePositive ? 'began' : 'going-on'
}

/** What the broker kept of a picture is of an object of some other time. */
function snapshotReports(
  { camera, label }: Extract<FrigateTopic, { is: 'snapshot' }>,
  { raw, envelope }: Received,
  { cameras }: FrigateOptions,
): Report[] {
  if (!sniffed(raw, null).startsWith('image/'))
    throw new GatewayError('DECODE_UNSUPPORTED', `frigate: a snapshot of ${raw.length} bytes is no picture`)
  if (envelope.retained === 'true') return []
  return [picture(cameras.get(camera) ?? camera, label, envelope.object ?? null, raw)]
}

function availability(raw: Uint8Array, retained: boolean, { device }: FrigateOptions): AlarmReport {
  const word = Buffer.from(raw.subarray(0, 100)).toString('utf8').trim()
  if (word !== 'online' && word !== 'offline')
    throw new GatewayError('DECODE_FIELD', `frigate: available ${quote(word)}`)
  return alarm(device, 'offline', word === 'online' ? 'ended' : retained ? 'going-on' : 'began')
}

function picture(subject: string, event: string, occurrence: string | null, content: Uint8Array): AlarmReport {
  const mediaType = sniffed(content, null)
  const attachment = { name: null, mediaType, claimedType: null, content, sha256: null, url: null }
  return { ...alarm(subject, event, 'going-on'), occurrence, attachments: [attachment] }
}

const alarm = (subject: string, event: string, phase: AlarmReport['phase']): AlarmReport => ({
  kind: 'alarm',
  of: 'camera',
  subject,
  deviceTime: null,
  event,
  part: null,
  phase,
  occurrence: null,
  detail: {},
  where: null,
  attachments: [],
  snapshot: null,
})
