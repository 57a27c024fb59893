import { bodyOf, type ChecksumRule, formatterOf, tagOf } from './codec.ts'
import { shortDate, timeOfDay } from './fields.ts'
import type { Piece } from './framing.ts'
import { zdaDate } from './zda.ts'

/** What grouping needs to know of a sentence; its other values are read later, from the stored bytes. */
export interface Glimpse {
  readonly address: string
  /** RMC, GGA and GLL: an epoch has one of each from one talker. */
  readonly places: boolean
  readonly timeOfDayMs: number | null
  /** Of RMC with a fix, or of ZDA: without a fix a receiver's calendar may stand at its factory's date. */
  readonly date: string | null
  readonly source: string | null
}

/** The sentences of one moment, as they came, in their order. */
export interface Epoch {
  readonly raw: Buffer
  readonly timeOfDayMs: number | null
  readonly date: string | null
}

const mostParts = 256
const mostBytes = 32_768
const cyclesToLearn = 3

/** `null` where the sentence is malformed: it says nothing of time and stays with its neighbours. */
export function glimpse(piece: Piece, rule: ChecksumRule): Glimpse | null {
  try {
    const text = piece.bytes.toString('latin1')
    const { from, to } = bodyOf(text, rule)
    const comma = text.indexOf(',', from)
    const address = text.slice(from, comma < 0 || comma > to ? to : comma)
    const source = tagOf(text, from)?.source ?? null
    const formatter = formatterOf(address)
    const timeField = timeFields[formatter]
    if (timeField === undefined) return { address, places: false, timeOfDayMs: null, date: null, source }
    const fields = formatter === 'RMC' || formatter === 'ZDA' ? text.slice(from, to).split(',', 10) : null
    const time = fields === null ? fieldAt(text, from, to, timeField) : fields[timeField]
    return {
      address,
      places: formatter !== 'ZDA',
      timeOfDayMs: timeOfDay(formatter, time),
      date: fields === null ? null : dateOf(formatter, fields),
      source,
    }
  } catch {
    return null
  }
}

const timeFields: Readonly<Record<string, number>> = { RMC: 1, GGA: 1, GLL: 5, ZDA: 1 }

/** One field of a body, without taking the others apart. */
function fieldAt(text: string, from: number, to: number, number: number): string {
  let start = from
  for (let field = 0; field < number; field++) {
    const comma = text.indexOf(',', start)
    if (comma < 0 || comma >= to) return ''
    start = comma + 1
  }
  const end = text.indexOf(',', start)
  return text.slice(start, end < 0 || end > to ? to : end)
}

function dateOf(formatter: string, fields: readonly string[]): string | null {
  if (formatter === 'RMC') return fields[2] === 'A' ? shortDate('RMC date', fields[9]) : null
  return formatter === 'ZDA' ? zdaDate(fields[2] ?? '', fields[3] ?? '', fields[4] ?? '') : null
}

/**
 * Puts sentences of one epoch together. An epoch ends when another time of day comes, when a position sentence comes a
 * second time, at 256 pieces or 32 KiB, on `flush`, and, once the receiver's order has shown itself, with its last
 * sentence. Sentences without a time belong to the epoch under way.
 */
export class EpochAssembler {
  #parts: Buffer[] = []
  #addresses: string[] = []
  #bytes = 0
  #timeOfDayMs: number | null = null
  #date: string | null = null
  #last: { readonly address: string; readonly times: number } = { address: '', times: 0 }

  get pending(): boolean {
    return this.#parts.length > 0
  }

