import { fault } from './octets.ts'

/** What a text is part of. */
export interface Concatenation {
  /** `udh8:17`, `udh16:4711`, `sar:300` */
  readonly reference: string
  readonly total: number
  readonly number: number
}

export interface UserDataHeader {
  readonly concatenation: Concatenation | null
  /** The application port that it is for. */
  readonly port: number | null
  /** Octets of the header with its length. */
  readonly length: number
}

const element = { concatenated8: 0x00, ports8: 0x04, ports16: 0x05, concatenated16: 0x08 } as const

/**
 * The header before a text (3GPP TS 23.040, 9.2.3.24). Where an element is repeated the last one holds, as that clause
 * says; a length that does not fit is an error, since then nobody knows where the text begins.
 */
export function readUdh(octets: Buffer): UserDataHeader {
  const length = 1 + (octets[0] ?? 0)
  if (octets.length < length)
    throw fault('UDH', `says ${length - 1} octets, ${Math.max(0, octets.length - 1)} are there`)
  let concatenation: Concatenation | null = null
  let port: number | null = null
  for (let at = 1; at < length; ) {
    const id = octets[at] ?? 0
    const size = octets[at + 1]
    const name = `UDH element ${id.toString(16).padStart(2, '0')}`
    if (size === undefined || at + 1 >= length) throw fault(name, 'has no length')
    const end = at + 2 + size
    if (end > length) throw fault(name, `says ${size} octets, ${length - at - 2} are left`)
    const value = octets.subarray(at + 2, end)
    switch (id) {
      case element.concatenated8:
        sized(name, value, 3)
        concatenation = {
          reference: `udh8:${value.readUInt8(0)}`,
          total: value.readUInt8(1),
          number: value.readUInt8(2),
        }
        break
      case element.concatenated16:
        sized(name, value, 4)
        concatenation = {
          reference: `udh16:${value.readUInt16BE(0)}`,
          total: value.readUInt8(2),
          number: value.readUInt8(3),
        }
        break
      case element.ports8:
        sized(name, value, 2)
        port = value.readUInt8(0)
        break
      case element.ports16:
        sized(name, value, 4)
        port = value.readUInt16BE(0)
        break
    }
    at = end
  }
  return { concatenation, port, length }
}

function sized(name: string, value: Buffer, size: number): void {
  if (value.length !== size)
    throw fault(name, `has ${value.length} octets, not ${size}: "${value.subarray(0, 8).toString('hex')}"`)
}
