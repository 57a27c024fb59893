import { commandsById, errors } from 'smpp/lib/defs.js'
import { PDU } from 'smpp/lib/pdu.js'
import { headerOctets } from './framing.ts'

/** PDUs that keep a session: binds, enquire_link, unbind, and every response. node-smpp writes and reads them. */

const responseBit = 0x8000_0000

export const commandId = {
  generic_nack: 0x8000_0000,
  bind_receiver: 0x1,
  bind_transmitter: 0x2,
  bind_transceiver: 0x9,
  submit_sm: 0x4,
  deliver_sm: 0x5,
  unbind: 0x6,
  enquire_link: 0x15,
  alert_notification: 0x102,
  data_sm: 0x103,
} as const

export const isResponse = (id: number): boolean => id >= responseBit

/** The response to a request has the same id with the highest bit set (5.1.2.1). */
export const responseTo = (id: number): number => id + responseBit

/** `submit_sm`, or `0x0000abcd` for what SMPP has no word for. */
export function commandName(id: number): string {
  return commandsById[id]?.command ?? `0x${id.toString(16).padStart(8, '0')}`
}

/** Texts in a PDU are ASCII and end with a zero octet; the library takes other letters for other octets. */
export type Fields = Readonly<Record<string, string | number>>

/** A PDU with number 0; `numbered` gives it another. `command` is one that SMPP knows. */
export function encodePdu(command: string, sequence: number, fields: Fields = {}, status = 0): Buffer {
  return new PDU(command, { ...fields, sequence_number: sequence, command_status: status }).toBuffer()
}

/** The response to a request `id`. With an error it has no body (4.4.2, 4.1.2). */
export function encodeResponse(id: number, sequence: number, status = 0, fields: Fields = {}): Buffer {
  return encodePdu(commandName(responseTo(id)), sequence, fields, status)
}

const empties = new Map<number, Buffer>()
const named = new Map<number, Buffer>()

/**
 * The response that says yes, with a message id of twenty letters where there is one. The library writes each kind once:
 * written anew for every message they were a sixth of the work of a busy link.
 */
export function encodeYes(id: number, sequence: number, messageId: string | null): Buffer {
  const made = messageId === null ? empties : named
  let model = made.get(id)
  if (model === undefined) {
    model = encodeResponse(id, 0, 0, messageId === null ? {} : { message_id: '0'.repeat(idOctets) })
    made.set(id, model)
  }
  const pdu = numbered(Buffer.from(model), sequence)
  if (messageId !== null) pdu.write(messageId, headerOctets, idOctets, 'latin1')
  return pdu
}

/** Of the message ids that the gateway gives. */
export const idOctets = 20

/** 4.3: what cannot be answered otherwise. */
export function encodeNack(sequence: number, status: number): Buffer {
  return encodePdu('generic_nack', sequence, {}, status)
}

/** The same PDU under another number, in place. */
export function numbered(pdu: Buffer, sequence: number): Buffer {
  pdu.writeUInt32BE(sequence, 12)
  return pdu
}

/**
 * Text fields of a bind or a response by name, `null` when the body is cut off: the library then throws in a number and
 * reads a text as if it were whole.
 */
export function textFields<Name extends string>(pdu: Buffer, names: readonly Name[]): Record<Name, string> | null {
  try {
    const read = new PDU(pdu)
    const found = names.map((name) => [name, read[name]] as const)
    if (!found.every(([, value]) => typeof value === 'string')) return null
    return Object.fromEntries(found) as Record<Name, string>
  } catch {
    return null
  }
}

/** `message_id` of a submit_sm_resp, data_sm_resp or deliver_sm_resp; empty where there is none. */
export function messageIdOf(response: Buffer): string {
  return textFields(response, ['message_id'])?.message_id ?? ''
}

/** `ESME_RTHROTTLED`, or `0x00000400` for a vendor's own. */
export function statusName(status: number): string {
  return namesByStatus.get(status) ?? `0x${status.toString(16).padStart(8, '0')}`
}

const namesByStatus = new Map(Object.entries(errors).map(([name, status]) => [status, name]))

/** A status by its name in 5.1.3. */
export function statusOf(name: string): number {
  const found = errors[name]
  if (found === undefined) throw new RangeError(`SMPP has no status ${name}`)
  return found
}
