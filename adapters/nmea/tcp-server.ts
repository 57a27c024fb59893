import { createServer, type Server, type Socket } from 'node:net'
import type { Adapter, AdapterContext } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import type { Clock } from './clock.ts'
import { Strangers } from './intake.ts'
import { Link } from './link.ts'
import type { TcpServerOptions } from './options.ts'
import { plainAddress } from './subject.ts'

/** Listens for receivers that connect: vehicle modems, serial servers in client mode. */
export class NmeaTcpServer implements Adapter {
  readonly #options: TcpServerOptions
  readonly #context: AdapterContext
  readonly #clock: Clock
  readonly #strangers = new Strangers()
  readonly #links = new Set<Link>()
  #server: Server | null = null

  constructor(options: TcpServerOptions, context: AdapterContext, clock: Clock) {
    this.#options = options
    this.#context = context
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { host, port, maxConnections } = this.#options
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket))
    server.maxConnections = maxConnections
    server.on('drop', (data) => this.#context.refused('too many connections', { peer: data?.remoteAddress }))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new GatewayError('LINK_LISTEN', `NMEA tcp ${host}:${port}`, { cause: error })),
      )
      server.listen(port, host, resolve)
    })
    server.on('error', (error) => this.#context.report({ state: 'down', reason: describe(error) }))
    this.#server = server
    const address = server.address()
    const bound = typeof address === 'object' && address !== null ? address.port : port
    this.#context.report({ state: 'listening', at: `tcp://${host}:${bound}` })
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    const closed = server === null ? null : new Promise((resolve) => server.close(resolve))
    for (const link of this.#links) link.close('the gateway is stopping')
    await Promise.all([...this.#links].map((link) => link.closed))
    await closed
    if (server !== null) this.#context.report({ state: 'stopped' })
  }

  #connected(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress ?? '')
    const { log } = this.#context
    log.info({ peer, port: socket.remotePort }, 'nmea connection opened')
    const link = new Link({
      options: this.#options,
      context: this.#context,
      clock: this.#clock,
      strangers: this.#strangers,
      stream: socket,
      reset: () => socket.resetAndDestroy(),
      peer,
    })
    this.#links.add(link)
    socket.setKeepAlive(true, 60_000)
    socket.setTimeout(this.#options.idleAfter, () => {
      if (!link.busy) link.close('silent for too long')
    })
    void link.closed.then((reason) => {
      this.#links.delete(link)
      log.info({ peer, reason }, 'nmea connection closed')
    })
  }
}
