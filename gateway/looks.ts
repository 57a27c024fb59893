/** Work that is done every now and then, never twice at once: `work` catches what it can say in words of its own. */
export class Looks<Result> {
  readonly #work: () => Promise<Result>
  readonly #everyMs: number
  #timer: NodeJS.Timeout | null = null
  #underWay: Promise<Result> | null = null

  constructor(work: () => Promise<Result>, everyMs: number) {
    this.#work = work
    this.#everyMs = everyMs
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#everyMs)
  }

  /** Waits for a look that is under way. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await this.#underWay
  }

  /** One look; calls during one wait for it. */
  look(): Promise<Result> {
    this.#underWay ??= this.#work().finally(() => {
      this.#underWay = null
    })
    return this.#underWay
  }
}
