import type { Peer } from './peer.ts'

/** Which connected clients stand for a device's name. */
export class PeersByName {
  readonly #peers = new Map<string, Set<Peer>>()

  add(name: string, peer: Peer): void {
    const peers = this.#peers.get(name)
    if (peers === undefined) this.#peers.set(name, new Set([peer]))
    else peers.add(peer)
  }

  remove(name: string, peer: Peer): void {
    const peers = this.#peers.get(name)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peers.delete(name)
  }

  has(name: string): boolean {
    return this.#peers.has(name)
  }

  of(name: string): readonly Peer[] {
    return [...(this.#peers.get(name) ?? [])]
  }
}
