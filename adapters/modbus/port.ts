import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { crc16 } from './crc.ts'
import { encodeTcp, type Framing, seekRtu, seekTcp, type Wanted } from './framing.ts'

/** More than any answer; what is older than this is no part of one. */
const mostHeld = 1024

/**
 * A port as modbus-serial's client knows ports: it is given requests in RTU's form and gives answers back in it. The
 * library's own ports keep every byte that was no answer, so that half a frame or one that came late spoils all that
 * follow, and on RTU a late answer is handed to whoever asks the same unit next. This one looks for the answer to the
 * request that is out, drops the rest, and says what it dropped.
 */
export class BusPort extends EventEmitter {
  // The library pairs requests with answers by these. With one request out at a time it is always the same pair; the
  // transaction ids on the wire are this port's own.
  _transactionIdRead = 1
  _transactionIdWrite = 1
  readonly #stream: Duplex
  readonly #framing: Framing
  #transaction = 0
  #wanted: Wanted | null = null
  #held: Buffer = Buffer.alloc(0)
  #answer: Buffer | null = null
  #strays: string[] = []
  #open = true
  /** When anything was heard last. */
  heardMs = performance.now()

  constructor(stream: Duplex, framing: Framing) {
    super()
    this.#stream = stream
    this.#framing = framing
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('close', () => {
      this.#open = false
      this.emit('close')
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  open(callback: (error: Error | null) => void): void {
    callback(null)
  }

  /** The library's `destroy` comes here, and unlike its `close` ends the timer of the request that is out. */
  destroy(): void {
    this.#stream.destroy()
  }

  /** Called by the library with unit, PDU and CRC. */
  write(frame: Buffer): void {
    const [unit = 0, fn = 0] = frame
    this.#transaction = (this.#transaction % 0xffff) + 1
    this.#wanted = { transaction: this.#transaction, unit, fn }
    this.#answer = null
    this.#strays = []
    this.#held = Buffer.alloc(0)
    this.#stream.write(this.#framing === 'tcp' ? encodeTcp(this.#transaction, unit, frame.subarray(1, -2)) : frame)
  }

  /** The request that was out is given up or answered: its PDU, and what else came meanwhile. */
  settle(): { readonly pdu: Buffer | null; readonly strays: readonly string[] } {
    const heard = { pdu: this.#answer, strays: this.#strays }
    if (this.#answer === null && this.#held.length > 0)
      heard.strays.push(`${this.#held.length} bytes that are no whole answer`)
    this.#wanted = null
    this.#held = Buffer.alloc(0)
    return heard
  }

  #read(chunk: Buffer): void {
    this.heardMs = performance.now()
    const wanted = this.#wanted
    if (wanted === null || this.#answer !== null) {
      this.emit('stray', chunk.length)
      return
    }
    const all = Buffer.concat([this.#held, chunk])
    const seek = this.#framing === 'tcp' ? seekTcp : seekRtu
    const { pdu, strays, rest } = seek(all, wanted)
    this.#strays.push(...strays.slice(0, 4 - this.#strays.length))
    this.#held = rest.subarray(-mostHeld)
    if (pdu === null) return
    this.#answer = Buffer.from(pdu)
    const body = Buffer.concat([Buffer.from([wanted.unit]), pdu])
    const crc = crc16(body)
    this.emit('data', Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]))
  }
}
