import type { DeliveryReport, DeliveryState } from '../../gateway/report.ts'
import { isInternational, subscriberUri } from '../../gateway/subscriber.ts'
import type { SmppDecodeOptions } from './decode-options.ts'
import { receiptedIdForms } from './message-ids.ts'
import { fault } from './octets.ts'
import { clockTime, type ReceiptText, readReceiptText } from './receipt-text.ts'
import type { Address, ShortMessage } from './short-message.ts'
import { numberOf, tag, textOf } from './tlvs.ts'

/** esm_class bits 5 to 2 (5.2.12). */
const type = { receipt: 0x04, deliveryAcknowledgement: 0x08, userAcknowledgement: 0x10, intermediate: 0x20 } as const

/**
 * The report of a receipt; `null` when it is none. A centre's own types are receipts whatever they hold, as are the TLVs
 * that only a centre can set. An acknowledgement out of a handset may be one, or what somebody wrote. A text without
 * these that merely reads like a receipt is a text: anybody can write one.
 */
export function receiptOf(
  pdu: ShortMessage,
  octets: Buffer,
  decoded: () => string,
  options: SmppDecodeOptions,
): DeliveryReport | null {
  const kind = pdu.esmClass & 0x3c
  const tlvId = textOf(pdu.tlvs, tag.receiptedMessageId, 65)
  const tlvState = numberOf(pdu.tlvs, tag.messageState, 1)
  const certain = kind === type.receipt || kind === type.intermediate || (tlvId !== null && tlvState !== null)
  const acknowledgement = kind === type.deliveryAcknowledgement || kind === type.userAcknowledgement
  if (!certain && !acknowledgement) return null
  // Most centres write ASCII under whatever data_coding, and GSM's alphabet would read their underscores as §.
  const plain = octets.toString('latin1')
  const said = readReceiptText(/\b(id|stat)\s*:/i.test(plain) ? plain : decoded())
  if (!certain && (said.id === null || said.stat === null)) return null
  const id = tlvId ?? said.id
  const reference = numberOf(pdu.tlvs, tag.userMessageReference, 2)
  if (id === null && reference === null) throw fault('receipt', 'names no message')
  const ids = [tlvId, said.id].filter((one) => one !== null)
  return {
    kind: 'delivery',
    subject: recipient(pdu.source, pdu.destination, options),
    deviceTime: said.doneDate === null ? null : clockTime(said.doneDate, options.clockOffsetMinutes ?? null),
    account: options.account,
    messageIds: [...new Set([...ids, ...ids.flatMap((one) => receiptedIdForms(one, options.messageIdForms))])],
    ...outcome(said, tlvState, pdu.tlvs.get(tag.networkErrorCode) ?? null, kind === type.intermediate),
    reference,
  }
}

/**
 * A receipt comes from whom the text went to (appendix B), but some centres leave the addresses as they were in the
 * submission: then it comes from the account's own number, or a service's number stands where a subscriber's should.
 */
function recipient(source: Address, destination: Address, { country, ownNumber }: SmppDecodeOptions): string {
  const uri = ({ digits, ton }: Address) => subscriberUri(digits, country, ton === 1 ? true : null)
  const own = ({ digits }: Address) => ownNumber != null && ownNumber !== '' && digits.startsWith(ownNumber)
  const from = uri(source)
  const to = uri(destination)
  const turned = own(source) !== own(destination) ? own(source) : !isInternational(from) && isInternational(to)
  const subject = turned ? to : from
  if (/^tel:\+?$/.test(subject)) throw fault('source_addr', 'of a receipt is empty')
  return subject
}

const statWords: Readonly<Record<string, DeliveryState | null>> = {
  ACCEPT: 'accepted',
  DELIVR: 'delivered',
  DELIVE: 'delivered',
  EXPIRE: 'expired',
  DELETE: 'undeliverable',
  UNDELI: 'undeliverable',
  REJECT: 'rejected',
  UNKNOW: 'unknown',
  ENROUT: null,
}

/** 5.2.28, from 0; 0 and 9 are SMPP 5's SCHEDULED and SKIPPED. */
const numberedStates: readonly (DeliveryState | null)[] = [
  null,
  null,
  'delivered',
  'expired',
  'undeliverable',
  'undeliverable',
  'accepted',
  'unknown',
  'rejected',
  'undeliverable',
]

/**
 * The TLV's values are the standard's, the text's are the centre's: where both say something final the TLV holds. An
 * intermediate notification tells of one attempt, so that only good news in it is final. Codes that no standard names
 * are kept in `error`.
 */
function outcome(
  { stat, err }: ReceiptText,
  numbered: number | null,
  network: Buffer | null,
  intermediate: boolean,
): Pick<DeliveryReport, 'state' | 'error'> {
  const word = stat === null ? undefined : statWords[stat.toUpperCase().slice(0, 6)]
  const known = numbered === null ? undefined : numberedStates[numbered]
  const said = [known, word].filter((one) => one !== undefined)
  const state =
    said.find((one) => one !== null && one !== 'unknown') ?? (said.length === 0 ? 'unknown' : (said[0] ?? null))
  const final = !intermediate || state === 'delivered' || state === 'accepted'
  const codes = [
    word === undefined ? stat : null,
    numbered !== null && known === undefined ? `message_state ${numbered}` : null,
    err ?? (network === null ? null : `network_error_code ${network.toString('hex')}`),
  ].filter((code) => code !== null)
  return { state: final ? state : null, error: codes.length === 0 ? null : codes.join(' ') }
}
