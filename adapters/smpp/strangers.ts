/** Addresses that are remembered; beyond these nothing is kept. */
const mostStrangers = 1024

/** Who sent octets that are no PDU and had not bound: one row a day for each, so that a scanner fills no table. */
export class Strangers {
  readonly #seen = new Set<string>()
  #day = ''

  first(remote: string, now: Date): boolean {
    const day = now.toISOString().slice(0, 10)
    if (day !== this.#day) this.#seen.clear()
    this.#day = day
    if (this.#seen.has(remote) || this.#seen.size >= mostStrangers) return false
    this.#seen.add(remote)
    return true
  }
}
