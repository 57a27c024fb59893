import type { Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import { codingOf } from './coding.ts'
import { contentOf } from './content.ts'
import type { SmppDecodeOptions } from './decode-options.ts'
import { fillBits } from './gsm.ts'
import { type Division, divisionOf, seamed } from './parts.ts'
import { receiptOf } from './receipt.ts'
import { readShortMessage, type ShortMessage } from './short-message.ts'
import { decodeText } from './text.ts'

export type { SmppDecodeOptions }

/**
 * Pure. `raw` is one whole PDU, header included: deliver_sm, data_sm, or submit_sm of a peer that binds to this gateway.
 * One report; behind it a `MalformedReport` where something is wrong that the text can do without.
 */
export function decode(message: Received, options: SmppDecodeOptions): Report[] {
  const pdu = readShortMessage(message.raw)
  const { octets, problem } = contentOf(pdu)
  const receipt = receiptOf(pdu, octets, () => decodeText(octets, codingOf(pdu.dataCoding, options)), options)
  if (receipt !== null) return [receipt]
  const division = divisionOf(pdu, octets)
  const content = octets.subarray(division.length)
  if ((pdu.esmClass & 0x3c) === conversationAbort && content.length === 0) return []
  return withProblems(reportOf(pdu, content, division, options), [problem, division.problem])
}

/** 5.2.12: Korea's CDMA networks say so that a dialogue is over. */
const conversationAbort = 0x18

function reportOf(pdu: ShortMessage, content: Buffer, division: Division, options: SmppDecodeOptions): Report {
  const { concatenation, port } = division
  const from = { subject: sender(pdu, options), deviceTime: null, to: pdu.destination.digits || null }
  if (port !== null) {
    const bytes = Uint8Array.from(content)
    if (concatenation === null) return { kind: 'datagram', ...from, port, content: bytes }
    return { kind: 'part', ...from, ...concatenation, content: { is: 'datagram', port, bytes } }
  }
  const skipBits = fillBits(division.length)
  const text = decodeText(content, codingOf(pdu.dataCoding, options), skipBits)
  if (concatenation === null) {
    const nothingMore = { title: null, attachments: [], missingParts: [] }
    return { kind: 'text', medium: 'sms', ...from, text: text.toWellFormed(), ...nothingMore }
  }
  return { kind: 'part', ...from, ...concatenation, content: { is: 'text', text: seamed(text, concatenation) } }
}

function sender({ source }: ShortMessage, { country }: SmppDecodeOptions): string {
  const uri = subscriberUri(source.digits, country, source.ton === 1 ? true : null)
  if (/^tel:\+?$/.test(uri)) throw new GatewayError('DECODE_FIELD', `SMPP: source_addr "${source.digits}"`)
  return uri
}

function withProblems(report: Report, problems: readonly (string | null)[]): Report[] {
  const malformed = problems
    .filter((problem) => problem !== null)
    .map((problem, i) => {
      const { code, message: detail } = new GatewayError('DECODE_FIELD', problem)
      return { kind: 'malformed' as const, index: i + 1, code, detail }
    })
  return [report, ...malformed]
}
