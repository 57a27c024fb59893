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

/** What a receipt's text says (SMPP 3.4, appendix B), as it came; `null`: it does not say so. */
export interface ReceiptText {
  readonly id: string | null
  readonly stat: string | null
  readonly err: string | null
  readonly doneDate: string | null
}

// An empty field is followed by the name of the next one.
const notNext = '(?!(?:id|sub|dlvrd|stat|err|text|(?:submit|done)\\s*date)\\s*:)'
const fieldNamed = (name: string) => new RegExp(`(?:^|[^\\w])${name}\\s*:\\s*${notNext}([!-~]{1,64})`, 'i')
const fields = {
  id: fieldNamed('id'),
  stat: fieldNamed('stat'),
  err: fieldNamed('err'),
  doneDate: fieldNamed('done\\s*date'),
} as const

/**
 * The appendix gives an example, not a grammar: centres leave fields out, write them in capitals or with blanks, and put
 * anything behind `text:`, a `stat:` of the citizen's own too.
 */
export function readReceiptText(text: string): ReceiptText {
  const end = /\btext\s*:/i.exec(text)?.index ?? text.length
  const before = text.slice(0, end)
  const head = /\bstat\s*:/i.test(before) || !/\bstat\s*:/i.test(text) ? before : text
  const field = (name: keyof typeof fields) => fields[name].exec(head)?.[1] ?? null
  return { id: field('id'), stat: field('stat'), err: field('err'), doneDate: field('doneDate') }
}

/** `YYMMDDhhmm`, with seconds or with the century, on the centre's clock, whose zone it does not say. */
export function clockTime(digits: string, offsetMinutes: number | null): Date | null {
  const [, year, month, day, hour, minute, second = '00'] =
    /^((?:20)?\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?$/.exec(digits) ?? []
  if (offsetMinutes === null || year === undefined) return null
  const wall = `${year.padStart(4, '20')}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const time = new Date(wall)
  // Date takes 31 February for a day in March.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== wall) return null
  return new Date(time.getTime() - offsetMinutes * 60_000)
}
