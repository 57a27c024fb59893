import type { OutboundNotice, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { asObject, type JsonObject, requiredText, time } from '../../gateway/web/json-fields.ts'
import { elementsOf, parseJson } from '../../gateway/web/json-text.ts'
import { type ReportPayload, reportForm, type VerificationPayload, verificationForm } from './form-payload.ts'
import { ownTracksReports } from './own-tracks.ts'
import { type PositionPayload, positionReport } from './position-payload.ts'
import { type PresencePayload, presenceReport, type ReceiptPayload, receiptReport } from './status-payload.ts'
import { downKinds, downTopic, readTopic, type Topic, upNames, upTopic } from './topics.ts'

export type { AttachmentPayload } from '../../gateway/web/json-attachment.ts'
export type { ReportPayload, VerificationPayload } from './form-payload.ts'
export type { CellPayload, PlacePayload, PositionPayload } from './position-payload.ts'
export type { PresencePayload, ReceiptPayload } from './status-payload.ts'
export { downFilter, downTopic, type UpName, upTopic } from './topics.ts'

export interface UpPayloads {
  readonly position: PositionPayload
  readonly report: ReportPayload
  readonly verify: VerificationPayload
  readonly check: VerificationPayload
  readonly presence: PresencePayload
  readonly receipt: ReceiptPayload
}

/** The part of an adapter's options that decides how bytes are read. */
export interface CodecOptions {
  /** Arrays of more elements are refused whole. */
  readonly maxElements: number
  /** Whose position `owntracks/{user}/{device}` is: `user`'s, or `user-device`'s where one user has several phones. */
  readonly ownTracksSubject: 'user' | 'user-device'
}

/**
 * Reads one publish. Depends on the bytes and `envelope` alone: `topic`, and where they apply `retained` and
 * `payloadBytes`. Throws a DECODE_ error when nothing of it makes sense; of an array, a bad element becomes a
 * `MalformedReport` and its neighbours land.
 */
export function decode(message: Received, options: CodecOptions): Report[] {
  const { topic: name = '', retained, payloadBytes } = message.envelope
  if (payloadBytes !== undefined) {
    throw new GatewayError(
      'DECODE_TOO_LARGE',
      `mqtt payload of ${payloadBytes} bytes, kept its first ${message.raw.length}`,
    )
  }
  if (retained !== undefined) throw new GatewayError('DECODE_UNSUPPORTED', 'a retained copy, not a message of its own')
  const topic = readTopic(name)
  const read = topic === null ? null : reader(topic, options)
  if (read === null) throw new GatewayError('DECODE_UNSUPPORTED', `mqtt topic ${quote(name)}`)
  if (message.raw.length === 0) throw new GatewayError('DECODE_UNSUPPORTED', 'an empty mqtt payload')
  return elementsOf(message.raw, options.maxElements, 'mqtt payload', read)
}

type Reader = (fields: JsonObject) => Report[]

function reader(topic: Topic, options: CodecOptions): Reader | null {
  if (topic.scheme === 'owntracks') {
    const subject = options.ownTracksSubject === 'user' ? topic.device : `${topic.device}-${topic.phone}`
    return (fields) => ownTracksReports(fields, subject)
  }
  if (topic.direction !== 'up') return null
  const name = upNames.find((known) => known === topic.name)
  return name === undefined ? null : (fields) => [upReaders[name](fields, topic.device)]
}

const upReaders: Readonly<Record<keyof UpPayloads, (fields: JsonObject, subject: string) => Report>> = {
  position: positionReport,
  report: reportForm,
  verify: (fields, subject) => verificationForm(fields, subject, 'verify'),
  check: (fields, subject) => verificationForm(fields, subject, 'check'),
  presence: presenceReport,
  receipt: receiptReport,
}

/** What a publish needs, whatever client sends it. */
export interface Publish {
  readonly topic: string
  readonly payload: Buffer
}

/** What a handheld publishes: one object, or its backlog as an array. */
export function encodeUp<Name extends keyof UpPayloads>(
  device: string,
  name: Name,
  payload: UpPayloads[Name] | readonly UpPayloads[Name][],
): Publish {
  return { topic: upTopic(device, name), payload: Buffer.from(JSON.stringify(payload)) }
}

/** What the OwnTracks app publishes of a fix; `tst` in seconds, `vel` in km/h, `acc` and `alt` in metres. */
export interface OwnTracksLocation {
  readonly lat: number
  readonly lon: number
  readonly tst: number
  readonly acc?: number
  readonly alt?: number
  readonly batt?: number
  readonly cog?: number
  readonly vel?: number
  readonly tid?: string
  readonly t?: string
}

export function encodeOwnTracks(user: string, phone: string, location: OwnTracksLocation): Publish {
  const payload = Buffer.from(JSON.stringify({ _type: 'location', ...location }))
  return { topic: `owntracks/${user}/${phone}`, payload }
}

/** A notice's own fields stand beside the body's, and win where both have one of a name. */
export function encodeDown(notice: OutboundNotice): Publish {
  const { id, kind, addressee, body } = notice
  const fields = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : { body }
  const payload = { ...fields, id, kind, expiresAt: notice.expiresAt?.toISOString() ?? null }
  return { topic: downTopic(addressee, kind), payload: Buffer.from(JSON.stringify(payload)) }
}

/** A notice as a handheld reads it. */
export interface DownMessage {
  readonly id: string
  readonly kind: OutboundNotice['kind']
  readonly expiresAt: Date | null
  readonly body: JsonObject
}

/** Throws DECODE_UNSUPPORTED for any other topic, and DECODE_ errors as `decode` does. */
export function decodeDown(topicName: string, raw: Uint8Array): DownMessage {
  const topic = readTopic(topicName)
  const kind =
    topic?.scheme === 'v1' && topic.direction === 'down' ? downKinds.find((k) => k === topic.name) : undefined
  if (kind === undefined) throw new GatewayError('DECODE_UNSUPPORTED', `mqtt topic ${quote(topicName)}`)
  const fields = asObject(parseJson(raw, 'mqtt payload'), 'the payload')
  const { id: _id, kind: _kind, expiresAt: _expiresAt, ...body } = fields
  return { id: requiredText(fields, 'id'), kind, expiresAt: time(fields, 'expiresAt'), body }
}
