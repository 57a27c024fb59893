import type { Socket } from 'node:net'
import { Framing, type Header } from '../adapters/smpp/framing.ts'
import {
  commandId,
  encodePdu,
  encodeResponse,
  isResponse,
  numbered,
  statusName,
} from '../adapters/smpp/session-pdus.ts'

/** One PDU as it came. */
export interface Heard {
  readonly header: Header
  readonly raw: Buffer
}

const longestPdu = 16 * 1024 * 1024

/** The far end of one SMPP connection: the gateway's own framing, and no more manners than are asked of it. */
export class SmppFarEnd {
  readonly closed: Promise<void>
  /** Responses to nothing. */
  readonly strays: Heard[] = []
  readonly #socket: Socket
  readonly #framing = new Framing(longestPdu)
  readonly #waiting = new Map<number, { resolve: (heard: Heard) => void; reject: (error: Error) => void }>()
  #sequence = 0

  /** @param request what to do with everything that wants an answer, but enquire_link; absent: it is not answered */
  constructor(socket: Socket, request: (heard: Heard) => void) {
    this.#socket = socket
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the link was lost'))
        this.#waiting.clear()
        resolve()
      })
    })
    socket.on('data', (chunk: Buffer) => {
      this.#framing.push(chunk)
      for (let frame = this.#framing.next(); frame !== null; frame = this.#framing.next()) {
        if (frame.kind === 'bad') socket.destroy()
        else if (isResponse(frame.header.id)) this.#response(frame)
        else if (frame.header.id === commandId.enquire_link)
          this.send(encodeResponse(frame.header.id, frame.header.sequence))
        else request(frame)
      }
    })
  }

  get open(): boolean {
    return this.#socket.writable && !this.#socket.destroyed
  }

  /** Under the next number. Rejects when the link dies first. */
  request(pdu: Buffer): Promise<Heard> {
    const sequence = ++this.#sequence
    return new Promise((resolve, reject) => {
      if (!this.open) {
        reject(new Error('the link was lost'))
        return
      }
      this.#waiting.set(sequence, { resolve, reject })
      this.send(numbered(Buffer.from(pdu), sequence))
    })
  }

  /** Octets as they are, under whatever number they have. */
  send(octets: Buffer): void {
    if (this.open) this.#socket.write(octets)
  }

  /** The next octets are not read until `read` again. */
  pause(): void {
    this.#socket.pause()
  }

  async unbind(): Promise<void> {
    await this.request(encodePdu('unbind', 0)).catch(() => {})
    this.#socket.end()
    await this.closed
  }

  vanish(): void {
    this.#socket.destroy()
  }

  #response(heard: Heard): void {
    const waiting = this.#waiting.get(heard.header.sequence)
    this.#waiting.delete(heard.header.sequence)
    if (waiting === undefined) this.strays.push(heard)
    else waiting.resolve(heard)
  }
}

export const statusOfHeard = ({ header }: Heard): string => statusName(header.status)
