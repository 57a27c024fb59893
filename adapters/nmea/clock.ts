/** Time as the links see it; tests bring their own. */
export interface Clock {
  now(): Date
  /** Calls once after `ms`; the function it returns calls it off. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
