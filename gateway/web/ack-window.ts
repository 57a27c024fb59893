interface Held {
  /** `null` for a message that is not to be acknowledged. */
  readonly messageId: number | null
  stored: boolean
}

/**
 * Messages that are being stored, acknowledged in the order in which they came (MQTT-4.6.0-2), however their commits
 * end. While the window is full the next message is not asked for.
 */
export class AckWindow {
  readonly #size: number
  readonly #acknowledge: (messageId: number) => void
  readonly #held: Held[] = []
  readonly #waiting: (() => void)[] = []
  #underWay = 0
  #broken = false
  #open = true

  constructor(size: number, acknowledge: (messageId: number) => void) {
    this.#size = size
    this.#acknowledge = acknowledge
  }

  get open(): boolean {
    return this.#open
  }

  /** `next` is called when the following message may come. */
  add(messageId: number | null, stored: Promise<unknown>, next: () => void): void {
    const held: Held = { messageId, stored: false }
    this.#held.push(held)
    this.#underWay++
    const full = this.#underWay >= this.#size
    if (!full) next()
    stored
      .then(
        () => this.#settle(held),
        () => this.close(),
      )
      .finally(() => {
        this.#underWay--
        if (full) next()
        if (this.#underWay === 0) for (const drained of this.#waiting.splice(0)) drained()
      })
  }

  #settle(held: Held): void {
    held.stored = true
    while (this.#held[0]?.stored) {
      const { messageId } = this.#held.shift() ?? held
      if (messageId !== null && !this.#broken) this.#acknowledge(messageId)
    }
  }

  /** After a message that was not stored nothing is acknowledged any more, and nothing taken. */
  close(): void {
    this.#broken = true
    this.#open = false
  }

  /** Takes nothing more; resolves when all that was taken is stored and acknowledged, or not stored. */
  async drain(): Promise<void> {
    this.#open = false
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
