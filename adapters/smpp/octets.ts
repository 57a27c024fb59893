import { GatewayError } from '../../gateway/errors.ts'

/** Reads the fields of one PDU in their order. Every read is checked: a body may be cut off anywhere. */
export class Octets {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  integer(field: string, width: 1 | 2 | 4): number {
    if (this.left < width) throw fault(field, `ends after ${this.left} of ${width} octets`)
    this.#at += width
    return this.#bytes.readUIntBE(this.#at - width, width)
  }

  octets(field: string, length: number): Buffer {
    if (this.left < length) throw fault(field, `says ${length} octets, ${this.left} are left`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /**
   * A C-octet string; `most` counts its terminating NUL, as the tables of clause 4 do. What it says is not quoted in
   * the error: it may be a subscriber's number.
   */
  cString(field: string, most: number): string {
    const window = this.#bytes.subarray(this.#at, this.#at + most)
    const end = window.indexOf(0)
    if (end < 0 && window.length < most) throw fault(field, `ends after ${window.length} octets without its NUL`)
    if (end < 0) throw fault(field, `is longer than ${most} octets`)
    this.#at += end + 1
    return readable(field, window.subarray(0, end))
  }
}

/**
 * The standard has ASCII here. Alphanumeric senders come in UTF-8 and Latin-1 as well, and either keeps its octets
 * apart; only a control character is nothing that anybody could have meant.
 */
function readable(field: string, octets: Buffer): string {
  const utf8 = octets.toString('utf8')
  const text = utf8.includes('\ufffd') ? octets.toString('latin1') : utf8
  const control = [...octets].find((octet) => octet < 0x20 || octet === 0x7f)
  if (control === undefined) return text
  throw fault(field, `holds the octet 0x${control.toString(16).padStart(2, '0')}`)
}

/** `SMPP: sm_length says 12 octets, 4 are left` */
export function fault(field: string, what: string): GatewayError {
  return new GatewayError('DECODE_FIELD', `SMPP: ${field} ${what}`)
}
