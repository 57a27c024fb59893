import type { Logger } from 'pino'
import type { Inbound, Receipt } from '../adapter.ts'
import { describe, GatewayError } from '../errors.ts'
import { indexable } from '../store/array-literal.ts'
import { newMessageId } from '../store/message-id.ts'
import type { Source } from './arrival.ts'
import { commit, type Desk } from './commit.ts'
import { type Decoded, decodeAhead } from './understand.ts'

/**
 * The door that every message comes in by. Calls that arrive while a batch is being committed form the next one: an
 * idle gateway commits at once, a busy one in batches, and there is no timer. `accept` resolves after the commit and
 * never before.
 */

export interface IntakeOptions {
  /** Most messages in one transaction. */
  readonly batch: number
  /** Most bytes in one transaction; a single message larger than this travels alone. */
  readonly batchBytes: number
  /** More than these waiting, and a message is refused at once (STORE_FULL) rather than held. */
  readonly maxWaiting: number
  /** The same for the bytes of all that wait. */
  readonly maxWaitingBytes: number
}

export interface IntakeObserver {
  committed(messages: number, seconds: number): void
  failed(messages: number): void
}

interface Waiting {
  readonly decoded: Decoded
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: GatewayError) => void
}

export class Intake {
  readonly #desk: Desk
  readonly #options: IntakeOptions
  readonly #log: Logger
  readonly #observer: IntakeObserver
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #pumping: Promise<void> | null = null
  #stopping = false

  constructor(desk: Desk, options: IntakeOptions, log: Logger, observer: IntakeObserver) {
    this.#desk = desk
    this.#options = options
    this.#log = log
    this.#observer = observer
  }

  get stopping(): boolean {
    return this.#stopping
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves when the message is durable. Rejects with a STORE_ code when nothing was stored, or it cannot be known. */
  accept(source: Source, message: Inbound): Promise<Receipt> {
    if (this.#stopping) return Promise.reject(new GatewayError('STORE_STOPPING', `message for ${source.adapter}`))
    const { maxWaiting, maxWaitingBytes } = this.#options
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes >= maxWaitingBytes) {
      const waiting = `${this.#waiting.length} messages of ${this.#waitingBytes} bytes`
      return Promise.reject(new GatewayError('STORE_FULL', waiting))
    }
    this.#waitingBytes += message.raw.length
    return new Promise((resolve, reject) => {
      const msecs = Date.now()
      const { raw, envelope, keyHoldsMs } = message
      const key = indexable(message.key)
      const received = {
        key,
        raw,
        envelope,
        receivedAt: new Date(msecs),
        ...(keyHoldsMs !== undefined && { keyHoldsMs }),
      }
      const arrival = { id: newMessageId(msecs), source, message: received }
      const decoded = decodeAhead(arrival, this.#desk.understanding().city)
      this.#waiting.push({ decoded, resolve, reject })
      this.#pumping ??= this.#pump()
    })
  }

  /** Refuses what comes from now on; resolves when all that waits is settled. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#pumping
  }

  async #pump(): Promise<void> {
    // Messages that arrived in the same turn of the event loop travel together even when the gateway is idle.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const batch = this.#next()
      const began = performance.now()
      try {
        const receipts = await commit(
          batch.map(({ decoded }) => decoded),
          this.#desk,
        )
        batch.forEach(({ resolve }, i) => {
          resolve(receipts[i] as Receipt)
        })
        this.#observer.committed(batch.length, (performance.now() - began) / 1000)
      } catch (error) {
        this.#observer.failed(batch.length)
        this.#log.error({ messages: batch.length, reason: describe(error) }, 'messages refused, nothing stored')
        const refusal =
          error instanceof GatewayError
            ? error
            : new GatewayError('STORE_UNAVAILABLE', describe(error), { cause: error })
        for (const { reject } of batch) reject(refusal)
      }
    }
    this.#pumping = null
  }

  /** The oldest that fit into one transaction by number and by bytes, and always one. */
  #next(): Waiting[] {
    const { batch: most, batchBytes } = this.#options
    let count = 0
    let bytes = 0
    for (const { decoded } of this.#waiting) {
      const size = decoded.arrival.message.raw.length
      if (count === most || (count > 0 && bytes + size > batchBytes)) break
      count++
      bytes += size
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }
}
