import { GatewayError } from '../../gateway/errors.ts'
import { field, messageType, status, version } from './mms-fields.ts'
import { Octets } from './octets.ts'
import type { Parts } from './part.ts'
import {
  type ContentType,
  contentType,
  contentTypeValue,
  encodedString,
  encodedText,
  type FieldValue,
  fieldValue,
  integer,
  longIntegerOf,
  plainText,
  shortInteger,
  textString,
  withLength,
} from './wsp.ts'
import { bodyParts, multipartBody, type PartToWrite } from './wsp-multipart.ts'
import { multipartRelated } from './wsp-names.ts'

/** PDUs between an MMSC and a receiving client (OMA-TS-MMS_ENC-V1_3, 6). Read and written. */

/** m-notification-ind (6.2): an MMS waits. */
export interface Notification {
  readonly transactionId: string
  /** As the centre writes it: `+8613800138000/TYPE=PLMN`; `null` when the sender hides. */
  readonly from: string | null
  readonly subject: string | null
  readonly sizeBytes: number | null
  /** An absolute time, or seconds from when the notification came; `null`: not said. */
  readonly expiry: { readonly at: Date } | { readonly inS: number } | null
  readonly contentLocation: string
}

/** m-retrieve-conf (6.3): the MMS itself, or why there is none. */
export interface RetrieveConf {
  readonly transactionId: string | null
  readonly from: string | null
  readonly to: readonly string[]
  readonly subject: string | null
  readonly date: Date | null
  /** X-Mms-Retrieve-Status less 128; 0 is fine, 64 to 95 may pass, 96 and more will not (7.2.40). */
  readonly retrieveStatus: number
  readonly retrieveText: string | null
  readonly contentType: ContentType
  readonly parts: Parts
}

/** m-notifyresp-ind (6.2): what became of a notification. */
export interface NotifyResp {
  readonly transactionId: string
  readonly status: number
}

interface Header {
  readonly values: ReadonlyMap<number, readonly FieldValue[]>
  /** Is the last one; behind it is the body. */
  readonly contentType: ContentType | null
}

/** X-Mms-Message-Type less 128, when it is an MMS PDU at all: the first field is always this one (6, general). */
export function messageTypeOf(bytes: Uint8Array): number | null {
  const [first, second] = bytes
  return first === 0x80 + field.messageType && second !== undefined && second >= 0x80 ? second - 0x80 : null
}

function header(octets: Octets): Header {
  const values = new Map<number, FieldValue[]>()
  while (octets.left > 0) {
    const name = fieldValue(octets, 'field name')
    if (name.form === 'short' && name.number === field.contentType) return { values, contentType: contentType(octets) }
    const value = fieldValue(octets, name.form === 'short' ? `field 0x${name.number.toString(16)}` : 'field')
    if (name.form !== 'short') continue
    const earlier = values.get(name.number)
    if (earlier === undefined) values.set(name.number, [value])
    else earlier.push(value)
  }
  return { values, contentType: null }
}

function headerOf(bytes: Uint8Array, type: number, what: string): { head: Header; octets: Octets } {
  const found = messageTypeOf(bytes)
  if (found === null) throw new GatewayError('DECODE_SYNTAX', `${what}: these are no MMS headers`)
  if (found !== type) throw new GatewayError('DECODE_UNSUPPORTED', `${what}: message type ${found + 0x80}`)
  const octets = new Octets(bytes, what)
  return { head: header(octets), octets }
}

/** Throws a `DECODE_` error. */
export function readNotification(bytes: Uint8Array): Notification {
  const what = 'm-notification-ind'
  const { values } = headerOf(bytes, messageType.notificationInd, what).head
  const transactionId = textField(values, field.transactionId)
  const contentLocation = textField(values, field.contentLocation)?.trim() ?? ''
  if (transactionId === null) throw new GatewayError('DECODE_FIELD', `${what}: no X-Mms-Transaction-Id`)
  if (contentLocation === '') throw new GatewayError('DECODE_FIELD', `${what}: no X-Mms-Content-Location`)
  const size = last(values, field.messageSize)
  return {
    transactionId,
    from: fromField(values),
    subject: encodedField(values, field.subject),
    sizeBytes: size === null ? null : integer(size),
    expiry: expiryField(values),
    contentLocation,
  }
}

/** Throws a `DECODE_` error when the headers make no sense; parts that make none are in `parts.broken`. */
export function readRetrieveConf(bytes: Uint8Array): RetrieveConf {
  const { head, octets } = headerOf(bytes, messageType.retrieveConf, 'm-retrieve-conf')
  const { values } = head
  const dateValue = last(values, field.date)
  const seconds = dateValue === null ? null : integer(dateValue)
  const type = head.contentType ?? { type: '', parameters: {} }
  const statusValue = last(values, field.retrieveStatus)
  return {
    transactionId: textField(values, field.transactionId),
    from: fromField(values),
    to: (values.get(field.to) ?? []).flatMap((value) => encodedText(value) ?? []),
    subject: encodedField(values, field.subject),
    date: seconds === null ? null : timeOf(seconds),
    retrieveStatus: (statusValue === null ? null : integer(statusValue)) ?? 0,
    retrieveText: encodedField(values, field.retrieveText),
    contentType: type,
    parts: head.contentType === null ? { whole: [], broken: [] } : bodyParts(type, octets),
  }
}

