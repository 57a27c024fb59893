import { GatewayError } from '../../gateway/errors.ts'
import type { Header } from './framing.ts'
import { commandId, commandName, numbered, responseTo } from './session-pdus.ts'

export interface Response {
  readonly header: Header
  readonly raw: Buffer
}

interface Pending {
  readonly id: number
  readonly sentMs: number
  readonly resolve: (response: Response) => void
  readonly reject: (error: Error) => void
}

/** The session's clock stands still while it does not read. */
export interface Hearing {
  nowMs(): number
  /** When anything came last. */
  heardMs(): number
  /** Nothing at all came since the request that is overdue. */
  silent(): void
}

/** 3.2: sequence_number is 1 to 0x7FFFFFFF. */
const lastSequence = 0x7fff_ffff

/** Requests that wait for their response. Each has an end: the response, its time, or that of the link. */
export class PendingRequests {
  readonly #timeoutMs: number
  readonly #hearing: Hearing
  /** In the order in which they were sent, so the first is due first. */
  readonly #bySequence = new Map<number, Pending>()
  #sequence = 0
  #timer: NodeJS.Timeout | null = null

  constructor(timeoutMs: number, hearing: Hearing) {
    this.#timeoutMs = timeoutMs
    this.#hearing = hearing
  }

  get size(): number {
    return this.#bySequence.size
  }

  add(pdu: Buffer, write: (numbered: Buffer) => void): Promise<Response> {
    do this.#sequence = this.#sequence >= lastSequence ? 1 : this.#sequence + 1
    while (this.#bySequence.has(this.#sequence))
    const sequence = this.#sequence
    return new Promise((resolve, reject) => {
      const id = pdu.readUInt32BE(4)
      this.#bySequence.set(sequence, { id, sentMs: this.#hearing.nowMs(), resolve, reject })
      this.#watch()
      write(numbered(pdu, sequence))
    })
  }

  /** Whether it was waited for. The library goes by the number alone, so that any response would do. */
  settle(header: Header, raw: Buffer): boolean {
    const pending = this.#bySequence.get(header.sequence)
    if (pending === undefined) return false
    if (header.id !== responseTo(pending.id) && header.id !== commandId.generic_nack) return false
    this.#bySequence.delete(header.sequence)
    pending.resolve({ header, raw })
    return true
  }

  fail(reason: string): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const lost = [...this.#bySequence.values()]
    this.#bySequence.clear()
    for (const { id, reject } of lost) reject(lostError(id, reason))
  }

  #watch(): void {
    if (this.#timer !== null) return
    const [first] = this.#bySequence.values()
    if (first === undefined) return
    const restMs = first.sentMs + this.#timeoutMs - this.#hearing.nowMs()
    this.#timer = setTimeout(() => this.#overdue(), Math.max(1, restMs))
  }

  #overdue(): void {
    this.#timer = null
    for (const [sequence, { id, sentMs, reject }] of this.#bySequence) {
      if (this.#hearing.nowMs() - sentMs < this.#timeoutMs) break
      if (this.#hearing.heardMs() <= sentMs) {
        this.#hearing.silent()
        return
      }
      this.#bySequence.delete(sequence)
      reject(lostError(id, `no response within ${this.#timeoutMs} ms`))
    }
    this.#watch()
  }
}

const lostError = (id: number, reason: string) => new GatewayError('LINK_LOST', `smpp ${commandName(id)}: ${reason}`)
