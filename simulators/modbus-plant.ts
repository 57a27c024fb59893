import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { encodeRtu, encodeTcp, type Framing, splitRequests } from '../adapters/modbus/framing.ts'
import { dataBytes, decodeRequest, encodeAnswer, encodeException, isBits } from '../adapters/modbus/pdu.ts'
import { type Fault, ModbusUnit } from './modbus-unit.ts'

/**
 * A plant of Modbus units behind one address or on one line: it answers reads as its units would, and misbehaves on
 * command. A unit that is not there is silent, as on a serial line.
 */
export class ModbusPlant {
  readonly units = new Map<number, ModbusUnit>()
  /** Requests as they came, of all units: one at a time is how a bus is asked. */
  mostUnderWay = 0
  #underWay = 0
  readonly #streams = new Set<Duplex>()
  readonly #servers = new Set<Server>()
  readonly #timers = new Set<NodeJS.Timeout>()

  unit(number: number): ModbusUnit {
    const known = this.units.get(number) ?? new ModbusUnit(number)
    this.units.set(number, known)
    return known
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#streams.size
  }

  /** Listens on loopback; resolves with the port. */
  async listen(transport: 'tcp' | 'rtu-over-tcp' = 'tcp', port = 0): Promise<number> {
    const server = createServer((socket: Socket) =>
      this.attach(socket.setNoDelay(), transport === 'tcp' ? 'tcp' : 'rtu'),
    )
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    this.#servers.add(server)
    return (server.address() as AddressInfo).port
  }

  /** Answers on a line that somebody else has opened. */
  attach(stream: Duplex, framing: Framing): void {
    let held: Buffer = Buffer.alloc(0)
    this.#streams.add(stream)
    stream.on('error', () => {})
    stream.on('close', () => this.#streams.delete(stream))
    stream.on('data', (chunk: Buffer) => {
      const { requests, rest } = splitRequests(Buffer.concat([held, chunk]), framing)
      held = rest.subarray(-512)
      for (const { unit, pdu, transaction } of requests) this.#asked(stream, framing, unit, pdu, transaction)
    })
  }

  /** Cuts every connection, as a power cut does. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.cut()
    const servers = [...this.#servers]
    this.#servers.clear()
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #asked(stream: Duplex, framing: Framing, number: number, pdu: Buffer, transaction: number): void {
    const unit = this.units.get(number)
    if (unit === undefined) return
    unit.asked++
    if (unit.deaf.has(pdu[0] ?? 0)) return
    const read = decodeRequest(pdu)
    const { fault } = unit
    const answer =
      'code' in read
        ? encodeException(pdu[0] ?? 0, read.code)
        : fault?.is === 'exception'
          ? encodeException(read.request.fn, fault.code)
          : fault?.is === 'short'
            ? encodeAnswer(read.request.fn, Buffer.alloc(isBits(read.request.fn) ? 1 : dataBytes(read.request) - 2))
            : unit.answer(read.request)
    const frames = spoilt(framing, number, answer, transaction, fault)
    if (frames === null) return
    const send = () => {
      this.#underWay--
      unit.answered++
      unit.answeredMs.push(performance.now())
      if (!stream.destroyed) stream.write(frames)
    }
    this.#underWay++
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay)
    if (fault?.is !== 'late') {
      send()
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      send()
    }, fault.ms)
    this.#timers.add(timer)
  }
}

/** The answer as it goes out under a fault; `null`: not at all. */
function spoilt(framing: Framing, unit: number, pdu: Buffer, transaction: number, fault: Fault | null): Buffer | null {
  const frame = (from: number, number: number) =>
    framing === 'tcp' ? encodeTcp(number, from, pdu) : encodeRtu(from, pdu)
  switch (fault?.is) {
    case 'dead':
      return null
    case 'half-frame':
      return frame(unit, transaction).subarray(0, Math.ceil(frame(unit, transaction).length / 2))
    case 'wrong-unit':
      return frame(unit === 247 ? 1 : unit + 1, transaction)
    case 'wrong-transaction':
      return frame(unit, (transaction + 17) & 0xffff)
    case 'wrong-crc': {
      const bytes = frame(unit, transaction)
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 0xff
      return bytes
    }
    case 'garbage':
      return Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')
    default:
      return frame(unit, transaction)
  }
}
