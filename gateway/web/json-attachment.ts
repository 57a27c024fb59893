import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { Attachment, CategoryClaim } from '../report.ts'
import { asObject, fault, type JsonObject, label, text } from './json-fields.ts'

/** At most 32 a form. One of `base64`, `url` and `sha256` must be there. */
export interface AttachmentPayload {
  readonly name?: string | null
  /** media type, `image/jpeg` */
  readonly type?: string | null
  /** The bytes, in base64 with padding. */
  readonly base64?: string | null
  readonly url?: string | null
  /** Hexadecimal; checked against `base64` where both are there. */
  readonly sha256?: string | null
}

/** `category: { scheme, code, words }`; `null` when it claims nothing. */
export function categoryClaim(fields: JsonObject): CategoryClaim | null {
  if (fields.category === undefined || fields.category === null) return null
  const category = asObject(fields.category, 'category')
  const claim = { scheme: text(category, 'scheme'), code: label(category, 'code'), words: text(category, 'words') }
  return claim.code === null && claim.words === null ? null : claim
}

/** One of a list of `AttachmentPayload`. */
export function attachment(fields: JsonObject): Attachment {
  const content = contentOf(fields)
  const claimed = sha256Of(fields)
  const url = text(fields, 'url')
  if (content === null && claimed === null && url === null) {
    throw new GatewayError('DECODE_FIELD', 'an attachment must have base64, url or sha256')
  }
  const sha256 = content === null ? claimed : createHash('sha256').update(content).digest('hex')
  if (claimed !== null && claimed !== sha256) {
    throw new GatewayError('DECODE_CHECKSUM', `attachment has SHA-256 ${sha256}, its sender says ${claimed}`)
  }
  return { name: text(fields, 'name'), mediaType: text(fields, 'type'), claimedType: null, content, sha256, url }
}

function sha256Of(fields: JsonObject): string | null {
  const claimed = text(fields, 'sha256')
  if (claimed === null || /^[\da-f]{64}$/i.test(claimed)) return claimed?.toLowerCase() ?? null
  throw fault('sha256', '64 hexadecimal digits', claimed)
}

/** Buffer.from skips over what is not base64, so a photo cut short would pass for a whole one. */
function contentOf(fields: JsonObject): Uint8Array | null {
  const encoded = text(fields, 'base64')
  if (encoded === null) return null
  if (encoded.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return Buffer.from(encoded, 'base64')
  throw fault('base64', 'base64 with padding', encoded)
}
