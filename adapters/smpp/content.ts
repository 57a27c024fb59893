import type { ShortMessage } from './short-message.ts'
import { tag } from './tlvs.ts'

export interface Content {
  readonly octets: Buffer
  /** What is wrong with it, where it can be read all the same. */
  readonly problem: string | null
}

/** short_message and message_payload may not both be there (4.4.1, 5.3.2.32); of two the longer one is kept. */
export function contentOf({ octets, tlvs }: Pick<ShortMessage, 'octets' | 'tlvs'>): Content {
  const payload = tlvs.get(tag.messagePayload)
  if (payload === undefined || payload.length === 0) return { octets, problem: null }
  if (octets.length === 0 || octets.equals(payload)) return { octets: payload, problem: null }
  const problem = `SMPP: short_message of ${octets.length} octets beside message_payload of ${payload.length}`
  return { octets: payload.length >= octets.length ? payload : octets, problem }
}
