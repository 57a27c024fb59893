import { connect, type Socket } from 'node:net'
import type { Adapter, AdapterContext } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Clock } from './clock.ts'
import { Strangers } from './intake.ts'
import { Link } from './link.ts'
import type { TcpClientOptions } from './options.ts'

/** Connects to a serial server, a multiplexer or gpsd. Once: when the link is lost the supervisor starts it again. */
export class NmeaTcpClient implements Adapter {
  readonly #options: TcpClientOptions
  readonly #context: AdapterContext
  readonly #clock: Clock
  readonly #strangers = new Strangers()
  #link: Link | null = null
  #connecting: Socket | null = null

  constructor(options: TcpClientOptions, context: AdapterContext, clock: Clock) {
    this.#options = options
    this.#context = context
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { host, port, gpsdWatch, idleAfter } = this.#options
    const socket = await this.#connect()
    const link = new Link({
      options: this.#options,
      context: this.#context,
      clock: this.#clock,
      strangers: this.#strangers,
      stream: socket,
      reset: () => socket.resetAndDestroy(),
      peer: host,
    })
    this.#link = link
    socket.setKeepAlive(true, 60_000)
    socket.setTimeout(idleAfter, () => {
      if (!link.busy) link.close('silent for too long')
    })
    if (gpsdWatch === 'raw') socket.write('?WATCH={"enable":true,"raw":1};\n')
    this.#context.report({ state: 'connected', to: `tcp://${host}:${port}` })
    void link.closed.then((reason) => {
      if (this.#link === link) this.#context.report({ state: 'down', reason })
    })
  }

  async stop(atOnce?: AbortSignal): Promise<void> {
    this.#connecting?.destroy(new Error('the gateway is stopping'))
    const link = this.#link
    this.#link = null
    const leave = () => link?.leave('another gateway is to have the link')
    if (atOnce?.aborted === true) leave()
    atOnce?.addEventListener('abort', leave)
    link?.close('the gateway is stopping')
    await link?.closed
    atOnce?.removeEventListener('abort', leave)
    if (link !== null) this.#context.report({ state: 'stopped' })
  }

  async #connect(): Promise<Socket> {
    const { host, port, connectWithin } = this.#options
    const socket = connect({ host, port, allowHalfOpen: true })
    this.#connecting = socket
    const callOff = this.#clock.after(connectWithin, () => socket.destroy(new Error('no answer in time')))
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
      })
      return socket
    } catch (error) {
      throw new GatewayError('LINK_CONNECT', `NMEA tcp ${host}:${port}`, { cause: error })
    } finally {
      callOff()
      socket.removeAllListeners('connect').removeAllListeners('error')
      this.#connecting = null
    }
  }
}
