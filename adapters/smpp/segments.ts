import type { OutboundText } from '../../gateway/adapter.ts'
import { digitsOf, isInternational } from '../../gateway/subscriber.ts'
import type { DefaultCoding } from './coding.ts'
import type { Address } from './short-message.ts'

/** How a text that is too long for one message goes out. */
export const longTexts = ['udh8', 'udh16', 'sar', 'payload'] as const
export type LongText = (typeof longTexts)[number]

/** `shortest`: GSM 7-bit where it carries the text, else UCS-2. */
export const outboundAlphabets = ['shortest', 'ucs2', 'gb18030'] as const
export type OutboundAlphabet = (typeof outboundAlphabets)[number]

export interface SegmentOptions {
  /** The account's own number; a text's extension is put behind its digits. */
  readonly source: Address
  readonly alphabet: OutboundAlphabet
  /** What data_coding 0 means on this link; GSM 7-bit is only used where it is `gsm` or `gsm-packed`. */
  readonly defaultCoding: DefaultCoding
  readonly longText: LongText
  /** Whether the centre is asked for receipts. */
  readonly receipts: boolean
  /** Whether user_message_reference goes along; some centres refuse TLVs. */
  readonly references: boolean
  readonly serviceType: string
}

/** All that a submit_sm needs. */
export interface Segment {
  /** From 1. */
  readonly number: number
  readonly total: number
  readonly serviceType: string
  readonly destination: Address
  readonly source: Address
  readonly esmClass: number
  readonly dataCoding: number
  /** UDH and text. */
  readonly octets: Uint8Array
  /** `true`: the octets go into message_payload. */
  readonly payload: boolean
  readonly registeredDelivery: number
  /** `261125084500000+` (7.1.1), or empty. */
  readonly validity: string
  /** user_message_reference */
  readonly reference: number | null
  readonly sar: { readonly reference: number; readonly total: number; readonly number: number } | null
}

/** Pure. The same text makes the same segments. */
export function segmentsOf(text: OutboundText, options: SegmentOptions): readonly Segment[] {
  const { source } = options
  return [
    {
      number: 1,
      total: 1,
      serviceType: options.serviceType,
      destination: { ton: isInternational(text.to) ? 1 : 0, npi: 1, digits: digitsOf(text.to) },
      source: { ...source, digits: `${source.digits}${text.extension ?? ''}` },
      esmClass: 0,
      dataCoding: 8,
      octets: Buffer.from(text.text, 'utf16le').swap16(),
      payload: false,
      registeredDelivery: options.receipts ? 1 : 0,
      validity: '',
      reference: null,
      sar: null,
    },
  ]
}
