import { z } from 'zod'
import { byteSize, duration, file } from '../../config/fields.ts'

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
