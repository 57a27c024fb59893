import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { describe } from '../../gateway/errors.ts'
import { type Frame, Framing, type Header } from './framing.ts'
import { PendingRequests, type Response } from './pending-requests.ts'
import { commandId, encodeNack, encodePdu, encodeResponse, isResponse, statusOf } from './session-pdus.ts'

export type { Response } from './pending-requests.ts'

/** What is done with what a session cannot settle by itself. */
export interface SessionHandler {
  /** Any request but enquire_link and unbind. To be answered with `respond`. */
  request(header: Header, raw: Buffer): void
  /** The stream cannot be cut any more; generic_nack is on its way and the session ends. */
  unframed(reason: string, raw: Buffer): void
  /** A response to nothing, or to what was given up. */
  stray(header: Header): void
  /** Resolves when every request that was handed over is answered. */
  settled(): Promise<void>
}

export interface SessionSetup {
  readonly socket: Socket
  readonly handler: SessionHandler
  readonly longestPdu: number
  /** After so much silence the far end is asked whether it is there. */
  readonly enquireEveryMs: number
  /** A far end that says nothing at all for so long after a request is down. */
  readonly responseTimeoutMs: number
}

const invalidLength = statusOf('ESME_RINVCMDLEN')

/** Octets that a far end may leave unread before nothing more is read of it. */
const mostUnread = 1024 * 1024

/** How long a connection that is ended may take to say that it is. */
const lingerMs = 1000

/**
 * One connection that speaks SMPP, whichever side dialled. node-smpp's session is not used: it never times a request
 * out, never fails those that are pending when its socket dies, leaves back-pressure to nobody, and calls a listener for
 * `error` or ends the process.
 */
export class Session {
  /** Resolves with the reason when the connection is gone. Never rejects. */
  readonly closed: Promise<string>
  readonly #setup: SessionSetup
  readonly #framing: Framing
  readonly #pending: PendingRequests
  #resolveClosed: (reason: string) => void = () => {}
  #reason: string | null = null
  /** Nothing more is read: the far end or this side has said good-bye. */
  #ending = false
  #farewell: string | null = null
  #farEnded = false
  #held = false
  #heldSinceMs = 0
  #heldMs = 0
  #heardMs = 0
  #blocked: NodeJS.Timeout | null = null
  #outgoing: Buffer[] = []
  #reading = false
  #enquiring: NodeJS.Timeout | null = null
  #enquiry: Promise<unknown> | null = null

