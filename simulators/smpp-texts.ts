import { encodeDeliverSm, submitFields } from '../adapters/smpp/encode.ts'
import { type LongText, segmentsOf } from '../adapters/smpp/segments.ts'
import type { Carrier } from '../adapters/smpp/short-message.ts'

/** What a subscriber writes, as a centre or a converter hands it on. */
export interface MobileText {
  readonly from: string
  readonly to: string
  readonly text: string
  /** Makes the reference of a long one. Default: sender and text. */
  readonly id?: string
  readonly longText?: LongText
}

/** Its PDUs, in order; several where it is long. */
export function pdusOf({ from, to, text, id, longText }: MobileText, carrier: Carrier = 'deliver_sm'): Buffer[] {
  const segments = segmentsOf(
    {
      id: id ?? `${from} ${text}`,
      to: `tel:${to}`,
      extension: null,
      title: null,
      text,
      attachments: [],
      validUntil: null,
    },
    {
      source: { ton: 1, npi: 1, digits: from },
      alphabet: 'shortest',
      defaultCoding: 'gsm',
      longText: longText ?? 'udh8',
      receipts: false,
      references: false,
      serviceType: '',
    },
  )
  return segments.map((segment) => encodeDeliverSm({ ...submitFields(segment), carrier }, 0))
}
