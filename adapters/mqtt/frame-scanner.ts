const puback = 4

/**
 * Follows the frames of an MQTT byte stream without keeping them (MQTT 3.1.1, 2.2): how long the next one claims to be,
 * before anybody buffers it, and which packet identifiers the peer acknowledges. aedes has no limit of its own, and
 * tells nothing of a PUBACK for what it did not send itself.
 */
export class FrameScanner {
  readonly #acknowledged: (packetId: number) => void
  /** Bytes of the current frame's body still to come; `null` while its header is read. */
  #left: number | null = null
  #type = -1
  #length = 0
  #factor = 1
  #packetId = 0

  constructor(acknowledged: (packetId: number) => void) {
    this.#acknowledged = acknowledged
  }

  /** The length of the first frame over the limit, or `null` when all is well. */
  oversize(chunk: Uint8Array, limitBytes: number): number | null {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === null) {
        if (this.#header(chunk[at++] ?? 0) && this.#length > limitBytes) return this.#length
      } else if (this.#type === puback && this.#length === 2) {
        this.#packetId = (this.#packetId << 8) | (chunk[at++] ?? 0)
        if (this.#skip(1)) this.#acknowledged(this.#packetId & 0xffff)
      } else {
        const step = Math.min(this.#left, chunk.length - at)
        at += step
        this.#skip(step)
      }
    }
    return null
  }

  /** True when the header is complete. */
  #header(byte: number): boolean {
    if (this.#type === -1) {
      this.#type = byte >> 4
      this.#length = 0
      this.#factor = 1
      return false
    }
    this.#length += (byte & 0x7f) * this.#factor
    this.#factor *= 128
    // A fifth length byte is malformed: the parser behind this one says so and closes.
    if (byte >= 0x80 && this.#factor <= 128 ** 3) return false
    this.#left = this.#length
    this.#skip(0)
    return true
  }

  /** True when the frame is at its end. */
  #skip(count: number): boolean {
    this.#left = (this.#left ?? 0) - count
    if (this.#left > 0) return false
    this.#left = null
    this.#type = -1
    return true
  }
}
