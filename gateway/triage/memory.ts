import type { AlarmMemory } from './incident-state.ts'
import type { ReadingMemory } from './readings.ts'

/**
 * What triage remembers of a subject between two messages. JSON as it stands, and small: it is written with every
 * batch. Never mutated; a newer memory replaces it whole.
 */
export interface SubjectMemory {
  /** The newest accepted fix by its own time. */
  readonly last: RememberedFix | null
  /** The accepted fixes that came last, late ones among them, oldest arrival first. */
  readonly recent: readonly RememberedFix[]
  /** Somewhere else that refused fixes insist on; believed once they are enough. */
  readonly jump: { readonly fix: RememberedFix; readonly count: number } | null
  /** By the rule's id. */
  readonly rules: Readonly<Record<string, RuleState>>
  /** Of a camera or sensor. */
  readonly alarms?: AlarmMemory
  /** Of a sensor that is read. */
  readonly readings?: ReadingMemory
}

/** time in ms, latitude and longitude in WGS-84 degrees, accuracy in metres */
export type RememberedFix = readonly [atMs: number, latitude: number, longitude: number, accuracyM: number | null]

export interface RuleState {
  /** Fixes up to here were evaluated; they are never evaluated again. */
  readonly untilMs: number
  /** It has held without a break from here. */
  readonly sinceMs: number | null
  readonly fired: boolean
  /** After it fired: it has not held, without a break, from here. */
  readonly clearSinceMs: number | null
  /** standing: the place that the vehicle has not left. */
  readonly anchor: readonly [latitude: number, longitude: number] | null
}

export const blankMemory: SubjectMemory = { last: null, recent: [], jump: null, rules: {} }
