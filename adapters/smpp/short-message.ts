import { GatewayError } from '../../gateway/errors.ts'
import { Octets } from './octets.ts'
import { readTlvs, type Tlvs, tag, writeTlvs } from './tlvs.ts'

/** The PDUs that carry a text, a datagram or a receipt (SMPP 3.4, 4.4.1, 4.6.1, 4.7.1), by command_id. */
export const carriers = { submit_sm: 0x0000_0004, deliver_sm: 0x0000_0005, data_sm: 0x0000_0103 } as const
export type Carrier = keyof typeof carriers

export interface Address {
  /** 5.2.5: 1 international, 2 national, 5 alphanumeric */
  readonly ton: number
  /** 5.2.6: 1 E.164 */
  readonly npi: number
  /** At most 20 octets; 64 in data_sm. Empty: none. */
  readonly digits: string
}

/** One PDU with all its fields, in both directions. data_sm lacks some; they are then zero and empty. */
export interface ShortMessage {
  readonly carrier: Carrier
  readonly sequence: number
  readonly serviceType: string
  readonly source: Address
  readonly destination: Address
  readonly esmClass: number
  readonly protocolId: number
  readonly priority: number
  readonly scheduledAt: string
  readonly validity: string
  readonly registeredDelivery: number
  readonly replaceIfPresent: number
  readonly dataCoding: number
  readonly defaultMessageId: number
  /** short_message, at most 255 octets; a header (UDH) before the text included. */
  readonly octets: Buffer
  readonly tlvs: Tlvs
}

const headerLength = 16

/** Throws `DECODE_SYNTAX`, `DECODE_UNSUPPORTED` for other commands, `DECODE_FIELD` for what is wrong inside. */
export function readShortMessage(raw: Uint8Array): ShortMessage {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  if (bytes.length < headerLength) throw new GatewayError('DECODE_SYNTAX', `SMPP: PDU of ${bytes.length} octets`)
  const length = bytes.readUInt32BE(0)
  if (length !== bytes.length) {
    throw new GatewayError('DECODE_SYNTAX', `SMPP: command_length ${length} of a PDU of ${bytes.length} octets`)
  }
  const id = bytes.readUInt32BE(4)
  const sequence = bytes.readUInt32BE(12)
  const octets = new Octets(bytes, headerLength)
  if (id === carriers.data_sm) return { ...nothingMore, carrier: 'data_sm', sequence, ...dataBody(octets) }
  const carrier = id === carriers.submit_sm ? 'submit_sm' : id === carriers.deliver_sm ? 'deliver_sm' : null
  if (carrier !== null) return { carrier, sequence, ...body(octets) }
  throw new GatewayError('DECODE_UNSUPPORTED', `SMPP: command_id 0x${id.toString(16).padStart(8, '0')}`)
}

const nothingMore = {
  protocolId: 0,
  priority: 0,
  scheduledAt: '',
  validity: '',
  replaceIfPresent: 0,
  defaultMessageId: 0,
  octets: Buffer.alloc(0),
} as const

// The order of the fields is that of the tables; an object literal is evaluated in the order it is written in.
function dataBody(octets: Octets) {
  return {
    serviceType: octets.cString('service_type', 6),
    source: address(octets, 'source_addr', 65),
    destination: address(octets, 'destination_addr', 65),
    esmClass: octets.integer('esm_class', 1),
    registeredDelivery: octets.integer('registered_delivery', 1),
    dataCoding: octets.integer('data_coding', 1),
    tlvs: readTlvs(octets),
  }
}

function body(octets: Octets) {
  return {
    serviceType: octets.cString('service_type', 6),
    source: address(octets, 'source_addr', 21),
    destination: address(octets, 'destination_addr', 21),
    esmClass: octets.integer('esm_class', 1),
    protocolId: octets.integer('protocol_id', 1),
    priority: octets.integer('priority_flag', 1),
    scheduledAt: octets.cString('schedule_delivery_time', 17),
    validity: octets.cString('validity_period', 17),
    registeredDelivery: octets.integer('registered_delivery', 1),
    replaceIfPresent: octets.integer('replace_if_present_flag', 1),
    dataCoding: octets.integer('data_coding', 1),
    defaultMessageId: octets.integer('sm_default_msg_id', 1),
    octets: octets.octets('sm_length', octets.integer('sm_length', 1)),
    tlvs: readTlvs(octets),
  }
}

function address(octets: Octets, field: string, most: number): Address {
  return {
    ton: octets.integer(`${field}_ton`, 1),
    npi: octets.integer(`${field}_npi`, 1),
    digits: octets.cString(field, most),
  }
}

/** The whole PDU. Throws `NOTICE_INVALID` when a field cannot hold what it is given. */
export function writeShortMessage(message: ShortMessage): Buffer {
  const { octets, tlvs } = message
  const data = message.carrier === 'data_sm'
  const reach = data ? 65 : 21
  if (!data && octets.length > 255) throw tooLong('short_message')
  const addresses = [
    cString('service_type', message.serviceType, 6),
    ...addressOctets('source_addr', message.source, reach),
    ...addressOctets('destination_addr', message.destination, reach),
  ]
  const payload: Tlvs = data && octets.length > 0 ? new Map([[tag.messagePayload, octets]]) : new Map()
  const fields = data
    ? [Buffer.from([message.esmClass, message.registeredDelivery, message.dataCoding])]
    : [
        Buffer.from([message.esmClass, message.protocolId, message.priority]),
        cString('schedule_delivery_time', message.scheduledAt, 17),
        cString('validity_period', message.validity, 17),
        Buffer.from([message.registeredDelivery, message.replaceIfPresent, message.dataCoding]),
        Buffer.from([message.defaultMessageId, octets.length]),
        octets,
      ]
  const head = Buffer.alloc(headerLength)
  const whole = Buffer.concat([head, ...addresses, ...fields, writeTlvs(new Map([...payload, ...tlvs]))])
  whole.writeUInt32BE(whole.length, 0)
  whole.writeUInt32BE(carriers[message.carrier], 4)
  whole.writeUInt32BE(message.sequence, 12)
  return whole
}

function addressOctets(field: string, { ton, npi, digits }: Address, most: number): Buffer[] {
  return [Buffer.from([ton, npi]), cString(field, digits, most)]
}

function cString(field: string, text: string, most: number): Buffer {
  const octets = Buffer.from(`${text}\0`, 'utf8')
  if (octets.length > most || octets.indexOf(0) < octets.length - 1) throw tooLong(field)
  return octets
}

function tooLong(field: string): GatewayError {
  return new GatewayError('NOTICE_INVALID', `SMPP: ${field} does not hold what it is given`)
}
