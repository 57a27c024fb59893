import type { City } from '../city/city.ts'
import type { Report } from '../report.ts'
import type { Findings } from './findings.ts'
import type { TriageLimits } from './limits.ts'
import type { SubjectMemory } from './memory.ts'

export type { FilterReason } from './filters.ts'
export { filterReasons } from './filters.ts'
export type { AcceptedPosition, Filtered, Findings, TaskAnswer } from './findings.ts'
export { defaultLimits, type TriageLimits } from './limits.ts'
export type { RememberedFix, RuleState, SubjectMemory } from './memory.ts'

/** The message whose reports are triaged. */
export interface TriageMessage {
  readonly id: string
  readonly receivedAt: Date
  readonly channel: string
  readonly adapter: string
}

/**
 * Positions, intents and answers out of one message's reports. Pure but for `memories`, the working set of a batch:
 * a subject's memory is read from it and the new one put back. Never throws; malformed reports are left out.
 */
export function triage(
  _message: TriageMessage,
  _reports: readonly Report[],
  _city: City,
  _memories: Map<string, SubjectMemory>,
  _newId: () => string,
  _limits: TriageLimits,
): Findings {
  return { positions: [], intents: [], answers: [], presences: [], receipts: [], filtered: [] }
}
