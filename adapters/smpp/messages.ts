import { createHash } from 'node:crypto'
import type { OutboundText, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { decode } from './codec.ts'
import { encodeDeliverSm, encodeSubmitSm, submitFields } from './encode.ts'
import type { EsmeOptions } from './esme-options.ts'
import { type Segment, segmentsOf } from './segments.ts'
import type { Session } from './session.ts'
import { readShortMessage } from './short-message.ts'
import type { SmscOptions } from './smsc-options.ts'
import { Texts } from './text-sender.ts'
import { tag } from './tlvs.ts'

type Options = EsmeOptions | SmscOptions

/** Where the codec and the configuration meet: what is stored is read, and what is to be sent is written. */

export function decodeStored(message: Received, options: Options): Report[] {
  const { command, reason, account } = message.envelope
  if (command === 'unframed') throw new GatewayError('DECODE_SYNTAX', `SMPP: ${reason ?? 'no PDU'}`)
  return decode(message, {
    country: options.country,
    account: options.account ?? account ?? '',
    ownNumber: options.source.number === '' ? null : options.source.number,
    defaultCoding: options.coding.default,
    codings: options.coding.others,
    messageIdForms: options.messageIds,
    clockOffsetMinutes: options.receiptClock === 'unknown' ? null : options.receiptClock,
  })
}

/** Whether the body has an end that its fields do not have, or the other way about. */
export function isCutOff(raw: Uint8Array): boolean {
  try {
    readShortMessage(raw)
    return false
  } catch {
    return true
  }
}

/** To a centre: submit_sm, and the centre gives the id. */
export function esmeTexts(options: EsmeOptions, account: string, session: () => Session | null): Texts<Segment> {
  return new Texts({
    account,
    perSecond: options.perSecond,
    window: options.window,
    session,
    split: (text) => split(text, options),
    encode: (segment) => encodeSubmitSm({ ...segment, validity: segment.validity || relative(options.validity) }, 0),
    ownId: () => null,
    reference: ({ reference }) => reference,
  })
}

export interface NumberedSegment {
  readonly segment: Segment
  readonly id: string
}

/**
 * To a peer that is bound here: deliver_sm, whose response has no id (4.6.2). So it is told the id that its receipts are
 * to name, in receipted_message_id; one that gives an id of its own in the response is taken at its word.
 */
export function smscTexts(
  options: SmscOptions,
  account: string,
  session: () => Session | null,
): Texts<NumberedSegment> {
  return new Texts({
    account,
    perSecond: options.perSecond,
    window: options.window,
    session,
    split: (text) =>
      split(text, options).map((segment) => ({
        segment,
        id: shortId(`${text.id} ${segment.number}/${segment.total}`),
      })),
    encode: ({ segment, id }) => {
      const fields = submitFields(segment)
      const tlvs = new Map([...fields.tlvs, [tag.receiptedMessageId, Buffer.from(`${id}\0`)]])
      // 4.6.1: a deliver_sm has no validity.
      return encodeDeliverSm({ ...fields, validity: '', tlvs }, 0)
    },
    ownId: ({ id }) => id,
    reference: ({ segment }) => segment.reference,
  })
}

const shortId = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 20)

function split(text: OutboundText, options: Options): readonly Segment[] {
  const { source, coding } = options
  return segmentsOf(text, {
    source: { ton: source.ton, npi: source.npi, digits: source.number },
    alphabet: coding.out,
    defaultCoding: coding.default,
    longText: options.longText,
    receipts: options.registeredDelivery === 'yes',
    references: options.references === 'yes',
    serviceType: options.serviceType,
  })
}

/** 7.1.1.2: `YYMMDDhhmmss000R`, so long after the centre took it. */
function relative(validityMs: number | 'none'): string {
  if (validityMs === 'none') return ''
  const seconds = Math.max(60, Math.round(validityMs / 1000))
  const units = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  return `0000${units.map((unit) => String(unit).padStart(2, '0')).join('')}000R`
}
