import { createHash } from 'node:crypto'
import type { Inbound } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { type EslEvent, type EventFormat, readEvent } from './esl-event.ts'
import type { Frame } from './esl-frame.ts'

/** What is the same of every event of one link. */
export interface Origin {
  readonly exchange: string
  readonly peer: string
}

/**
 * Event-Sequence begins anew when FreeSWITCH starts, and Core-UUID is another then. Neither is documented to be unique, so
 * the microsecond, the kind of event and the leg stand beside them. FreeSWITCH never sends an event again; the same one comes
 * twice only by two links, and then with the same key.
 */
const identity = ['Core-UUID', 'Event-Sequence', 'Event-Date-Timestamp', 'Event-Name', 'Unique-ID'] as const

/** A frame with an event as a message; `null`: it says only that FreeSWITCH is alive. */
export function eventMessage(format: EventFormat, { body, cutFrom }: Frame, origin: Origin): Inbound | null {
  if (cutFrom !== null) return unreadable(body, origin, { tooLong: `an event of ${cutFrom} bytes` })
  const event = attempt(format, body)
  if (typeof event === 'string') return unreadable(body, origin, { why: event })
  if (event.get('Event-Name') === 'HEARTBEAT') return null
  const key = hash(identity.map((name) => event.get(name) ?? '').join('\n'))
  const known = identity.slice(0, 3).every((name) => event.has(name))
  return { key: known ? key : hash(body), raw: body, envelope: { content: format, ...origin } }
}

/** The list of channels: the same list is the same message. */
export function channelsMessage(body: Buffer, origin: Origin): Inbound {
  return { key: hash(body), raw: body, envelope: { content: 'channels', ...origin } }
}

/** What has no identity is another message each time, however alike. */
export function unreadable(body: Buffer, origin: Origin, what: { tooLong: string } | { why: string }): Inbound {
  return { key: hash(body), raw: body, envelope: { content: 'unreadable', ...what, ...origin }, keyHoldsMs: 0 }
}

function attempt(format: EventFormat, body: Buffer): EslEvent | string {
  try {
    return readEvent(format, body)
  } catch (error) {
    if (error instanceof GatewayError) return describe(error)
    throw error
  }
}

const hash = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('base64url')
