/**
 * The part of a bus's time that may be spent on waiting for units that do not answer. It grows with time and is spent by
 * time-outs; while there is none, silent units wait, and those that answer keep their pace.
 */
export class SilenceCredit {
  readonly #share: number
  readonly #mostMs: number
  #ms: number
  #sinceMs: number

  constructor(share: number, mostMs: number, nowMs: number) {
    this.#share = share
    this.#mostMs = mostMs
    this.#ms = mostMs
    this.#sinceMs = nowMs
  }

  /** When there is credit again. */
  readyMs(nowMs: number): number {
    this.#grow(nowMs)
    return this.#ms >= 0 ? nowMs : nowMs + -this.#ms / this.#share
  }

  spend(ms: number, nowMs: number): void {
    this.#grow(nowMs)
    // When many fall silent at once the rest of the day is not theirs to pay for it.
    this.#ms = Math.max(this.#ms - ms, -this.#mostMs)
  }

  #grow(nowMs: number): void {
    this.#ms = Math.min(this.#mostMs, this.#ms + (nowMs - this.#sinceMs) * this.#share)
    this.#sinceMs = nowMs
  }
}
