import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Adapter, AdapterContext, AdapterKind } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { Bus } from './bus.ts'
import { openLink } from './links.ts'
import { Master } from './master.ts'
import { farEndOf, type ModbusOptions, modbusOptions } from './options.ts'
import { decode } from './readings.ts'
import { Teller } from './teller.ts'

/** One bus of sensors: a TCP connection, a serial line, or RTU over TCP. The gateway asks; nobody is acknowledged. */
export const modbus: AdapterKind<ModbusOptions> = {
  kind: 'modbus',
  channel: 'sensor',
  options: modbusOptions,
  exclusive: () => true,
  decode,
  create: (options, context) => new ModbusBus(options, context),
}

/** So many requests in a row unanswered, and nothing heard for so long: the connection may be dead without a word. */
const deadAfter = { requests: 3, ms: 10_000 }

interface Running {
  readonly stream: Duplex
  readonly master: Master
  readonly done: Promise<void>
}

class ModbusBus implements Adapter {
  readonly #options: ModbusOptions
  readonly #context: AdapterContext
  readonly #teller: Teller
  readonly #bus: Bus
  #stopping = new AbortController()
  #running: Running | null = null
  #opening: Promise<unknown> | null = null

  constructor(options: ModbusOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#teller = new Teller(options, context, randomBytes(6).toString('hex'))
    this.#bus = new Bus(options, (poll) => this.#teller.take(poll))
  }

  async start(): Promise<void> {
    const stopping = new AbortController()
    this.#stopping = stopping
    const opening = openLink(this.#options, stopping.signal)
    this.#opening = opening.catch(() => {})
    const stream = await opening.catch((error: unknown) => this.#unreachable(error, stopping.signal))
    if (stopping.signal.aborted) {
      stream.destroy()
      throw new GatewayError('LINK_CONNECT', 'Modbus: the gateway is stopping')
    }
    // Its errors are followed by 'close', which does all there is to do.
    let reason = 'the far end closed'
    stream.on('error', (error) => {
      reason = describe(error)
    })
    const master = new Master(stream, this.#options.transport === 'tcp' ? 'tcp' : 'rtu', this.#options.timeout)
    const gone = () => stream.destroyed || this.#seemsDead(master)
    this.#context.report({ state: 'connected', to: farEndOf(this.#options) })
    const done = this.#bus.run(master, stopping.signal, gone).then(() => {
      if (stopping.signal.aborted) return
      this.#context.report({ state: 'down', reason: stream.destroyed ? reason : 'nobody on the bus answers' })
    })
    this.#running = { stream, master, done }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#opening
    const running = this.#running
    this.#running = null
    running?.master.close()
    await running?.done
    await this.#teller.settled()
    if (running !== null) this.#context.report({ state: 'stopped' })
  }

  /** Sensors that cannot be asked are silent, too. */
  #unreachable(error: unknown, signal: AbortSignal): never {
    if (!signal.aborted) this.#bus.unreachable(causeOf(error))
    throw error
  }

  /** A serial line has nobody who could be gone; a TCP connection is made anew. */
  #seemsDead(master: Master): boolean {
    if (this.#options.transport === 'serial') return false
    const unheardMs = performance.now() - master.heardMs
    return this.#bus.unanswered >= deadAfter.requests && unheardMs > Math.max(deadAfter.ms, this.#options.timeout * 3)
  }
}

const causeOf = (error: unknown): string =>
  describe(error instanceof Error && error.cause !== undefined ? error.cause : error)