export function readNotifyResp(bytes: Uint8Array): NotifyResp {
  const what = 'm-notifyresp-ind'
  const { values } = headerOf(bytes, messageType.notifyRespInd, what).head
  const transactionId = textField(values, field.transactionId)
  const value = last(values, field.status)
  const number = value === null ? null : integer(value)
  if (transactionId === null || number === null) throw new GatewayError('DECODE_FIELD', `${what}: no id or status`)
  return { transactionId, status: number }
}

type Values = Header['values']

const last = (values: Values, name: number): FieldValue | null => values.get(name)?.at(-1) ?? null

function textField(values: Values, name: number): string | null {
  const value = last(values, name)
  return value === null ? null : plainText(value)
}

function encodedField(values: Values, name: number): string | null {
  const value = last(values, name)
  return value === null ? null : encodedText(value)
}

/** From-value (7.2.20): a length, then 128 and an address, or 129: the centre was to put one in. */
function fromField(values: Values): string | null {
  const value = last(values, field.from)
  if (value === null) return null
  if (value.form !== 'long') return encodedText(value)
  if (value.bytes[0] !== 0x80) return null
  const octets = new Octets(value.bytes.subarray(1), 'From')
  return octets.left === 0 ? null : encodedText(fieldValue(octets, 'From'))
}

/** Expiry-value (7.2.17): a length, then 128 and a date, or 129 and seconds. */
function expiryField(values: Values): Notification['expiry'] {
  const value = last(values, field.expiry)
  if (value?.form !== 'long' || value.bytes.length < 2) return null
  const token = value.bytes[0]
  const number = integer(fieldValue(new Octets(value.bytes.subarray(1), 'Expiry'), 'Expiry'))
  if (number === null) return null
  if (token === 0x81) return { inS: number }
  const at = timeOf(number)
  return token === 0x80 && at !== null ? { at } : null
}

/** Seconds since 1970; `null` past the year 9999. */
const timeOf = (seconds: number): Date | null => (seconds < 253_402_300_800 ? new Date(seconds * 1000) : null)

// Writing.

const start = (type: number): Uint8Array[] => [shortInteger(field.messageType), shortInteger(type)]
const text = (name: number, value: string): Uint8Array[] => [shortInteger(name), textString(value)]
const encoded = (name: number, value: string): Uint8Array[] => [shortInteger(name), encodedString(value)]
const one = (name: number, value: number): Uint8Array[] => [shortInteger(name), shortInteger(value)]
const fromValue = (from: string | null): Uint8Array =>
  withLength(from === null ? Uint8Array.of(0x81) : Buffer.concat([Uint8Array.of(0x80), encodedString(from)]))

export function writeNotification(notification: Notification): Uint8Array {
  const { transactionId, from, subject, sizeBytes, expiry, contentLocation } = notification
  const expiryValue =
    expiry === null
      ? null
      : 'at' in expiry
        ? [Uint8Array.of(0x80), longIntegerOf(Math.floor(expiry.at.getTime() / 1000))]
        : [Uint8Array.of(0x81), longIntegerOf(expiry.inS)]
  return Buffer.concat([
    ...start(messageType.notificationInd),
    ...text(field.transactionId, transactionId),
    ...one(field.version, version),
    shortInteger(field.from),
    fromValue(from),
    ...(subject === null ? [] : encoded(field.subject, subject)),
    ...one(field.messageClass, 0),
    ...(sizeBytes === null ? [] : [shortInteger(field.messageSize), longIntegerOf(sizeBytes)]),
    ...(expiryValue === null ? [] : [shortInteger(field.expiry), withLength(Buffer.concat(expiryValue))]),
    ...text(field.contentLocation, contentLocation),
  ])
}

export interface RetrieveConfToWrite {
  readonly transactionId: string
  readonly from: string | null
  readonly to: string
  readonly subject: string | null
  readonly date: Date
  /** As in `RetrieveConf`. */
  readonly retrieveStatus?: number
  readonly parts: readonly PartToWrite[]
}

export function writeRetrieveConf(conf: RetrieveConfToWrite): Uint8Array {
  const [first] = conf.parts
  const root = first === undefined ? {} : { start: `<${first.id}>`, rootType: first.type }
  return Buffer.concat([
    ...start(messageType.retrieveConf),
    ...text(field.transactionId, conf.transactionId),
    ...one(field.version, version),
    shortInteger(field.date),
    longIntegerOf(Math.floor(conf.date.getTime() / 1000)),
    shortInteger(field.from),
    fromValue(conf.from),
    ...encoded(field.to, conf.to),
    ...(conf.subject === null ? [] : encoded(field.subject, conf.subject)),
    ...(conf.retrieveStatus === undefined ? [] : one(field.retrieveStatus, conf.retrieveStatus)),
    shortInteger(field.contentType),
    contentTypeValue(multipartRelated, root),
    multipartBody(conf.parts),
  ])
}

/** Status `retrieved`; a delivery report to the sender is the centre's own affair, so it is not forbidden. */
export function writeNotifyResp(transactionId: string, outcome: number = status.retrieved): Uint8Array {
  return Buffer.concat([
    ...start(messageType.notifyRespInd),
    ...text(field.transactionId, transactionId),
    ...one(field.version, version),
    ...one(field.status, outcome),
  ])
}