  constructor(setup: SessionSetup) {
    this.#setup = setup
    this.#framing = new Framing(setup.longestPdu)
    this.#pending = new PendingRequests(setup.responseTimeoutMs, {
      nowMs: () => this.#nowMs(),
      heardMs: () => this.#heardMs,
      silent: () => this.close(`silent for ${setup.responseTimeoutMs} ms after a request`),
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const { socket } = setup
    socket.on('error', (error) => this.close(describe(error)))
    socket.on('close', () => this.close(this.#farewell ?? 'the far end closed'))
    socket.on('end', () => {
      this.#farEnded = true
      this.#read()
    })
    socket.on('drain', () => this.#unblock())
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = this.#nowMs()
      if (this.#ending) return
      this.#framing.push(chunk)
      this.#read()
    })
    this.#heardMs = this.#nowMs()
    this.#enquireIn(setup.enquireEveryMs)
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#pending.size
  }

  get open(): boolean {
    return this.#reason === null && !this.#ending && this.#setup.socket.writable
  }

  set longestPdu(octets: number) {
    this.#framing.longest = octets
  }

  /**
   * Sends a request under the next number. `null`: certainly nothing was sent. Rejects with LINK_LOST when there is no
   * answer in time or the link dies; whether the far end has it is then unknown.
   */
  request(pdu: Buffer): Promise<Response> | null {
    return this.open ? this.#pending.add(pdu, (numbered) => this.#write(numbered)) : null
  }

  respond(pdu: Buffer): void {
    if (this.#reason === null && this.#setup.socket.writable) this.#write(pdu)
  }

  /** While held the socket is not read, and what the far end may have answered meanwhile is not overdue. */
  hold(held: boolean): void {
    if (held === this.#held) return
    if (held) this.#heldSinceMs = performance.now()
    else this.#heldMs += performance.now() - this.#heldSinceMs
    this.#held = held
    this.#read()
  }

  /** Says unbind, waits for the answer for so long, and ends the connection. */
  async unbind(withinMs: number): Promise<void> {
    const answer = this.request(encodePdu('unbind', 0))
    if (answer !== null) await within(answer, withinMs)
    this.end('unbound')
    await within(this.closed, lingerMs)
  }

  /** Ends the connection after what was written; what still comes is not read. */
  end(reason: string): void {
    if (this.#reason !== null) return
    this.#ending = true
    this.#farewell ??= reason
    const { socket } = this.#setup
    // A socket that is destroyed with octets unread resets the connection, and the last answer may die on the way.
    this.#flush()
    socket.resume()
    socket.end()
    const timer = setTimeout(() => this.close(reason), lingerMs)
    socket.once('end', () => this.close(reason))
    void this.closed.then(() => clearTimeout(timer))
  }

  /** Cuts the connection. */
  close(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (this.#enquiring !== null) clearTimeout(this.#enquiring)
    if (this.#blocked !== null) clearTimeout(this.#blocked)
    this.#setup.socket.destroy()
    this.#pending.fail(reason)
    this.#resolveClosed(reason)
  }

  #nowMs(): number {
    return (this.#held ? this.#heldSinceMs : performance.now()) - this.#heldMs
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#readable) {
        const frame = this.#framing.next()
        if (frame === null) break
        this.#take(frame)
      }
    } finally {
      this.#reading = false
    }
    const { socket } = this.#setup
    if (this.#ending || this.#reason !== null) return
    if (!this.#readable) socket.pause()
    else if (this.#farEnded) void this.#leave(null, 'the far end closed')
    else if (socket.isPaused()) socket.resume()
  }

  get #readable(): boolean {
    return !this.#held && this.#blocked === null && !this.#ending && this.#reason === null
  }

  #take(frame: Frame): void {
    if (frame.kind === 'bad') {
      this.respond(encodeNack(frame.sequence, invalidLength))
      this.#ending = true
      this.#setup.handler.unframed(frame.reason, frame.raw)
      void this.#leave(null, frame.reason)
      return
    }
    const { header, raw } = frame
    if (isResponse(header.id)) {
      if (!this.#pending.settle(header, raw)) this.#setup.handler.stray(header)
    } else if (header.id === commandId.enquire_link) this.respond(encodeResponse(header.id, header.sequence))
    else if (header.id === commandId.unbind) {
      void this.#leave(encodeResponse(header.id, header.sequence), 'the far end unbound')
    } else this.#setup.handler.request(header, raw)
  }

  /** What was taken is answered before the connection ends. */
  async #leave(lastWord: Buffer | null, reason: string): Promise<void> {
    this.#ending = true
    await this.#setup.handler.settled()
    if (lastWord !== null) this.respond(lastWord)
    this.end(reason)
  }

  /** Answers of one commit leave in one write. */
  #write(pdu: Buffer): void {
    this.#outgoing.push(pdu)
    if (this.#outgoing.length === 1) process.nextTick(() => this.#flush())
  }

  #flush(): void {
    const { socket, responseTimeoutMs } = this.#setup
    const [only, ...more] = this.#outgoing
    this.#outgoing = []
    if (only === undefined || this.#reason !== null) return
    socket.write(more.length === 0 ? only : Buffer.concat([only, ...more]))
    if (socket.writableLength <= mostUnread || this.#blocked !== null) return
    this.#blocked = setTimeout(() => this.close('does not read what it is sent'), responseTimeoutMs)
    this.#read()
  }

  #unblock(): void {
    if (this.#blocked === null) return
    clearTimeout(this.#blocked)
    this.#blocked = null
    this.#read()
  }

  #enquireIn(ms: number): void {
    if (this.#reason === null) this.#enquiring = setTimeout(() => this.#enquire(), Math.max(1, ms))
  }

  #enquire(): void {
    const { enquireEveryMs } = this.#setup
    const quietMs = this.#nowMs() - this.#heardMs
    if (quietMs < enquireEveryMs || this.#held || this.#enquiry !== null) {
      this.#enquireIn(quietMs < enquireEveryMs ? enquireEveryMs - quietMs : enquireEveryMs)
      return
    }
    // The link's end is told by `closed`; an answer that is late is one that came.
    this.#enquiry = (this.request(encodePdu('enquire_link', 0)) ?? Promise.resolve())
      .catch(() => {})
      .finally(() => {
        this.#enquiry = null
      })
    this.#enquireIn(enquireEveryMs)
  }
}

/** Whichever comes first: the end of the promise, however it ends, or of the time. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.catch(() => {}), over])
  clearTimeout(timer)
}
