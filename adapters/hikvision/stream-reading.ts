import type { IncomingMessage } from 'node:http'
import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import { AlertSequence } from './alert-messages.ts'
import type { MultipartStream } from './multipart-stream.ts'

export interface ReadingOf {
  readonly response: IncomingMessage
  readonly pieces: MultipartStream
  /** Milliseconds without a heartbeat or an alarm. */
  readonly idle: number
  /** Messages that are being stored at a time; the response is not read beyond. */
  readonly window: number
  readonly accept: AdapterContext['accept']
  /** The stream has ended by itself, or something of it could not be stored. Once, and not after `end`. */
  down(reason: string): void
}

/** One answer that never ends, from its head to its loss. */
export class StreamReading {
  readonly #of: ReadingOf
  readonly #alerts = new AlertSequence()
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #over = false

  constructor(of: ReadingOf) {
    this.#of = of
    const { response } = of
    response.on('data', (chunk: Buffer) => this.#take(chunk))
    response.on('error', (error) => this.#down(describe(error)))
    response.on('close', () => this.#down('the device ended the stream'))
    this.#lives()
  }

  end(): void {
    this.#over = true
    this.#rest()
    this.#of.response.destroy()
  }

  /** Resolves when all that was taken is stored, or not stored. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #take(chunk: Buffer): void {
    if (this.#over) return
    const found = this.#of.pieces.push(chunk)
    if (found.length > 0) this.#lives()
    for (const piece of found) {
      const message = this.#alerts.inbound(piece)
      if (message !== null && !this.#over) this.#store(message)
    }
    if (this.#underWay.size < this.#of.window || this.#over) return
    // What waits for the store is no silence of the device's.
    this.#of.response.pause()
    this.#rest()
  }

  #store(message: Inbound): void {
    const stored: Promise<void> = this.#of.accept(message).then(
      () => {
        this.#underWay.delete(stored)
        this.#readOn()
      },
      (error: unknown) => {
        this.#underWay.delete(stored)
        this.#down(`an alarm was not stored: ${describe(error)}`)
      },
    )
    this.#underWay.add(stored)
  }

  #readOn(): void {
    const { response, window } = this.#of
    if (this.#over || !response.isPaused() || this.#underWay.size >= window) return
    this.#lives()
    response.resume()
  }

  /** A part has come: bytes alone are no sign of life. */
  #lives(): void {
    const { idle } = this.#of
    this.#rest()
    this.#timer = setTimeout(() => this.#down(`no heartbeat for ${idle} ms`), idle)
  }

  #rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #down(reason: string): void {
    if (this.#over) return
    this.end()
    this.#of.down(reason)
  }
}
