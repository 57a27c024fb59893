import type { Inbound } from '../../gateway/adapter.ts'
import { messageKey, willKey } from './key.ts'

/** What is kept of a payload that is too large to read. */
const headBytes = 64 * 1024

/** What is known of a publish beside its bytes. */
export interface Circumstances {
  readonly topic: string
  /** The bridge that spoke for the device of the topic; `null` when the device spoke itself. */
  readonly bridge: string | null
  readonly will: boolean
  readonly maxPayloadBytes: number
}

/** A publish as the intake takes it. */
export function inbound(payload: Buffer, { topic, bridge, will, maxPayloadBytes }: Circumstances): Inbound {
  const key = will ? willKey() : messageKey(topic, payload, Date.now())
  const from = bridge === null ? { topic } : { topic, bridge }
  if (payload.length <= maxPayloadBytes) return { key, raw: payload, envelope: from }
  // A copy, because a part of the payload would hold on to all of it.
  const raw = Buffer.from(payload.subarray(0, headBytes))
  return { key, raw, envelope: { ...from, payloadBytes: String(payload.length) } }
}

/** aedes and mqtt.js hand over what their caller published as text unchanged; from the wire it is always bytes. */
export const bytesOf = (payload: string | Buffer): Buffer =>
  typeof payload === 'string' ? Buffer.from(payload) : payload
