import { readFileSync } from 'node:fs'
import { encodeReceipt } from '../adapters/smpp/receipt-text.ts'
import { readShortMessage } from '../adapters/smpp/short-message.ts'
import { numberOf, tag } from '../adapters/smpp/tlvs.ts'

/** PDUs of a message centre, made ready beforehand so that its own cost is small beside what it measures. */

/** Thirteen digits, put in where each message's own sender goes. */
export const placeholder = '8613900000000'
const firstSender = 8_613_900_000_000

/** The digits of a run's senders, from 0. */
export const senderOf = (index: number): string => String(firstSender + index)

export interface Frame {
  readonly bytes: Buffer
  /** Where the sender's digits begin. */
  readonly senderAt: number
}

/** `file`: a message a line, its PDUs in base64 with spaces between them. */
export function readMessages(file: string): Frame[][] {
  const lines = readFileSync(file, 'latin1').trimEnd().split('\n')
  return lines.map((line) =>
    line.split(' ').map((text) => {
      const bytes = Buffer.from(text, 'base64')
      const senderAt = bytes.indexOf(placeholder, 0, 'latin1')
      if (senderAt < 0) throw new Error('a message without a sender')
      return { bytes, senderAt }
    }),
  )
}

/** The parts of message after message, each message from a sender of its own: no two are alike. */
export class Outgoing {
  readonly #messages: readonly (readonly Frame[])[]
  #message = 0
  #part = 0

  constructor(messages: readonly (readonly Frame[])[]) {
    this.#messages = messages
  }

  /** Senders so far; theirs are the numbers from `firstSender` on. */
  get senders(): number {
    return this.#message + (this.#part > 0 ? 1 : 0)
  }

  next(): Buffer {
    const frames = this.#messages[this.#message % this.#messages.length]
    const frame = frames?.[this.#part]
    if (frames === undefined || frame === undefined) throw new Error('there is nothing to say')
    const pdu = Buffer.from(frame.bytes)
    pdu.write(senderOf(this.#message), frame.senderAt, 'latin1')
    if (++this.#part === frames.length) {
      this.#part = 0
      this.#message++
    }
    return pdu
  }
}

const responseBit = 0x8000_0000

/** A response that has nothing to say beyond its status, or a C-octet string (`message_id`, `system_id`). */
export function response(id: number, sequence: number, text: string | null): Buffer {
  const length = 16 + (text === null ? 0 : text.length + 1)
  const pdu = Buffer.alloc(length)
  pdu.writeUInt32BE(length, 0)
  pdu.writeUInt32BE((id | responseBit) >>> 0, 4)
  pdu.writeUInt32BE(sequence, 12)
  if (text !== null) pdu.write(text, 16, 'latin1')
  return pdu
}

/** DELIVRD for a submit_sm that wants a receipt; `null` for one that does not. */
export function receiptFor(submit: Buffer, id: string): Buffer | null {
  const { source, destination, registeredDelivery, tlvs } = readShortMessage(submit)
  if (registeredDelivery % 4 === 0) return null
  const now = new Date()
  const reference = numberOf(tlvs, tag.userMessageReference, 2)
  const said = { id, state: 'DELIVRD', error: '000', submittedAt: now, doneAt: now, text: '', form: 'both' } as const
  return encodeReceipt({ ...said, source: destination, destination: source, reference }, 0)
}
