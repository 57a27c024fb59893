import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { SourceEpoch } from './nmea-vehicle.ts'
import { seeded } from './seeded.ts'

/** `tcp` connects as a vehicle's modem does; `tcp-listen` waits for readers as a serial server does. */
export interface SourceTarget {
  readonly transport: 'tcp' | 'udp' | 'tcp-listen'
  readonly host: string
  readonly port: number
  /** The line with which a connection says who it is; TCP only. */
  readonly hello?: string
}

export interface SourceSetup {
  readonly target: SourceTarget
  readonly epochs: Iterable<SourceEpoch>
  /** 1 is as recorded, 10 ten times as fast; `null` as fast as it is taken. */
  readonly speed: number | null
  readonly seed?: number
  /** Share of epochs that get lost on the way, 0 to 1. */
  readonly loss?: number
  /** Share of epochs that are sent twice. */
  readonly duplication?: number
  /** Longest delay of an epoch, in milliseconds. */
  readonly delayMs?: number
}

export interface SentEpoch extends SourceEpoch {
  readonly fate: 'sent' | 'sent twice' | 'lost'
}

interface Sink {
  readonly port: number
  write(bytes: Buffer): Promise<void>
  close(): Promise<void>
}

const longestPauseMs = 10_000

/** Plays epochs to a listener, or to whoever connects, and keeps its own record of what it did. */
export class NmeaSource {
  readonly sent: SentEpoch[] = []
  readonly #setup: SourceSetup
  readonly #stopping = new AbortController()
  #sink: Sink | null = null
  #playing: Promise<void> = Promise.resolve()

  constructor(setup: SourceSetup) {
    this.#setup = setup
  }

  /** Connects or listens, and begins to play. Rejects when it cannot. */
  async start(): Promise<number> {
    const sink = await openSink(this.#setup.target, this.#stopping.signal)
    this.#sink = sink
    this.#playing = this.#play(sink).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) throw error
    })
    // Whoever waits for `finished` sees the error; before that it is no unhandled one.
    this.#playing.catch(() => {})
    return sink.port
  }

  /** Resolves when all is played and the connection is closed. */
  async finished(): Promise<void> {
    await this.#playing
    await this.#sink?.close()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#playing.catch(() => {})
    await this.#sink?.close()
  }

  async #play(sink: Sink): Promise<void> {
    const { epochs, speed, seed = 1, loss = 0, duplication = 0, delayMs = 0 } = this.#setup
    const random = seeded(seed)
    let before: number | null = null
    for (const epoch of epochs) {
      const gapMs = before === null || speed === null ? 0 : (epoch.atMs - before) / speed
      before = epoch.atMs
      await this.#pause(Math.min(longestPauseMs, gapMs + random() * delayMs))
      const fate = random() < loss ? 'lost' : random() < duplication ? 'sent twice' : 'sent'
      if (fate !== 'lost') await sink.write(epoch.bytes)
      if (fate === 'sent twice') await sink.write(epoch.bytes)
      this.sent.push({ ...epoch, fate })
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#stopping.signal.throwIfAborted()
    if (ms > 0) await wait(ms, undefined, { signal: this.#stopping.signal })
  }
}

function openSink(target: SourceTarget, signal: AbortSignal): Promise<Sink> {
  if (target.transport === 'udp') return openUdp(target)
  return target.transport === 'tcp' ? openTcp(target) : listenTcp(target, signal)
}

async function openTcp({ host, port, hello }: SourceTarget): Promise<Sink> {
  const socket = connect({ host, port })
  await once(socket, 'connect')
  // A listener that closes the connection is an outcome, not a crash.
  socket.on('error', () => {})
  if (hello !== undefined) await send(socket, Buffer.from(`${hello}\r\n`))
  return { port, write: (bytes) => send(socket, bytes), close: () => finish(socket) }
}

async function openUdp({ host, port }: SourceTarget): Promise<Sink> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  return {
    port,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, port, host, (error) => (error === null ? resolve() : reject(error)))
      }),
    close: () => new Promise((resolve) => socket.close(resolve)),
  }
}

/** The first reader starts the play. */
async function listenTcp({ host, port }: SourceTarget, signal: AbortSignal): Promise<Sink> {
  const readers = new Set<Socket>()
  const server = createServer((socket) => {
    readers.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => readers.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    write: async (bytes) => {
      if (readers.size === 0) await once(server, 'connection', { signal })
      await Promise.all([...readers].map((reader) => send(reader, bytes)))
    },
    close: async () => {
      await Promise.all([...readers].map(finish))
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function send(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) throw new Error('the connection is closed')
  if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
}

/** A far end that never closes its side is left after five seconds. */
async function finish(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = once(socket, 'close')
  const patience = setTimeout(() => socket.destroy(), 5000)
  socket.end()
  socket.resume()
  await closed
  clearTimeout(patience)
}
