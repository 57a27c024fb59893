import { GatewayError } from '../../gateway/errors.ts'

/** Reads octets from the front. Every step past the end is a DECODE_SYNTAX that names what was being read. */
export class Octets {
  readonly #bytes: Uint8Array
  readonly #what: string
  #at = 0

  /** `what` names the whole in errors: `m-retrieve-conf`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** The next octet, which stays; `null` at the end. */
  peek(): number | null {
    return this.#bytes[this.#at] ?? null
  }

  octet(field: string): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw this.fault(`${field}: the bytes end before it`)
    this.#at++
    return value
  }

  take(length: number, field: string): Uint8Array {
    if (length > this.left) throw this.fault(`${field}: ${length} bytes announced, ${this.left} there`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** To the next NUL, which is passed over and is not part of it. */
  text(field: string): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw this.fault(`${field}: text without its end`)
    const text = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return text
  }

  rest(): Uint8Array {
    return this.take(this.left, 'rest')
  }

  /** The next `length` bytes as octets of their own. */
  within(length: number, field: string): Octets {
    return new Octets(this.take(length, field), this.#what)
  }

  /** Variable-length unsigned integer: seven bits an octet, at most 32 bits (WAP-230, 8.1.2). */
  uintvar(field: string): number {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const octet = this.octet(field)
      value = value * 128 + (octet & 0x7f)
      if (octet < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw this.fault(`${field}: a number of more than 32 bits`)
  }

  fault(detail: string): GatewayError {
    return new GatewayError('DECODE_SYNTAX', `${this.#what}: ${detail}`)
  }
}

export function uintvar(value: number): Uint8Array {
  const octets = [value & 0x7f]
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) octets.unshift((left & 0x7f) | 0x80)
  return Uint8Array.from(octets)
}
