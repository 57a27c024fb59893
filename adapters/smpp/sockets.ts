import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, connect as dialTls } from 'node:tls'
import { describe, GatewayError } from '../../gateway/errors.ts'

export interface TlsFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

const pem = ({ ca, cert, key }: TlsFiles) => ({
  ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
  ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
  ...(key === undefined ? {} : { key: readFileSync(key) }),
})

export interface Dialling {
  readonly host: string
  readonly port: number
  readonly tls: (TlsFiles & { readonly servername?: string | undefined }) | null
  readonly withinMs: number
  /** Ends an attempt under way. */
  readonly signal: AbortSignal
}

/** A connection that is up, TLS and all. Rejects with LINK_CONNECT, and then nothing is open. */
export async function openSocket({ host, port, tls, withinMs, signal }: Dialling): Promise<Socket> {
  // Half open, so that what was taken is still answered when the far end has said its last word.
  const at = { host, port, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
  const socket =
    tls === null
      ? dial(at)
      : dialTls({ ...at, ...pem(tls), ...(tls.servername === undefined ? {} : { servername: tls.servername }) })
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${withinMs} ms`)), withinMs)
  const abort = () => socket.destroy(new Error('stopped meanwhile'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) throw new Error('stopped meanwhile')
    await once(socket, tls === null ? 'connect' : 'secureConnect')
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw new GatewayError('LINK_CONNECT', `smpp ${host}:${port}: ${describe(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

export interface Door {
  readonly host: string
  readonly port: number
  readonly tls: (TlsFiles & { readonly clientCertificates: 'none' | 'required' }) | null
  readonly maxConnections: number
  entered(socket: Socket): void
  refused(reason: string, fields: Record<string, unknown>): void
  /** A listener that was open has failed. */
  failed(error: Error): void
}

/** Rejects with LINK_LISTEN. */
export async function openServer(door: Door): Promise<{ server: Server; at: string }> {
  const { host, port, tls } = door
  const server = tls === null ? createServer(socketOptions) : secureServer(tls, door)
  server.maxConnections = door.maxConnections
  server.on('drop', (data) => door.refused('too many connections', { remote: data?.remoteAddress }))
  server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => door.entered(socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new GatewayError('LINK_LISTEN', `smpp ${host}:${port}: ${describe(error)}`, { cause: error })),
    )
    server.listen(port, host, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', (error) => door.failed(error))
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return { server, at: `${tls === null ? 'smpp' : 'smpps'}://${host}:${bound}` }
}

const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

function secureServer(tls: NonNullable<Door['tls']>, door: Door): Server {
  const required = tls.clientCertificates === 'required'
  const server = createTlsServer({
    ...socketOptions,
    // A handshake that fails on a half-open socket is counted as a connection for ever, and close never ends.
    allowHalfOpen: false,
    ...pem(tls),
    requestCert: required,
    rejectUnauthorized: required,
    handshakeTimeout: 10_000,
  })
  server.on('tlsClientError', (error, socket) =>
    door.refused('a tls handshake that failed', { remote: socket.remoteAddress, reason: describe(error) }),
  )
  return server
}
