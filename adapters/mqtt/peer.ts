import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import { GatewayError } from '../../gateway/errors.ts'
import type { Role } from './credentials.ts'
import { FrameScanner } from './frame-scanner.ts'
import { limitUnread } from './unread.ts'

/** Before a CONNECT is believed a frame may hold its five strings of 64 KiB at most, and no payload of a stranger. */
const strangerFrameBytes = 6 * 64 * 1024

/** How a client came in, and what its transport already proves. */
export interface Entrance {
  readonly via: 'tcp' | 'tls' | 'websocket'
  readonly remote: string
  /** The common name of a client certificate that was believed. */
  readonly certified: string | null
  readonly loopback: boolean
}

export interface Identity {
  readonly device: string
  readonly role: Role
}

/** How much of a client is read, and kept for it, at most. */
export interface PeerLimits {
  readonly frame: number
  readonly unread: number
}

/** One connected client: who it is, what it asked for, and the notices it has not acknowledged yet. */
export class Peer {
  readonly entrance: Entrance
  readonly socket: Duplex
  client: Client | null = null
  identity: Identity | null = null
  /** Topic of the will of its CONNECT, checked together with its password. */
  willTopic: string | null = null
  /** Publishes handed to the gateway that are not stored yet. */
  inFlight = 0
  /** Down filters it is subscribed to, each with the addressee it speaks for. */
  readonly addressees = new Map<string, string>()
  /** Devices whose own words it may have subscribed to. */
  readonly heard = new Set<string>()
  readonly #awaited = new Map<number, (error: GatewayError | null) => void>()

  constructor(
    socket: Duplex,
    entrance: Entrance,
    limits: PeerLimits,
    refused: (reason: string, fields: Record<string, unknown>) => void,
  ) {
    this.socket = socket
    this.entrance = entrance
    const scanner = new FrameScanner((packetId) => this.#awaited.get(packetId)?.(null))
    const read = socket.read.bind(socket)
    // aedes takes its bytes with read(); nothing else stands between it and a frame of 256 MiB.
    socket.read = (size?: number) => {
      const chunk: Buffer | null = read(size)
      if (chunk === null) return null
      const bytes = scanner.oversize(chunk, this.identity === null ? strangerFrameBytes : limits.frame)
      if (bytes === null) return chunk
      refused('an mqtt frame too large to read', { ...this.fields(), bytes, limit: limits.frame })
      socket.destroy()
      return null
    }
    limitUnread(socket, limits.unread, (bytes) =>
      refused('an mqtt client that does not read', { ...this.fields(), bytes, limit: limits.unread }),
    )
    socket.once('close', () => this.#lost())
  }

  get name(): string {
    return this.identity?.device ?? 'unknown'
  }

  /** Fields that say in a log who is meant. */
  fields(): Record<string, unknown> {
    return { device: this.name, remote: this.entrance.remote, via: this.entrance.via }
  }

  /** Resolves with the client's PUBACK. Rejects when none came in time or the connection is lost: outcome unknown. */
  deliver(topic: string, payload: Buffer, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const packetId = this.#freePacketId()
      const timer = setTimeout(() => settle(unknown(this.name, `no PUBACK in ${timeoutMs} ms`)), timeoutMs)
      const settle = (error: GatewayError | null): void => {
        clearTimeout(timer)
        this.#awaited.delete(packetId)
        if (error === null) resolve()
        else reject(error)
      }
      this.#awaited.set(packetId, settle)
      if (this.socket.destroyed) settle(unknown(this.name, 'the connection is lost'))
      else this.socket.write(publishFrame(topic, packetId, payload))
    })
  }

  #lost(): void {
    for (const settle of [...this.#awaited.values()]) settle(unknown(this.name, 'the connection was lost'))
  }

  /**
   * aedes counts its own packet identifiers up from `_nextId`; half the space away from there the two never meet, so a
   * PUBACK means one message only.
   */
  #freePacketId(): number {
    const next = (this.client as unknown as { _nextId?: number } | null)?._nextId ?? 0
    let id = ((next + 32_768) % 65_535) + 1
    while (this.#awaited.has(id)) id = (id % 65_535) + 1
    return id
  }
}

function unknown(device: string, why: string): GatewayError {
  return new GatewayError('LINK_LOST', `mqtt device ${device}: ${why}; whether it has the notice is unknown`)
}

/** A PUBLISH of QoS 1 (MQTT 3.1.1, 3.3). aedes' own publish tells nobody which packet identifier it chose. */
export function publishFrame(topic: string, packetId: number, payload: Buffer): Buffer {
  const name = Buffer.from(topic)
  const variable = Buffer.alloc(2 + name.length + 2)
  variable.writeUInt16BE(name.length, 0)
  name.copy(variable, 2)
  variable.writeUInt16BE(packetId, 2 + name.length)
  return Buffer.concat([Buffer.from([0x32, ...remainingLength(variable.length + payload.length)]), variable, payload])
}

function remainingLength(bytes: number): number[] {
  const low = bytes % 128
  const rest = Math.floor(bytes / 128)
  return rest === 0 ? [low] : [low | 0x80, ...remainingLength(rest)]
}
