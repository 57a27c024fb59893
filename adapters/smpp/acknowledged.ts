/** Keys that are remembered; the oldest are forgotten. */
const mostRemembered = 10_000

/** Within this time a message may have crossed the answer to itself. */
const crossingMs = 60_000

/** A session as far as it matters here. */
export interface Holding {
  readonly open: boolean
}

/**
 * What one far end was told is stored, and on which session. SMPP gives a message no identity, so its key is its content,
 * and that holds for as long as a centre may deliver it again. But one that was answered on a session that still holds
 * has had the answer: the same words from the same sender after that are somebody who asks again and is owed an answer.
 */
export class Acknowledged {
  readonly #byKey = new Map<string, { readonly atMs: number; readonly session: Holding }>()

  add(key: string, atMs: number, session: Holding): void {
    this.#byKey.delete(key)
    this.#byKey.set(key, { atMs, session })
    if (this.#byKey.size <= mostRemembered) return
    for (const oldest of this.#byKey.keys()) {
      this.#byKey.delete(oldest)
      return
    }
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }

  /** Whether the same content now is certainly another message. */
  another(key: string, nowMs: number): boolean {
    const before = this.#byKey.get(key)
    return before?.session.open === true && nowMs - before.atMs > crossingMs
  }
}

/** By account: binds of one account are one centre's, and what it was answered on one it need not send on another. */
const byAccount = new Map<string, Acknowledged>()

export function acknowledgedOf(account: string): Acknowledged {
  const known = byAccount.get(account) ?? new Acknowledged()
  byAccount.set(account, known)
  return known
}
