import type { Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import type { DefaultCoding, TextCoding } from './coding.ts'
import type { MessageIdForms } from './message-ids.ts'
import { readShortMessage } from './short-message.ts'

export interface SmppDecodeOptions {
  /** Country code without `+`: `86`. */
  readonly country: string
  /** Adapters of one account share message ids. */
  readonly account: string
  /** What data_coding 0 means on this link. */
  readonly defaultCoding: DefaultCoding
  /** Other meanings of single data_codings, by their number: `{ 15: 'gb18030' }`. */
  readonly codings: Readonly<Record<string, TextCoding>>
  readonly messageIdForms: MessageIdForms
  /** Minutes that the clock in receipts is ahead of UTC (480 in China); `null`: not known, and the times are not read. */
  readonly clockOffsetMinutes?: number | null
}

/** Pure. `raw` is one whole PDU, header included: deliver_sm, data_sm or submit_sm. */
export function decode(message: Received, options: SmppDecodeOptions): Report[] {
  const { source, destination, octets } = readShortMessage(message.raw)
  if (source.digits === '') throw new GatewayError('DECODE_FIELD', 'SMPP: source_addr ""')
  return [
    {
      kind: 'text',
      medium: 'sms',
      subject: subscriberUri(source.digits, options.country, source.ton === 1 ? true : null),
      deviceTime: null,
      to: destination.digits,
      title: null,
      text: octets.toString('latin1'),
      attachments: [],
      missingParts: [],
    },
  ]
}
