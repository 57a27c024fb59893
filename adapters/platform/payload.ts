import { createHash } from 'node:crypto'
import iconv from 'iconv-lite'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { fault, type JsonObject, label, time } from '../../gateway/web/json-fields.ts'
import { type Delivery, refuseTooLarge } from '../../gateway/web/webhook.ts'
import { timesOf } from '../../gateway/web/zoned-time.ts'

/**
 * The message of a request. Its key is the sender's own id where requests are signed (webhook-id is the same on every
 * attempt), else the bytes: the same report again is one. Bytes without an id or time of their own may well be said anew
 * (a second flood), so they stand for a retry for a while only.
 */
export function inboundOf(delivery: Delivery, envelope: Readonly<Record<string, string>>): Inbound {
  const { path, body, contentType, id, peer } = delivery
  const hash = createHash('sha256').update(path).update('\n').update(body).digest('base64url')
  return {
    key: id === null ? `hash ${hash}` : `id ${id}`,
    raw: body,
    envelope: { path, contentType, peer, ...envelope },
    ...(id === null && !isOneOfItsKind(body) && { keyHoldsMs: retriedWithinMs }),
  }
}

/** Senders that try again do so within this time. */
const retriedWithinMs = 60_000
const identities = /"(?:time|startedAt|endedAt|number|occurrence)"\s*:\s*(?!null|"")/

const isOneOfItsKind = (body: Buffer): boolean => identities.test(body.toString('latin1'))

/** The body in UTF-8. Some call centres write GBK, and say so. */
export function utf8Of(message: Received): Uint8Array {
  refuseTooLarge(message)
  const charset = /charset="?([\w-]+)/i.exec(message.envelope.contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') return message.raw
  if (!/^(gbk|gb2312|gb18030|iso-8859-1|utf-?16(le|be)?)$/.test(charset))
    throw new GatewayError('DECODE_ENCODING', `charset ${quote(charset)} is not read`)
  return Buffer.from(iconv.decode(Buffer.from(message.raw), charset))
}

/** A time with its offset; one without is of the configured zone, and of none if there is none. */
export function instant(fields: JsonObject, name: string, timeZone: string | null): Date | null {
  const value = fields[name]
  if (value === '') return null
  const local = typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?$/.test(value)
  if (!local) return time(fields, name)
  const found = timeZone === null ? null : timesOf(timeZone).instant(value)
  if (found === null)
    throw fault(name, timeZone === null ? 'a time with its offset: no timeZone is configured' : 'a time', value)
  return found
}

/** A name or number that must be there. */
export function requiredLabel(fields: JsonObject, name: string): string {
  const value = label(fields, name)
  if (value === null) throw fault(name, 'text', fields[name] ?? null)
  return value
}
