import { createHash, randomUUID } from 'node:crypto'
import { carriesIdentity } from '../../gateway/web/json-text.ts'

const bucketMs = 10 * 60_000

/** 144 bits: no two messages meet by chance, and the index of keys is half as large as with all of SHA-256. */
const keyCharacters = 24

/**
 * The idempotency key of a publish: SHA-256 of its topic and payload. DUP tells nothing (mqtt.js sends again without
 * it) and packet identifiers are reused, so the bytes are the only identity a redelivery keeps. An `id` in the payload
 * is part of those bytes: the same id with other content is another message, and both are kept.
 *
 * A payload with neither `id` nor time says the same each time it is meant: a second press of the SOS key is no repeat
 * of the first. Its key therefore carries the ten minutes in which it came. A redelivery that crosses such a boundary
 * is stored twice, which is the lesser harm.
 */
export function messageKey(topic: string, payload: Uint8Array, receivedAtMs: number): string {
  const digest = contentKey(topic, payload)
  return carriesIdentity(payload) ? digest : `${digest}@${Math.floor(receivedAtMs / bucketMs)}`
}

/** The key of a copy that a broker kept (`retain`): it comes again at every subscription and is always the same. */
export function contentKey(topic: string, payload: Uint8Array): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64url').slice(0, keyCharacters)
}

/** A will is published by the broker itself, once a lost connection: nothing can redeliver it, so each is new. */
export const willKey = (): string => `will-${randomUUID()}`
