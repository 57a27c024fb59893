import { createHash } from 'node:crypto'
import type { PartReport, Report } from '../report.ts'
import type { Arrival } from './arrival.ts'

/** One part as it is kept until the others are there. */
export interface HeldPart {
  readonly groupKey: string
  readonly number: number
  readonly total: number
  readonly messageId: string
  readonly receivedAt: Date
  readonly adapter: string
  readonly channel: string
  readonly subject: string
  readonly recipient: string | null
  /** `null`: the part is text. */
  readonly port: number | null
  readonly text: string | null
  readonly content: Uint8Array | null
}

/** What becomes of a part: nothing yet, or the whole that it completes; or it was there already. */
export interface Taken {
  readonly outcome: 'held' | 'completed' | 'repeated'
  /** The whole; and, where a sender's reference began anew before its last text was complete, what there was of that. */
  readonly reports: readonly Report[]
}

/**
 * Names the whole that a part belongs to. Not by adapter: the parts of one text may come on several binds of an account.
 * References are the sender's own and count round in 256, so the total stands in it, too.
 */
export function groupKeyOf({ subject, to, reference, total, content }: PartReport): string {
  const kind = content.is === 'text' ? 'text' : `port ${content.port}`
  return createHash('sha256')
    .update(JSON.stringify([subject, to, reference, total, kind]))
    .digest('base64url')
}

/**
 * Puts parts together: one batch's working set of what is held. The sender's row in `device` carries the version that
 * keeps two gateways from each holding one half of a text as the last.
 */
export class PartDesk {
  readonly #groups = new Map<string, Map<number, HeldPart>>()
  readonly #stored: readonly HeldPart[]

  /** `stored`: what is held of the groups that the batch speaks of. */
  constructor(stored: readonly HeldPart[] = []) {
    this.#stored = stored
    for (const part of stored) this.#group(part.groupKey).set(part.number, part)
  }

  take(report: PartReport, { id, source, message }: Arrival): Taken {
    const { number, total, subject, to, content } = report
    const groupKey = groupKeyOf(report)
    const group = this.#group(groupKey)
    const part: HeldPart = {
      groupKey,
      number,
      total,
      messageId: id,
      receivedAt: message.receivedAt,
      adapter: source.adapter,
      channel: source.channel,
      subject,
      recipient: to,
      port: content.is === 'text' ? null : content.port,
      text: content.is === 'text' ? content.text : null,
      content: content.is === 'text' ? null : content.bytes,
    }
    const there = group.get(number)
    if (there !== undefined && sameContent(there, part)) return { outcome: 'repeated', reports: [] }
    const released: Report[] = []
    if (there !== undefined) {
      released.push(whole([...group.values()]))
      group.clear()
    }
    group.set(number, part)
    if (group.size < total) return { outcome: 'held', reports: released }
    const completed = whole([...group.values()])
    group.clear()
    return { outcome: 'completed', reports: [...released, completed] }
  }

  /** Parts to be kept from now on, and stored ones that are kept no longer. */
  changes(): { readonly held: readonly HeldPart[]; readonly gone: readonly HeldPart[] } {
    const stored = new Set(this.#stored)
    const held = [...this.#groups.values()].flatMap((group) => [...group.values()]).filter((part) => !stored.has(part))
    const places = new Set(held.map(placeOf))
    const gone = this.#stored.filter(
      (part) => this.#groups.get(part.groupKey)?.get(part.number) !== part && !places.has(placeOf(part)),
    )
    return { held, gone }
  }

  #group(key: string): Map<number, HeldPart> {
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = new Map()
      this.#groups.set(key, group)
    }
    return group
  }
}

const placeOf = ({ groupKey, number }: HeldPart): string => `${groupKey} ${number}`

function sameContent(a: HeldPart, b: HeldPart): boolean {
  if (a.text !== null || b.text !== null) return a.text === b.text
  return Buffer.compare(a.content ?? Buffer.alloc(0), b.content ?? Buffer.alloc(0)) === 0
}

/** What is there of a text, in order, the gaps marked. Of a datagram only the whole makes sense. */
export function whole(parts: readonly HeldPart[]): Report {
  const ordered = [...parts].sort((a, b) => a.number - b.number)
  const [first] = ordered
  if (first === undefined) throw new RangeError('a whole of no parts')
  const there = new Set(ordered.map(({ number }) => number))
  const missingParts = Array.from({ length: first.total }, (_, i) => i + 1).filter((number) => !there.has(number))
  const { subject, recipient: to, port } = first
  if (port !== null) {
    if (missingParts.length > 0) {
      const detail = `datagram to port ${port}: parts ${missingParts.join(', ')} of ${first.total} never came`
      return { kind: 'malformed', index: 0, code: 'DECODE_SYNTAX', detail }
    }
    const content = Buffer.concat(ordered.map((part) => part.content ?? Buffer.alloc(0)))
    return { kind: 'datagram', subject, deviceTime: null, to, port, content }
  }
  const earliest = ordered.reduce((a, b) => (b.receivedAt < a.receivedAt ? b : a))
  return {
    kind: 'text',
    medium: 'sms',
    subject,
    deviceTime: null,
    to,
    title: null,
    text: joined(ordered),
    attachments: [],
    missingParts,
    assembled: { evidence: ordered.map(({ messageId }) => messageId), firstReceivedAt: earliest.receivedAt },
  }
}

/** Halves of a surrogate pair that was cut between two parts meet here; what stays alone is no character. */
function joined(ordered: readonly HeldPart[]): string {
  let text = ''
  let next = 1
  for (const part of ordered) {
    if (part.number > next) text += gap
    text += part.text ?? ''
    next = part.number + 1
  }
  if (next <= (ordered[0]?.total ?? 0)) text += gap
  return text.toWellFormed()
}

const gap = '……'
