import type { Client, Subscription } from 'aedes'
import type { AdapterContext, OutboundNotice, Sent } from '../../gateway/adapter.ts'
import { encodeDown } from './codec.ts'
import type { Peer } from './peer.ts'
import { PeersByName } from './peers-by-name.ts'
import { covers } from './topics.ts'

/** Who can be reached now, through which of the connected clients, and what is sent to them. */
export class BrokerNotices {
  readonly #context: AdapterContext
  readonly #ackTimeoutMs: number
  readonly #peerOf: (client: Client) => Peer | null
  readonly #reachable = new PeersByName()

  constructor(context: AdapterContext, ackTimeoutMs: number, peerOf: (client: Client) => Peer | null) {
    this.#context = context
    this.#ackTimeoutMs = ackTimeoutMs
    this.#peerOf = peerOf
  }

  /** Where an addressee has several links, one that acknowledges is enough. */
  async send(notice: OutboundNotice): Promise<Sent> {
    const { topic, payload } = encodeDown(notice)
    const peers = this.#reachable
      .of(notice.addressee)
      .filter((peer) => [...peer.addressees.keys()].some((filter) => covers(filter, topic)))
    if (peers.length === 0) return 'absent'
    try {
      await Promise.any(peers.map((peer) => peer.deliver(topic, payload, this.#ackTimeoutMs)))
      return 'delivered'
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    }
  }

  readonly subscribed = (subscriptions: readonly Subscription[], client: Client): void => {
    this.#arrived(
      client,
      subscriptions.map(({ topic }) => topic),
    )
  }

  /** A resumed session has its subscriptions without asking for them again. */
  readonly resumed = (client: Client): void => {
    this.#arrived(client, [...(this.#peerOf(client)?.addressees.keys() ?? [])])
  }

  #arrived(client: Client, filters: readonly string[]): void {
    const peer = this.#peerOf(client)
    if (peer === null || peer.socket.destroyed) return
    for (const addressee of new Set(filters.map((filter) => peer.addressees.get(filter)))) {
      if (addressee === undefined) continue
      this.#reachable.add(addressee, peer)
      this.#context.arrived(addressee)
    }
  }

  readonly unsubscribed = (filters: readonly string[], client: Client): void => {
    const peer = this.#peerOf(client)
    for (const filter of filters) {
      const addressee = peer?.addressees.get(filter)
      peer?.addressees.delete(filter)
      if (peer === null || addressee === undefined) continue
      if (![...peer.addressees.values()].includes(addressee)) this.#reachable.remove(addressee, peer)
    }
  }

  left(peer: Peer): void {
    for (const addressee of peer.addressees.values()) this.#reachable.remove(addressee, peer)
  }
}
