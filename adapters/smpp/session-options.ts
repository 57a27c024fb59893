import { z } from 'zod'
import { byteSize, duration, file } from '../../config/fields.ts'
import { defaultCodings, textCodings } from './coding.ts'
import { messageIdForms } from './message-ids.ts'
import { longTexts, outboundAlphabets } from './segments.ts'

/** What both sides of SMPP are configured with. */

/** 5.2.1: at most 15 letters. ASCII, since that is all there is in a PDU's texts. */
export const systemId = () => z.string().regex(/^[\x21-\x7e]{1,15}$/, 'must be 1 to 15 ASCII letters without spaces')

export const sessionShape = {
  /** Whose message ids and receipts are whose: adapters of one account share them. Default: the adapter's own name. */
  account: z.string().min(1).nullable().default(null),
  /** Parts a second that are handed in; 0: no limit. */
  perSecond: z.number().min(0).default(10),
  /** Parts that may be without an answer at a time (3.4: "asynchronous mode"). */
  window: z.number().int().min(1).max(1000).default(10),
  /** After so much silence the far end is asked whether it is there. */
  enquireEvery: duration({ least: '1s' }).prefault('30s'),
  /** A request without an answer after so long is given up; with nothing else heard meanwhile the link is down. */
  responseTimeout: duration({ least: '100ms' }).prefault('10s'),
  /** For so long the far end may send again what it had no answer for: the same content is then the same message. */
  redelivery: duration().prefault('4h'),
}

/** How texts are written and read on a link. */
export const messageShape = {
  /** Numbers without a country are of this one. */
  country: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a country code without +')
    .default('86'),
  coding: z
    .strictObject({
      /** What data_coding 0, "SMSC default alphabet", means here. */
      default: z.enum(defaultCodings).default('gsm'),
      /** Other meanings of single data_codings, by their number. */
      others: z.record(z.string().regex(/^\d{1,3}$/), z.enum(textCodings)).prefault({ 15: 'gb18030' }),
      /** `shortest`: GSM 7-bit where it carries the text, else UCS-2. */
      out: z.enum(outboundAlphabets).default('shortest'),
    })
    .prefault({}),
  /** How a text that is too long for one message goes out. */
  longText: z.enum(longTexts).default('udh8'),
  /** How ids in responses and in receipts differ. */
  messageIds: z.enum(messageIdForms).default('either'),
  /** Minutes that the clock in receipts is ahead of UTC; `unknown`: their times are not read. */
  receiptClock: z.union([z.literal('unknown'), z.number().int().min(-840).max(840)]).default(480),
  /** Whether the centre is asked for receipts. */
  registeredDelivery: z.enum(['yes', 'no']).default('yes'),
  /** Whether user_message_reference goes along; some centres refuse optional parameters. */
  references: z.enum(['yes', 'no']).default('yes'),
  /** 5.2.11 */
  serviceType: z
    .string()
    .regex(/^[\x21-\x7e]{0,5}$/, 'must be at most 5 ASCII letters')
    .default(''),
  /** How long the centre tries, for texts that do not say; `none`: its own default. */
  validity: z.union([z.literal('none'), duration({ least: '1m', most: '31d' })]).prefault('2d'),
}

export const limitsShape = {
  /** Octets of a PDU. The longest text, 65,535 octets in message_payload, fits in twice the least. */
  pdu: byteSize().prefault('128KiB'),
  /** Messages of a far end that are being stored at a time; beyond them it is not read. */
  unacknowledged: z.number().int().min(1).max(10_000).default(100),
}

/** PEM files. `ca`: whose certificates of the far end are believed; `cert` and `key`: the gateway's own. */
export const tlsFiles = { ca: file().optional(), cert: file().optional(), key: file().optional() }

/** An address field of a PDU: type of number and numbering plan (5.2.5, 5.2.6). */
export const address = z.strictObject({
  number: z.string().regex(/^[\x21-\x7e]{0,20}$/, 'must be at most 20 ASCII letters'),
  ton: z.number().int().min(0).max(255).default(0),
  npi: z.number().int().min(0).max(255).default(1),
})
