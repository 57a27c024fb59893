/** Keys that one session was acknowledged, and when; the oldest are forgotten. */
const mostRemembered = 10_000

/** A centre that had an answer asks no more: within this time it may still be the same one that crossed it. */
const crossingMs = 60_000

/**
 * SMPP gives a message no identity, so its key is its content, and that holds for as long as a centre may deliver it
 * again. But a centre that was answered on this very session has no reason to: the same text from the same sender after
 * that is somebody who asks again, and is owed an answer.
 */
export class Acknowledged {
  readonly #atMs = new Map<string, number>()

  add(key: string, nowMs: number): void {
    this.#atMs.delete(key)
    this.#atMs.set(key, nowMs)
    if (this.#atMs.size <= mostRemembered) return
    for (const oldest of this.#atMs.keys()) {
      this.#atMs.delete(oldest)
      return
    }
  }

  /** Whether the same content now is certainly another message. */
  another(key: string, nowMs: number): boolean {
    const atMs = this.#atMs.get(key)
    return atMs !== undefined && nowMs - atMs > crossingMs
  }
}
