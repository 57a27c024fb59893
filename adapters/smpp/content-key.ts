import { createHash } from 'node:crypto'
import { GatewayError } from '../../gateway/errors.ts'
import { contentOf } from './content.ts'
import { readReceiptText } from './receipt-text.ts'
import { readShortMessage, type ShortMessage } from './short-message.ts'
import { tag, textOf } from './tlvs.ts'

/**
 * The identity of a message whose source gives it none: SMPP numbers PDUs by link, so a message that comes again on
 * another link, or after a reconnect, has another sequence_number and is otherwise told from its content alone.
 *
 * In: the command, both addresses' digits, type and header indicator of esm_class, data_coding, the octets of the text
 * with their header (so the parts of a long one differ), SAR and port TLVs, user_message_reference. Of a receipt its id,
 * state and error instead of its text: centres write the time of the attempt into it.
 *
 * Out: sequence_number and command_status; TON and NPI, priority, protocol_id, the messaging mode and reply path,
 * validity and schedule, which a centre sets anew when it sends again; whatever other TLVs it adds.
 *
 * Two people who write the same words from one telephone within the time that a key holds are one message.
 */
export function contentKey(pdu: Uint8Array): string {
  return createHash('sha256').update(identityOf(pdu)).digest('base64url')
}

function identityOf(raw: Uint8Array): Uint8Array | string {
  try {
    return JSON.stringify(meaning(readShortMessage(raw)))
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    // What cannot be read is the same when its octets are: all but length, status and sequence_number.
    return Buffer.concat([raw.subarray(4, 8), raw.subarray(16)])
  }
}

const typeAndHeader = 0x7c

/** TLVs that come from where the message was made. */
const lasting = [
  tag.sarReference,
  tag.sarTotal,
  tag.sarNumber,
  tag.sourcePort,
  tag.destinationPort,
  tag.userMessageReference,
] as const

function meaning(message: ShortMessage): unknown {
  const { carrier, source, destination, esmClass, dataCoding, tlvs } = message
  const { octets } = contentOf(message)
  return [
    carrier,
    source.digits,
    destination.digits,
    esmClass & typeAndHeader,
    dataCoding,
    lasting.map((key) => tlvs.get(key)?.toString('hex') ?? null),
    receiptMeaning(message, octets) ?? octets.toString('hex'),
  ]
}

function receiptMeaning({ esmClass, tlvs }: ShortMessage, octets: Buffer): unknown {
  // receipted_message_id alone makes no receipt: a centre may put it on every text.
  if ((esmClass & 0x3c) === 0 && !(tlvs.has(tag.receiptedMessageId) && tlvs.has(tag.messageState))) return null
  const { id, stat, err } = readReceiptText(octets.toString('latin1'))
  const named = textOf(tlvs, tag.receiptedMessageId, 65) ?? id
  if (named === null) return null
  const tail = [tag.messageState, tag.networkErrorCode].map((key) => tlvs.get(key)?.toString('hex') ?? null)
  return [named, stat, err, ...tail]
}