  add(piece: Piece, seen: Glimpse | null): Epoch[] {
    const done: Epoch[] = []
    if (this.pending && seen !== null && this.#endsBefore(seen)) {
      this.#learn()
      done.push(this.#take())
    }
    this.#parts.push(piece.bytes)
    this.#bytes += piece.bytes.length
    // Frames of other protocols take part in the order: what follows the last sentence must not become a message alone.
    const address = seen?.address ?? (piece.kind === 'sentence' ? null : piece.kind)
    if (address !== null) this.#addresses.push(address)
    if (seen !== null) {
      this.#timeOfDayMs ??= seen.timeOfDayMs
      this.#date ??= seen.date
    }
    const full = this.#parts.length >= mostParts || this.#bytes >= mostBytes
    if (full || this.#isLast(address)) done.push(this.#take())
    return done
  }

  flush(): Epoch | null {
    return this.pending ? this.#take() : null
  }

  #endsBefore(seen: Glimpse): boolean {
    if (seen.timeOfDayMs !== null && this.#timeOfDayMs !== null && seen.timeOfDayMs !== this.#timeOfDayMs) return true
    return seen.places && this.#addresses.includes(seen.address)
  }

  #isLast(address: string | null): boolean {
    return this.#timeOfDayMs !== null && this.#last.times >= cyclesToLearn && address === this.#last.address
  }

  /** A sentence that comes once in each epoch and is three times the last closes the next ones without waiting. */
  #learn(): void {
    const address = this.#addresses.at(-1) ?? ''
    const once = this.#addresses.indexOf(address) === this.#addresses.length - 1
    this.#last = { address, times: once && address === this.#last.address ? this.#last.times + 1 : once ? 1 : 0 }
  }

  #take(): Epoch {
    const epoch = { raw: Buffer.concat(this.#parts, this.#bytes), timeOfDayMs: this.#timeOfDayMs, date: this.#date }
    this.#parts = []
    this.#addresses = []
    this.#bytes = 0
    this.#timeOfDayMs = null
    this.#date = null
    return epoch
  }
}

const dayMs = 86_400_000
const halfDayMs = dayMs / 2

/** Where a date came from: the epoch's own sentences, earlier ones of the link, or the time of receipt. */
export type DateOrigin = 'sentence' | 'link' | 'receipt'

/** The UTC date of epochs that do not say it: GGA and GLL carry the time of day alone. */
export class LinkDate {
  #known: { readonly date: string; readonly timeOfDayMs: number; readonly heardMs: number } | null = null

  of(epoch: Pick<Epoch, 'date' | 'timeOfDayMs'>, now: Date): { readonly date: string; readonly from: DateOrigin } {
    const { timeOfDayMs } = epoch
    if (timeOfDayMs === null)
      return { date: epoch.date ?? isoDate(now.getTime()), from: epoch.date ? 'sentence' : 'receipt' }
    if (epoch.date !== null) return this.#note(epoch.date, timeOfDayMs, now, 'sentence')
    const known = this.#known
    // After half a day of silence nobody knows how many midnights have passed.
    if (known === null || now.getTime() - known.heardMs > halfDayMs) {
      return { date: nearestDate(timeOfDayMs, now), from: 'receipt' }
    }
    const passedMidnight = known.timeOfDayMs - timeOfDayMs > halfDayMs
    return this.#note(passedMidnight ? dayAfter(known.date) : known.date, timeOfDayMs, now, 'link')
  }

  #note(date: string, timeOfDayMs: number, now: Date, from: DateOrigin): { date: string; from: DateOrigin } {
    this.#known = { date, timeOfDayMs, heardMs: now.getTime() }
    return { date, from }
  }
}

/** The day that puts a time of day nearest to the time of receipt: around midnight it may be yesterday or tomorrow. */
export function nearestDate(timeOfDayMs: number, receivedAt: Date): string {
  const atMs = receivedAt.getTime()
  const sameDayMs = Math.floor(atMs / dayMs) * dayMs + timeOfDayMs
  const off = sameDayMs - atMs
  return isoDate(off > halfDayMs ? sameDayMs - dayMs : off < -halfDayMs ? sameDayMs + dayMs : sameDayMs)
}

export function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function dayAfter(date: string): string {
  return isoDate(Date.parse(`${date}T00:00:00Z`) + dayMs)
}
