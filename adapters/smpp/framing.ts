/**
 * SMPP 3.4, 3.2: every PDU begins with command_length, command_id, command_status and sequence_number, four octets each;
 * the length counts all of it. Cuts a stream into PDUs and says where it can be cut no more. Touches no socket.
 *
 * The library's own reader stays deaf for ever after a length of 8 to 15 or one over its limit, waits in silence on 0 to
 * 4, and hands out no octets; so it is never given a stream.
 */

export const headerOctets = 16

export interface Header {
  readonly length: number
  readonly id: number
  readonly status: number
  readonly sequence: number
}

/** `raw`: one PDU, octet by octet. A `bad` frame is the last one: what follows it has no beginning. */
export type Frame =
  | { readonly kind: 'pdu'; readonly header: Header; readonly raw: Buffer }
  | { readonly kind: 'bad'; readonly reason: string; readonly sequence: number; readonly raw: Buffer }

/** `pdu` has at least 16 octets. */
export function headerOf(pdu: Buffer): Header {
  return {
    length: pdu.readUInt32BE(0),
    id: pdu.readUInt32BE(4),
    status: pdu.readUInt32BE(8),
    sequence: pdu.readUInt32BE(12),
  }
}

/** Of a frame that cannot be cut this much is kept as evidence. */
const evidenceOctets = 65_536

/** `next` is asked rather than told, so that whoever reads can stop after any PDU. */
export class Framing {
  longest: number
  #held: Buffer = Buffer.alloc(0)
  #at = 0
  /** What came after `held`; joined to it when there is enough, so that single octets are not copied again and again. */
  #waiting: Buffer[] = []
  #arrived = 0
  #wanted = 4
  #broken = false

  /** @param longest octets of the longest PDU that is taken; more may be after a bind than before */
  constructor(longest: number) {
    this.longest = longest
  }

  push(chunk: Buffer): void {
    if (this.#broken) return
    this.#waiting.push(chunk)
    this.#arrived += chunk.length
  }

  next(): Frame | null {
    if (!this.#reach(4)) return null
    const length = this.#held.readUInt32BE(this.#at)
    if (length < headerOctets) return this.#bad(`command_length ${length} is shorter than a header`)
    if (length > this.longest) {
      // With the header its number can be answered; nobody waits for the rest.
      if (!this.#reach(headerOctets)) return null
      return this.#bad(`command_length ${length} is over the ${this.longest} that are taken`)
    }
    if (!this.#reach(length)) return null
    const raw = this.#held.subarray(this.#at, this.#at + length)
    this.#at += length
    this.#arrived -= length
    this.#wanted = 4
    return { kind: 'pdu', header: headerOf(raw), raw }
  }

  #reach(octets: number): boolean {
    this.#wanted = Math.max(this.#wanted, octets)
    if (this.#arrived < this.#wanted) return false
    if (this.#held.length - this.#at >= octets) return true
    const rest = this.#held.subarray(this.#at)
    const [only = rest] = this.#waiting
    this.#held = rest.length === 0 && this.#waiting.length === 1 ? only : Buffer.concat([rest, ...this.#waiting])
    this.#waiting = []
    this.#at = 0
    return true
  }

  #bad(reason: string): Frame {
    this.#broken = true
    const rest = Buffer.concat([this.#held.subarray(this.#at), ...this.#waiting.splice(0)])
    this.#held = Buffer.alloc(0)
    const sequence = rest.length >= headerOctets ? rest.readUInt32BE(12) : 0
    return { kind: 'bad', reason, sequence, raw: rest.subarray(0, evidenceOctets) }
  }
}
