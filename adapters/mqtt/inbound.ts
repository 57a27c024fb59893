import type { Inbound } from '../../gateway/adapter.ts'
import { messageKey, willKey } from './key.ts'

/** What is kept of a payload that is too large to read. */
const headBytes = 64 * 1024

/** A publish as the intake takes it. `sender` is the authenticated client; a bridge speaks for others than itself. */
export function inbound(
  packet: { readonly topic: string; readonly payload: string | Buffer },
  sender: string,
  will: boolean,
  maxPayloadBytes: number,
): Inbound {
  const { topic } = packet
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
  const key = will ? willKey() : messageKey(topic, payload, Date.now())
  if (payload.length <= maxPayloadBytes) return { key, raw: payload, envelope: { topic, sender } }
  const payloadBytes = String(payload.length)
  // A copy, because a part of the payload would hold on to all of it.
  return { key, raw: Buffer.from(payload.subarray(0, headBytes)), envelope: { topic, sender, payloadBytes } }
}
