/** So many a second, and as many at once after a quiet second. 0: no limit. */
export class Allowance {
  readonly #perSecond: number
  readonly #nowMs: () => number
  #left: number
  #atMs: number

  constructor(perSecond: number, nowMs: () => number) {
    this.#perSecond = perSecond
    this.#nowMs = nowMs
    this.#left = Math.max(1, perSecond)
    this.#atMs = nowMs()
  }

  /** Takes one, where there is one. */
  take(): boolean {
    if (this.#perSecond === 0) return true
    const nowMs = this.#nowMs()
    const most = Math.max(1, this.#perSecond)
    this.#left = Math.min(most, this.#left + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
