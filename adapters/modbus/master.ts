import type { Duplex } from 'node:stream'
import modbusSerial from 'modbus-serial'
import type { Framing } from './framing.ts'
import { decodeAnswer, type ReadRequest } from './pdu.ts'
import type { Outcome } from './poll.ts'
import { BusPort } from './port.ts'

// A CommonJS module whose types say `default`: what Node imports is the class itself.
const ModbusClient = modbusSerial as unknown as typeof modbusSerial.default

/**
 * modbus-serial's client on a port of ours: the library writes requests, waits, and tells exceptions from answers. It does
 * not reconnect, takes an exception from whatever unit it comes, and does not compare the length that an answer says
 * with the one that was asked for; the port and the check here do. One request at a time.
 */
export class Master {
  readonly #client: InstanceType<typeof ModbusClient>
  readonly #port: BusPort
  #ended: ((reason: string) => void) | null = null

  constructor(stream: Duplex, framing: Framing, timeoutMs: number) {
    this.#port = new BusPort(stream, framing)
    this.#client = new ModbusClient(this.#port)
    this.#client.setTimeout(timeoutMs)
    this.#client.open()
    this.#port.once('close', () => this.#ended?.('the link was lost'))
  }

  get heardMs(): number {
    return this.#port.heardMs
  }

  /** Never rejects. */
  async read(unit: number, request: ReadRequest): Promise<Outcome> {
    const failure = await this.#ask(unit, request)
    // When this process was busy the timer comes before the bytes that wait to be read: they are read now.
    if (failure !== null) await new Promise((resolve) => setImmediate(resolve))
    const { pdu, strays } = this.#port.settle()
    const also = strays.length === 0 ? '' : ` (${strays.join('; ')})`
    if (pdu === null) return { request, is: 'silent', fault: `${failure ?? 'no answer'}${also}` }
    try {
      const { length } = decodeAnswer(request, pdu)
      if (length === pdu.length) return { request, is: 'answered', pdu }
      return { request, is: 'garbled', fault: `${pdu.length - length} bytes more than the answer says` }
    } catch (error) {
      return { request, is: 'garbled', fault: error instanceof Error ? error.message : String(error) }
    }
  }

  close(): void {
    this.#ended?.('the gateway is stopping')
    this.#client.destroy(() => {})
  }

  /** Resolves with what went wrong in the library's words, or `null`. */
  #ask(unit: number, { fn, address, count }: ReadRequest): Promise<string | null> {
    return new Promise((resolve) => {
      this.#ended = resolve
      const done = (error: Error | null) => resolve(error === null ? null : error.message.toLowerCase())
      if (fn === 1) this.#client.writeFC1(unit, address, count, done)
      else if (fn === 2) this.#client.writeFC2(unit, address, count, done)
      else if (fn === 3) this.#client.writeFC3(unit, address, count, done)
      else this.#client.writeFC4(unit, address, count, done)
    })
  }
}
