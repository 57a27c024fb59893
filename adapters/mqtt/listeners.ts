import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { type BrokerOptions, tlsFiles } from './broker-options.ts'
import type { Entrance } from './peer.ts'

/** What is done with a client that has come in, and with one that could not. */
export interface Door {
  enter(socket: Duplex, entrance: Entrance): void
  refused(reason: string, fields: Record<string, unknown>): void
  /** A listener that had opened has failed. */
  failed(error: Error): void
}

/** Something that listens; closing it lets nobody in any more and leaves those inside alone. */
export interface Listener {
  readonly at: string
  close(): void
}

// As many may knock at the same moment as the kernel queues (net.core.somaxconn).
const backlog = 4096

export async function openTcp(options: Exclude<BrokerOptions['tcp'], 'off'>, door: Door): Promise<Listener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 })
  server.on('connection', (socket) => door.enter(socket, entranceOf(socket, 'tcp', null)))
  return await listen(server, options, 'mqtt', door)
}

export async function openTls(options: Exclude<BrokerOptions['tls'], 'off'>, door: Door): Promise<Listener> {
  const { clientCertificates } = options
  const server = createTlsServer({
    ...tlsFiles(options),
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'required',
    handshakeTimeout: 10_000,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  })
  server.on('secureConnection', (socket) => {
    const certified = commonName(socket)
    if (certified !== null && !socket.authorized) {
      door.refused('a client certificate that is not believed', {
        commonName: certified,
        remote: socket.remoteAddress,
        reason: String(socket.authorizationError),
      })
      socket.destroy()
    } else door.enter(socket, entranceOf(socket, 'tls', clientCertificates === 'none' ? null : certified))
  })
  server.on('tlsClientError', (error, socket) => {
    door.refused('a tls handshake that failed', { remote: socket.remoteAddress, reason: describe(error) })
  })
  return await listen(server, options, 'mqtts', door)
}

function commonName(socket: TLSSocket): string | null {
  const name = socket.getPeerCertificate()?.subject?.CN
  return typeof name === 'string' ? name : null
}

function entranceOf(socket: Socket, via: Entrance['via'], certified: string | null): Entrance {
  const remote = socket.remoteAddress ?? 'unknown'
  return { via, remote, certified, loopback: /^(::ffff:)?127\.|^::1$/.test(remote) }
}

function listen(server: Server, at: { host: string; port: number }, scheme: string, door: Door): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new GatewayError('LINK_LISTEN', describe(error), { cause: error })))
    server.listen({ host: at.host, port: at.port, backlog }, () => {
      server.removeAllListeners('error')
      server.on('error', (error) => door.failed(error))
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : at.port
      resolve({ at: `${scheme}://${at.host}:${port}`, close: () => server.close() })
    })
  })
}

/**
 * MQTT over WebSocket (MQTT 3.1.1, 6) at one path of the gateway's HTTP server; other paths are left to others. Behind a
 * proxy every client seems to come from this machine, so `loopback` is never true here.
 */
export function openWebSocket(http: HttpServer, path: string, maxPayload: number, door: Door): Listener {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((known) => offered.has(known)) ?? false,
  })
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if ((request.url ?? '').split('?', 1)[0] !== path) return
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const remote = request.socket.remoteAddress ?? 'unknown'
      door.enter(createWebSocketStream(webSocket), { via: 'websocket', remote, certified: null, loopback: false })
    })
  }
  http.on('upgrade', upgrade)
  return { at: `ws:${path}`, close: () => http.off('upgrade', upgrade) }
}
