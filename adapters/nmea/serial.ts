import { SerialPort } from 'serialport'
import type { Adapter, AdapterContext } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Clock } from './clock.ts'
import { Strangers } from './intake.ts'
import { Link } from './link.ts'
import type { SerialOptions } from './options.ts'

/** Reads a receiver on a serial port of this machine. */
export class NmeaSerial implements Adapter {
  readonly #options: SerialOptions
  readonly #context: AdapterContext
  readonly #clock: Clock
  readonly #strangers = new Strangers()
  #link: Link | null = null

  constructor(options: SerialOptions, context: AdapterContext, clock: Clock) {
    this.#options = options
    this.#context = context
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { path, baudRate } = this.#options
    const port = new SerialPort({ path, baudRate, autoOpen: false })
    await new Promise<void>((resolve, reject) => {
      port.open((error) => {
        if (error === null || error === undefined) resolve()
        else reject(new GatewayError('LINK_CONNECT', `NMEA serial port ${path}`, { cause: error }))
      })
    })
    const link = new Link({
      options: this.#options,
      context: this.#context,
      clock: this.#clock,
      strangers: this.#strangers,
      stream: port,
      reset: () => port.destroy(),
      peer: path,
    })
    this.#link = link
    this.#context.report({ state: 'connected', to: path })
    void link.closed.then((reason) => {
      if (this.#link === link) this.#context.report({ state: 'down', reason })
    })
  }

  async stop(): Promise<void> {
    const link = this.#link
    this.#link = null
    link?.close('the gateway is stopping')
    await link?.closed
    if (link !== null) this.#context.report({ state: 'stopped' })
  }
}
