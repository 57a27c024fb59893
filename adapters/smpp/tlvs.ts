import { fault, type Octets } from './octets.ts'

/** Optional parameters that this gateway reads or writes (SMPP 3.4, 5.3.2). */
export const tag = {
  payloadType: 0x0019,
  receiptedMessageId: 0x001e,
  userMessageReference: 0x0204,
  sourcePort: 0x020a,
  destinationPort: 0x020b,
  sarReference: 0x020c,
  sarTotal: 0x020e,
  sarNumber: 0x020f,
  networkErrorCode: 0x0423,
  messagePayload: 0x0424,
  messageState: 0x0427,
} as const

const names: ReadonlyMap<number, string> = new Map([
  [tag.receiptedMessageId, 'receipted_message_id'],
  [tag.userMessageReference, 'user_message_reference'],
  [tag.destinationPort, 'destination_port'],
  [tag.sarReference, 'sar_msg_ref_num'],
  [tag.sarTotal, 'sar_total_segments'],
  [tag.sarNumber, 'sar_segment_seqnum'],
  [tag.networkErrorCode, 'network_error_code'],
  [tag.messagePayload, 'message_payload'],
  [tag.messageState, 'message_state'],
])

export type Tlvs = ReadonlyMap<number, Buffer>

/**
 * All optional parameters up to the end of the PDU; of a repeated one the first counts. Up to three NULs behind the last
 * one are let pass: no TLV that was cut off looks like that, and some peers end their short_message with a NUL.
 */
export function readTlvs(octets: Octets): Tlvs {
  const found = new Map<number, Buffer>()
  while (octets.left > 0) {
    if (octets.left < 4) {
      const rest = octets.octets('TLV', octets.left)
      if (rest.some((octet) => octet !== 0)) throw fault('TLV', `ends after "${rest.toString('hex')}"`)
      break
    }
    const key = octets.integer('TLV tag', 2)
    const value = octets.octets(nameOf(key), octets.integer(`${nameOf(key)} length`, 2))
    if (!found.has(key)) found.set(key, value)
  }
  return found
}

/** A TLV that is one number of a fixed width; `null`: it is not there. */
export function numberOf(tlvs: Tlvs, key: number, width: 1 | 2): number | null {
  const value = tlvs.get(key)
  if (value === undefined) return null
  if (value.length === width) return value.readUIntBE(0, width)
  throw fault(nameOf(key), `has ${value.length} octets, not ${width}: "${value.subarray(0, 8).toString('hex')}"`)
}

/** A TLV that is a C-octet string, with its NUL or without: peers do both. */
export function textOf(tlvs: Tlvs, key: number, most: number): string | null {
  const value = tlvs.get(key)
  if (value === undefined) return null
  const nul = value.indexOf(0)
  const text = (nul < 0 ? value : value.subarray(0, nul)).toString('latin1').trim()
  if (value.length > most) throw fault(nameOf(key), `has ${value.length} octets, at most ${most} are allowed`)
  return text === '' ? null : text
}

export function writeTlvs(tlvs: Tlvs): Buffer {
  return Buffer.concat(
    [...tlvs].flatMap(([key, value]) => {
      const head = Buffer.alloc(4)
      head.writeUInt16BE(key, 0)
      head.writeUInt16BE(value.length, 2)
      return [head, value]
    }),
  )
}

export function octetsOf(value: number, width: 1 | 2): Buffer {
  const octets = Buffer.alloc(width)
  octets.writeUIntBE(value, 0, width)
  return octets
}

function nameOf(key: number): string {
  return names.get(key) ?? `TLV 0x${key.toString(16).padStart(4, '0')}`
}
