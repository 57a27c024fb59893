import { hash } from 'node:crypto'
import type { Inbound } from '../../gateway/adapter.ts'
import type { ChecksumRule } from './codec.ts'
import { type Epoch, EpochAssembler, type Glimpse, glimpse, isoDate, LinkDate } from './epoch.ts'
import { Framer, type Piece } from './framing.ts'

/** Whom the sentences of a link are from: one subject, or each sentence says so in its TAG block. */
export type Talker = { readonly subject: string } | { readonly subjectOf: (source: string) => string | null }

/** What bytes have become: messages to accept, and talkers that are turned away (`message` is kept once a day). */
export type Outcome =
  | { readonly kind: 'message'; readonly message: Inbound }
  | { readonly kind: 'refused'; readonly talker: string; readonly message: Inbound }

/** A link that speaks for more sources than this is not a multiplexer. */
const mostSources = 256

interface Source {
  readonly subject: string
  readonly epochs: EpochAssembler
  readonly dates: LinkDate
}

/**
 * From the bytes of one link to messages. Pure: time comes in as an argument.
 *
 * The key of an epoch is subject, UTC date and SHA-256 of its bytes: a source that replays its log after a reconnect
 * makes duplicates. The date stands apart because the same GGA bytes may come again on another day. Epochs without
 * time and date (a receiver without a fix) fall together by day of receipt, as does garbage.
 */
export class Assembly {
  readonly #framer = new Framer()
  readonly #sources = new Map<string, Source>()
  #current: Source | null = null
  readonly #talker: Talker
  readonly #peer: string
  readonly #rule: ChecksumRule
  /** gpsd's own lines, which are no message of anybody's. */
  skipped = 0

  constructor(talker: Talker, peer: string, rule: ChecksumRule) {
    this.#talker = talker
    this.#peer = peer
    this.#rule = rule
    if ('subject' in talker) this.#current = this.#source(talker.subject)
  }

  get pending(): boolean {
    for (const source of this.#sources.values()) if (source.epochs.pending) return true
    return false
  }

  push(chunk: Uint8Array, now: Date): Outcome[] {
    return this.#collect(this.#framer.push(chunk), now)
  }

  /** One datagram: nothing of it is continued in the next one. */
  datagram(chunk: Uint8Array, now: Date): Outcome[] {
    return this.#collect([...this.#framer.push(chunk), ...this.#framer.end()], now)
  }

  /** Nothing came for a while: the epochs under way are complete. */
  quiet(now: Date): Outcome[] {
    return [...this.#collect(this.#framer.settle(), now), ...this.#flush(now)]
  }

  /** The link is at its end. */
  end(now: Date): Outcome[] {
    return [...this.#collect(this.#framer.end(), now), ...this.#flush(now)]
  }

  #collect(pieces: readonly Piece[], now: Date): Outcome[] {
    const outcomes: Outcome[] = []
    for (const piece of pieces) {
      if (piece.kind === 'json') this.skipped++
      else if (piece.kind === 'garbage') outcomes.push(this.#garbage(piece, now))
      else this.#add(piece, piece.kind === 'sentence' ? glimpse(piece, this.#rule) : null, now, outcomes)
    }
    return outcomes
  }

  #add(piece: Piece, seen: Glimpse | null, now: Date, outcomes: Outcome[]): void {
    if ('subjectOf' in this.#talker && seen !== null) {
      const subject = seen.source === null ? null : this.#talker.subjectOf(seen.source)
      this.#current = subject === null ? null : this.#source(subject)
      if (this.#current === null) {
        outcomes.push(this.#refused(seen.source ?? 'a sentence without TAG block', piece, now))
        return
      }
    }
    const source = this.#current
    if (source === null) outcomes.push(this.#garbage(piece, now))
    else for (const epoch of source.epochs.add(piece, seen)) outcomes.push(this.#message(source, epoch, now))
  }

  #source(subject: string): Source | null {
    const known = this.#sources.get(subject)
    if (known !== undefined) return known
    if (this.#sources.size >= mostSources) return null
    const source = { subject, epochs: new EpochAssembler(), dates: new LinkDate() }
    this.#sources.set(subject, source)
    return source
  }

  #flush(now: Date): Outcome[] {
    const outcomes: Outcome[] = []
    for (const source of this.#sources.values()) {
      const epoch = source.epochs.flush()
      if (epoch !== null) outcomes.push(this.#message(source, epoch, now))
    }
    return outcomes
  }

  #message(source: Source, epoch: Epoch, now: Date): Outcome {
    const { date, from } = source.dates.of(epoch, now)
    const { subject } = source
    const key = `${subject}:${date}:${sha256(epoch.raw)}`
    return {
      kind: 'message',
      message: { key, raw: epoch.raw, envelope: { subject, date, dateFrom: from, peer: this.#peer } },
    }
  }

  #garbage(piece: Piece, now: Date): Outcome {
    const raw = Buffer.from(piece.bytes)
    const subject = this.#current?.subject ?? null
    const key = `garbage:${subject ?? this.#peer}:${isoDate(now.getTime())}:${sha256(raw)}`
    const envelope = { ...(subject === null ? {} : { subject }), what: 'garbage', peer: this.#peer }
    return { kind: 'message', message: { key, raw, envelope } }
  }

  #refused(talker: string, piece: Piece, now: Date): Outcome {
    return { kind: 'refused', talker, message: refusal(talker, this.#peer, piece.bytes, now) }
  }
}

/** The one row a day that says that a talker was turned away. */
export function refusal(talker: string, peer: string, bytes: Uint8Array, now: Date): Inbound {
  return {
    key: `refused:${talker}:${isoDate(now.getTime())}`,
    raw: Buffer.from(bytes),
    envelope: { what: 'refused', talker, peer },
  }
}

function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
