import type { AedesOptions, Client } from 'aedes'
import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { quote } from '../../gateway/errors.ts'
import { mayPublish, Refused } from './broker-access.ts'
import { bytesOf, inbound } from './inbound.ts'
import type { Peer } from './peer.ts'
import { readTopic } from './topics.ts'

type Publish = Parameters<NonNullable<AedesOptions['authorizePublish']>>[1]
type Answer = (error?: Error | null) => void

/** The limits that concern single publishes. */
export interface IntakeLimits {
  readonly payload: number
  readonly inFlight: number
}

/** The one place where the broker hands messages in, and where a client's PUBACK is held until they are stored. */
export class BrokerIntake {
  readonly #context: AdapterContext
  readonly #limits: IntakeLimits
  readonly #peerOf: (client: Client) => Peer | null
  #open = true
  #underWay = 0
  readonly #waiting: (() => void)[] = []

  constructor(context: AdapterContext, limits: IntakeLimits, peerOf: (client: Client) => Peer | null) {
    this.#context = context
    this.#limits = limits
    this.#peerOf = peerOf
  }

  /**
   * aedes writes PUBACK before its publish hooks run; authorizePublish is the last step that can still hold it back.
   * While it is held nothing more is read from that socket, and an error in the answer drops it, so that the client
   * sends again. Wills come through here too, and a QoS 2 publish comes again on redelivery. A synchronous throw would
   * end the process.
   */
  readonly authorizePublish: NonNullable<AedesOptions['authorizePublish']> = (client, packet, answer) => {
    try {
      const peer = client === null ? null : this.#peerOf(client)
      if (client === null || peer === null) answer(new Refused('closed'))
      else this.#publish(client, peer, packet, answer)
    } catch (error) {
      this.#context.log.error({ err: error }, 'mqtt publish failed before it was accepted')
      answer(new Refused('failed'))
    }
  }

  #publish(client: Client, peer: Peer, packet: Publish, answer: Answer): void {
    const refusal = this.#refusal(peer, packet.topic)
    if (refusal !== null) {
      answer(refusal)
      return
    }
    // The client is closed already when aedes publishes its will.
    const message = inbound(bytesOf(packet.payload), {
      topic: packet.topic,
      bridge: peer.identity?.role === 'bridge' ? peer.identity.device : null,
      will: client.closed,
      maxPayloadBytes: this.#limits.payload,
    })
    if (!isRetainable(packet)) packet.retain = false
    peer.inFlight++
    this.#underWay++
    this.#context.accept(message).then(
      () => this.#settle(peer, answer, null),
      (error: unknown) => this.#settle(peer, answer, this.#notStored(peer, message, error)),
    )
  }

  #settle(peer: Peer, answer: Answer, error: Error | null): void {
    peer.inFlight--
    this.#underWay--
    answer(error)
    if (this.#underWay === 0) for (const drained of this.#waiting.splice(0)) drained()
  }

  #refusal(peer: Peer, topic: string): Refused | null {
    if (!this.#open) return new Refused('stopping')
    const { identity } = peer
    if (identity === null || !mayPublish(identity, topic)) {
      this.#context.refused('a publish on what is not its own', { ...peer.fields(), topic: quote(topic) })
      return new Refused('not its own')
    }
    if (peer.inFlight >= this.#limits.inFlight) {
      this.#context.refused('too many publishes at once', { ...peer.fields(), inFlight: peer.inFlight })
      return new Refused('too many publishes at once')
    }
    return null
  }

  #notStored(peer: Peer, message: Inbound, error: unknown): Error {
    this.#context.log.warn({ ...peer.fields(), key: message.key, err: error }, 'mqtt publish not stored, link dropped')
    return new Refused('not stored')
  }

  open(): void {
    this.#open = true
  }

  /** Takes nothing more, and resolves when all that was taken is stored or refused. */
  async drain(): Promise<void> {
    this.#open = false
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/** Only what a subscriber can make sense of later is kept for it. */
function isRetainable(packet: Publish): boolean {
  if (!packet.retain) return true
  const topic = readTopic(packet.topic)
  return topic !== null && (topic.scheme === 'owntracks' || topic.direction === 'up')
}
