const minuteMs = 60_000
/** Enough to see who comes and why; metrics count them all. */
const linesPerMinute = 20

export interface RefusalLogParts {
  /** Milliseconds; only differences matter. */
  readonly now: () => number
  /** One that is logged in full. */
  readonly line: (reason: string, fields: Record<string, unknown>) => void
  /** After a minute in which a reason came more often: how many of it had no line. */
  readonly rest: (reason: string, count: number) => void
}

interface Window {
  readonly sinceMs: number
  lines: number
  unlogged: number
}

/**
 * Keeps a crowd of strangers from filling the log: of each reason the first twenty of a minute have a line of their
 * own, and the others are one line with their number once the minute is over. It has no timer: the owner calls `sweep`
 * now and then, and `close` at the end, so that the last number is said too.
 */
export class RefusalLog {
  readonly #parts: RefusalLogParts
  readonly #windows = new Map<string, Window>()

  constructor(parts: RefusalLogParts) {
    this.#parts = parts
  }

  add(reason: string, fields: Record<string, unknown>): void {
    this.sweep()
    const window = this.#windows.get(reason) ?? { sinceMs: this.#parts.now(), lines: 0, unlogged: 0 }
    this.#windows.set(reason, window)
    if (window.lines === linesPerMinute) {
      window.unlogged++
      return
    }
    window.lines++
    this.#parts.line(reason, fields)
  }

  /** Says what the minutes that are over left unsaid. */
  sweep(): void {
    const now = this.#parts.now()
    for (const [reason, { sinceMs }] of this.#windows) if (now - sinceMs >= minuteMs) this.#end(reason)
  }

  close(): void {
    for (const reason of [...this.#windows.keys()]) this.#end(reason)
  }

  #end(reason: string): void {
    const unlogged = this.#windows.get(reason)?.unlogged ?? 0
    this.#windows.delete(reason)
    if (unlogged > 0) this.#parts.rest(reason, unlogged)
  }
}
