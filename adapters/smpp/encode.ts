import type { Segment } from './segments.ts'
import { type ShortMessage, writeShortMessage } from './short-message.ts'
import { octetsOf, type Tlvs, tag } from './tlvs.ts'

/** The fields of a segment's PDU. */
export function submitFields(segment: Segment): Omit<ShortMessage, 'carrier' | 'sequence'> {
  const octets = Buffer.from(segment.octets)
  const { reference, sar, payload } = segment
  const tlvs = new Map<number, Buffer>()
  if (reference !== null) tlvs.set(tag.userMessageReference, octetsOf(reference, 2))
  if (sar !== null) {
    tlvs.set(tag.sarReference, octetsOf(sar.reference, 2))
    tlvs.set(tag.sarTotal, octetsOf(sar.total, 1))
    tlvs.set(tag.sarNumber, octetsOf(sar.number, 1))
  }
  if (payload) tlvs.set(tag.messagePayload, octets)
  return {
    ...nothingMore,
    serviceType: segment.serviceType,
    source: segment.source,
    destination: segment.destination,
    esmClass: segment.esmClass,
    validity: segment.validity,
    registeredDelivery: segment.registeredDelivery,
    dataCoding: segment.dataCoding,
    octets: payload ? Buffer.alloc(0) : octets,
    tlvs,
  }
}

/** A whole submit_sm. */
export function encodeSubmitSm(segment: Segment, sequence: number): Buffer {
  return writeShortMessage({ ...submitFields(segment), carrier: 'submit_sm', sequence })
}

/** What a simulator says that delivers something; what it leaves out is zero or empty. */
export type Delivery = Pick<ShortMessage, 'source' | 'destination' | 'octets'> & Partial<ShortMessage>

/** A whole deliver_sm, or another carrier when it names one. */
export function encodeDeliverSm(delivery: Delivery, sequence: number): Buffer {
  return writeShortMessage({ ...nothingMore, carrier: 'deliver_sm', ...delivery, sequence })
}

const nothingMore = {
  serviceType: '',
  esmClass: 0,
  protocolId: 0,
  priority: 0,
  scheduledAt: '',
  validity: '',
  registeredDelivery: 0,
  replaceIfPresent: 0,
  dataCoding: 0,
  defaultMessageId: 0,
  tlvs: new Map() as Tlvs,
} as const
