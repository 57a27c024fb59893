import type { CaseIntent, Location, Urgency } from '../case-intent.ts'
import type { AlarmRule } from '../city/city.ts'
import type { AlarmReport } from '../report.ts'

/**
 * What is remembered of the incidents of one camera or sensor. JSON as it stands, and bounded: it is written with every
 * batch. Never mutated. Two clocks: `At`/`Ms` of the device where it is possible, `heard` of the gateway.
 */
export interface AlarmMemory {
  readonly incidents: readonly IncidentState[]
  /** By key: what is known of a condition that is no incident. */
  readonly marks: Readonly<Record<string, ConditionMark>>
}

export interface ConditionMark {
  /** It holds since before anybody listened: its end will be no news. */
  readonly held: boolean
  /** Its last end; a beginning from before that came late, and is over. */
  readonly endedMs: number | null
  readonly heardMs: number
}

export type IncidentFlag = 'chattering' | 'stuck' | 'unmapped' | 'storm'

export interface IncidentState {
  readonly id: string
  /** Part, and category or event: signals of one key that are near in time are one incident. */
  readonly key: string
  readonly of: AlarmReport['of']
  readonly adapter: string
  readonly channel: string
  /** The word that weighs most so far: its rule is the incident's. */
  readonly event: string
  readonly part: string | null
  readonly category: AlarmRule['category']
  readonly urgency: Urgency
  readonly openedMs: number
  readonly openedOrigin: 'device' | 'gateway'
  readonly lastMs: number
  readonly heardFromMs: number
  readonly heardMs: number
  /** What has begun and not ended: the occurrence, or the event where the source gives none. */
  readonly running: readonly string[]
  /** Occurrences that have ended: what comes of them late begins nothing. */
  readonly ended: readonly string[]
  /** The last end, by the device's clock: what is older and comes late begins nothing either. */
  readonly endedMs: number | null
  readonly raisedMs: number | null
  readonly events: readonly string[]
  readonly signals: number
  /** Beginnings and ends within a minute. */
  readonly minute: { readonly fromMs: number; readonly changes: number }
  /** The timeline's line that repeats are counted in. */
  readonly line: { readonly id: string; readonly fromMs: number; readonly signals: number } | null
  readonly flags: readonly IncidentFlag[]
  readonly value: number | null
  readonly unit: string | null
  /** Of one that moves; else the register has it. */
  readonly place: Location | null
  readonly remarks: CaseIntent['remarks']
  readonly evidence: readonly string[]
  readonly attachments: CaseIntent['attachments']
  readonly pictures: { readonly asked: boolean; readonly count: number; readonly lastMs: number | null }
  /** When it became a case, or part of a storm's. */
  readonly caseMs: number | null
  readonly intentId: string | null
  /** The storm's incident that it is part of. */
  readonly mergedInto: string | null
  readonly cleared: { readonly atMs: number; readonly why: 'ended' | 'silent' } | null
}

export type EntryKind = 'opened' | 'signals' | 'raised' | 'flagged' | 'picture' | 'case' | 'merged' | 'cleared'

/** One line of an incident's timeline. */
export interface IncidentEntry {
  readonly id: string
  readonly what: EntryKind
  readonly atMs: number
  readonly heardMs: number
  readonly event: string
  readonly phase: AlarmReport['phase'] | null
  /** How many signals it stands for. */
  readonly signals: number
  /** The device's words, or why. */
  readonly detail: Readonly<Record<string, string>>
  readonly attachments: CaseIntent['attachments']
  readonly messageId: string | null
}

/** An incident as it is now, and what its timeline gains; a line whose id is there already is replaced. */
export interface IncidentChange {
  readonly subject: string
  /** The incident's own, or the register's; `null`: nobody knows it. */
  readonly place: Location | null
  readonly state: IncidentState
  /** When time will do something to it by itself; `null`: never. */
  readonly dueMs: number | null
  readonly entries: readonly IncidentEntry[]
}

/** A picture to be fetched for an incident. The errand has the incident's id. */
export interface WantedSnapshot {
  readonly incidentId: string
  readonly subject: string
  readonly snapshot: string
}

export const noAlarms: AlarmMemory = { incidents: [], marks: {} }

/** Reason of the remark on an incident whose first signal was none of a beginning. */
export const missedStart = 'missing-start'

export const tokenOf = ({ event, occurrence }: Pick<AlarmReport, 'event' | 'occurrence'>): string =>
  occurrence === null ? event : `\n${occurrence}`

/** The list with the state in it, in its old place or as the newest. */
export function withState(alarms: AlarmMemory, state: IncidentState): AlarmMemory {
  const { incidents } = alarms
  const known = incidents.some(({ id }) => id === state.id)
  return {
    ...alarms,
    incidents: known ? incidents.map((one) => (one.id === state.id ? state : one)) : [...incidents, state],
  }
}
