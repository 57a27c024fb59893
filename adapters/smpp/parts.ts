import type { ShortMessage } from './short-message.ts'
import { numberOf, tag } from './tlvs.ts'
import { type Concatenation, readUdh, type UserDataHeader } from './udh.ts'

/** Where the text or datagram begins, and what it is a part of. */
export interface Division extends UserDataHeader {
  /** What is wrong with the numbering; the message then counts as whole. */
  readonly problem: string | null
}

const headerIndicator = 0x40

/**
 * Reads the header (UDH) or the TLVs that say the same; where both do, the header holds, as it came from the handset.
 * Numbers that cannot be leave a whole message (3GPP TS 23.040, 9.2.3.24.1: the element is ignored): what a citizen
 * wrote is worth more than its place in a row.
 */
export function divisionOf({ esmClass, tlvs }: ShortMessage, octets: Buffer): Division {
  const header = (esmClass & headerIndicator) === 0 ? null : readUdh(octets)
  const port = header?.port ?? numberOf(tlvs, tag.destinationPort, 2)
  const numbering = header?.concatenation ?? segmentation(tlvs)
  const problem = numbering === null ? null : problemOf(numbering)
  const whole = numbering === null || numbering.total === 1 || problem !== null
  return { concatenation: whole ? null : numbering, port, length: header?.length ?? 0, problem }
}

/** 5.3.2.22 to 24: the three of them, or nothing. */
function segmentation(tlvs: ShortMessage['tlvs']): Concatenation | null {
  const reference = numberOf(tlvs, tag.sarReference, 2)
  const total = numberOf(tlvs, tag.sarTotal, 1)
  const number = numberOf(tlvs, tag.sarNumber, 1)
  if (reference === null && total === null && number === null) return null
  return { reference: `sar:${reference ?? '?'}`, total: total ?? 0, number: number ?? 0 }
}

function problemOf({ reference, total, number }: Concatenation): string | null {
  const possible = total >= 1 && number >= 1 && number <= total && !reference.endsWith('?')
  return possible ? null : `SMPP: part ${number} of ${total} (${reference})`
}

/**
 * A surrogate pair may be cut between two parts. The halves at the seams stay, so that the joined strings hold the pair
 * again; all others become U+FFFD here, since no database and no JSON takes them.
 */
export function seamed(text: string, { number, total }: Pick<Concatenation, 'number' | 'total'>): string {
  const first = number > 1 && /^[\udc00-\udfff]/.test(text) ? 1 : 0
  const last = number < total && text.length > first && /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length
  return text.slice(0, first) + text.slice(first, last).toWellFormed() + text.slice(last)
}
