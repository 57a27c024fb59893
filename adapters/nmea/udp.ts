import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Adapter, AdapterContext } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { Assembly, refusal } from './assembly.ts'
import type { Clock } from './clock.ts'
import { Intake, Strangers } from './intake.ts'
import type { UdpOptions } from './options.ts'
import { introduce, plainAddress } from './subject.ts'

interface Peer {
  readonly intake: Intake
  lastMs: number
}

/**
 * Takes datagrams. Nobody can be told to wait or to send again, so what is lost here (the store is slow, or refuses) is
 * counted as refused.
 */
export class NmeaUdp implements Adapter {
  readonly #options: UdpOptions
  readonly #context: AdapterContext
  readonly #clock: Clock
  readonly #strangers = new Strangers()
  readonly #peers = new Map<string, Peer>()
  readonly #strangerRows = new Set<Promise<void>>()
  #socket: Socket | null = null
  #sweep: (() => void) | null = null

  constructor(options: UdpOptions, context: AdapterContext, clock: Clock) {
    this.#options = options
    this.#context = context
    this.#clock = clock
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close()
        reject(new GatewayError('LINK_LISTEN', `NMEA udp ${host}:${port}`, { cause: error }))
      })
      socket.bind(port, host, resolve)
    })
    socket.removeAllListeners('error')
    socket.on('error', (error) => this.#context.report({ state: 'down', reason: describe(error) }))
    socket.on('message', (bytes, from) => this.#received(bytes, from))
    this.#socket = socket
    this.#sweepLater()
    this.#context.report({ state: 'listening', at: `udp://${host}:${socket.address().port}` })
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = null
    this.#sweep?.()
    this.#sweep = null
    socket?.removeAllListeners('message')
    await Promise.all([...this.#peers.values()].map((peer) => peer.intake.end()))
    this.#peers.clear()
    await Promise.all(this.#strangerRows)
    if (socket === null) return
    await new Promise<void>((resolve) => socket.close(resolve))
    this.#context.report({ state: 'stopped' })
  }

  #received(bytes: Buffer, from: RemoteInfo): void {
    const name = `${from.address} ${from.port}`
    const peer = this.#peers.get(name) ?? this.#newPeer(name, plainAddress(from.address), bytes)
    if (peer === null) return
    peer.lastMs = this.#clock.now().getTime()
    if (peer.intake.underWay < this.#options.window) peer.intake.datagram(bytes)
    else this.#context.refused('datagram lost: too much is waiting to be stored', { peer: from.address })
  }

  #newPeer(name: string, address: string, bytes: Buffer): Peer | null {
    const talker = introduce(this.#options.subject, address)
    const { refused } = this.#context
    if (this.#peers.size >= this.#options.maxPeers) {
      refused('too many senders', { peer: address })
      return null
    }
    if (talker === 'stranger' || talker === 'hello') {
      refused('an unknown peer', { peer: address })
      this.#recordStranger(address, bytes)
      return null
    }
    const intake = new Intake({
      assembly: new Assembly(talker, address, this.#options.checksum),
      context: this.#context,
      clock: this.#clock,
      strangers: this.#strangers,
      peer: address,
      quietAfterMs: this.#options.quietAfter,
      moved: () => {},
      failed: (reason) => refused('message lost: not stored', { peer: address, reason }),
    })
    const peer = { intake, lastMs: 0 }
    this.#peers.set(name, peer)
    return peer
  }

  #recordStranger(address: string, bytes: Buffer): void {
    const now = this.#clock.now()
    if (!this.#strangers.first(address, now)) return
    const row = this.#context.accept(refusal(address, address, bytes, now)).then(
      () => {},
      (error: unknown) => this.#context.refused('message lost: not stored', { peer: address, reason: describe(error) }),
    )
    this.#strangerRows.add(row)
    void row.finally(() => this.#strangerRows.delete(row))
  }

  #sweepLater(): void {
    this.#sweep = this.#clock.after(this.#options.idleAfter, () => {
      const oldest = this.#clock.now().getTime() - this.#options.idleAfter
      for (const [name, peer] of this.#peers) {
        if (peer.lastMs < oldest && peer.intake.underWay === 0) this.#peers.delete(name)
      }
      this.#sweepLater()
    })
  }
}
