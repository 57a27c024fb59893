import { type Delivery, encodeDeliverSm } from './encode.ts'
import { octetsOf, tag } from './tlvs.ts'

/** `stat` of a receipt's text (SMPP 3.4, appendix B) and `message_state` (5.2.28), by their numbers. */
export const states = {
  ENROUTE: 1,
  DELIVRD: 2,
  EXPIRED: 3,
  DELETED: 4,
  UNDELIV: 5,
  ACCEPTD: 6,
  UNKNOWN: 7,
  REJECTD: 8,
} as const
export type StateWord = keyof typeof states

/** A receipt as a message centre writes it. */
export interface ReceiptToWrite extends Pick<Delivery, 'source' | 'destination'> {
  readonly id: string
  readonly state: StateWord
  /** `000` */
  readonly error: string
  readonly submittedAt: Date
  readonly doneAt: Date
  /** The first 20 characters of the text, or empty. */
  readonly text: string
  /** Where the centre puts what it says. */
  readonly form: 'text' | 'tlvs' | 'both'
  /** user_message_reference of the submission. */
  readonly reference: number | null
}

/** A whole deliver_sm with a receipt. Its times are in UTC. */
export function encodeReceipt(receipt: ReceiptToWrite, sequence: number): Buffer {
  const { source, destination, form, reference } = receipt
  const tlvs = new Map<number, Buffer>()
  if (reference !== null) tlvs.set(tag.userMessageReference, octetsOf(reference, 2))
  if (form !== 'text') {
    tlvs.set(tag.receiptedMessageId, Buffer.from(`${receipt.id}\0`, 'latin1'))
    tlvs.set(tag.messageState, octetsOf(states[receipt.state], 1))
  }
  const octets = form === 'tlvs' ? Buffer.alloc(0) : Buffer.from(receiptText(receipt), 'latin1')
  return encodeDeliverSm({ source, destination, octets, esmClass: 0x04, tlvs }, sequence)
}

function receiptText(receipt: ReceiptToWrite): string {
  const delivered = receipt.state === 'DELIVRD' ? '001' : '000'
  return [
    `id:${receipt.id} sub:001 dlvrd:${delivered}`,
    `submit date:${minutes(receipt.submittedAt)} done date:${minutes(receipt.doneAt)}`,
    `stat:${receipt.state} err:${receipt.error} text:${receipt.text}`,
  ].join(' ')
}

/** YYMMDDhhmm */
function minutes(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(2, 12)
}
