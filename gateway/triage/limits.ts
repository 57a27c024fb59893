/** What triage believes and what it does not. Every number can be set in the configuration. */
export interface TriageLimits {
  /** A subject that would have to be faster than this between two fixes has not been at both places. */
  readonly maxSpeedKmh: number
  /** So many newer fixes that agree with each other are believed, however far they are from the last place. */
  readonly jumpFixes: number
  /** A device's clock may be ahead of the gateway's by this much. */
  readonly futureMs: number
  /** A position older than this at its receipt is not taken. */
  readonly oldestMs: number
  /** A form whose device time is older than this at its receipt gets the time of receipt instead. */
  readonly oldestFormMs: number
  /** A fix older than its report by more than this is stale. */
  readonly staleFixMs: number
  /** A satellite fix less accurate than this is no better than none. */
  readonly worstAccuracyM: number
  /** A circle wider than this names no unit grid and no community: unit grids are about 100 m wide. */
  readonly gridClaimM: number
  /** Where satellites and cells disagree, accuracy is widened up to this. */
  readonly widestM: number
  /** So many fixes of a subject are remembered, to know duplicates. */
  readonly rememberedFixes: number
  /** Silence longer than this counts neither for nor against a vehicle rule. */
  readonly ruleGapMs: number
}

export const defaultLimits: TriageLimits = {
  maxSpeedKmh: 200,
  jumpFixes: 3,
  futureMs: 5 * 60_000,
  oldestMs: 30 * 86_400_000,
  oldestFormMs: 365 * 86_400_000,
  staleFixMs: 2 * 60_000,
  worstAccuracyM: 1000,
  gridClaimM: 100,
  widestM: 5000,
  rememberedFixes: 8,
  ruleGapMs: 5 * 60_000,
}
