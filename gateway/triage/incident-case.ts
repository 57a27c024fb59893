import type { CaseIntent, Location, Urgency } from '../case-intent.ts'
import type { AlarmRule, City } from '../city/city.ts'
import type { AlarmReport } from '../report.ts'
import type { IncidentEntry, IncidentState } from './incident-state.ts'
import type { TriageLimits } from './limits.ts'
import { namesOf } from './location.ts'
import { ruleCategory } from './rule-intents.ts'

/** What incidents are judged by. */
export interface Circumstances {
  readonly city: City
  readonly newId: () => string
  readonly limits: TriageLimits
}

/** An incident after something happened to it, and the intent where that made a case of it. */
export interface CaseMade {
  readonly state: IncidentState
  readonly entries: readonly IncidentEntry[]
  readonly intent: CaseIntent | null
}

const urgencies: readonly Urgency[] = ['normal', 'urgent', 'emergency']
export const weighsMore = (a: Urgency, b: Urgency): boolean => urgencies.indexOf(a) > urgencies.indexOf(b)

/** Whether it may still become a case. What a storm swallowed becomes one after all when it turns into an emergency. */
export function isPending({ intentId, mergedInto, urgency, cleared }: IncidentState, rule: AlarmRule): boolean {
  if (rule.category === null || intentId !== null || cleared !== null) return false
  return mergedInto === null || urgency === 'emergency'
}

/** It has lasted, by either clock, or come again for long enough. */
export function hasLasted({ openedMs, lastMs, heardFromMs, heardMs }: IncidentState, { afterS }: AlarmRule): boolean {
  return Math.max(lastMs - openedMs, heardMs - heardFromMs) >= afterS * 1000
}

/** Where a camera or sensor stands, as the register has it. */
export function registeredPlace(
  subject: string,
  of: AlarmReport['of'],
  city: City,
  limits: TriageLimits,
): Location | null {
  const device = of === 'camera' ? city.camera(subject) : city.sensor(subject)
  if (device === null) return null
  const { latitude, longitude } = device
  const bare = { system: 'wgs84', accuracyM: null, staleS: null, original: null, gps: null, cell: null } as const
  return { ...bare, latitude, longitude, foundBy: of, ...namesOf(device, null, city, limits) }
}

/** `null`: it is one already, or never will be. */
export function becomesCase(
  subject: string,
  before: IncidentState,
  rule: AlarmRule,
  atMs: number,
  circumstances: Circumstances,
): CaseMade | null {
  const { category } = rule
  if (category === null || !isPending(before, rule)) return null
  const id = circumstances.newId()
  const state: IncidentState = { ...before, caseMs: atMs, intentId: id, mergedInto: null }
  const entry: IncidentEntry = {
    id: circumstances.newId(),
    what: 'case',
    atMs,
    heardMs: atMs,
    event: state.event,
    phase: null,
    signals: 0,
    detail: {},
    attachments: [],
    messageId: null,
  }
  return { state, entries: [entry], intent: intentOfIncident(id, subject, state, rule, category, circumstances) }
}

function intentOfIncident(
  id: string,
  subject: string,
  state: IncidentState,
  rule: AlarmRule,
  category: NonNullable<AlarmRule['category']>,
  { city, limits }: Circumstances,
): CaseIntent {
  const { of, event, part, value, unit } = state
  const device = of === 'camera' ? city.camera(subject) : city.sensor(subject)
  const component = device?.component ?? null
  return {
    id,
    purpose: 'alarm',
    kind: category.kind,
    category: ruleCategory(`${rule.subject} ${rule.event}`, category, city),
    channel: state.channel,
    source: of,
    location: state.place ?? registeredPlace(subject, of, city, limits),
    address: null,
    place: null,
    queryNumber: null,
    occurredAt: { at: new Date(state.openedMs).toISOString(), origin: state.openedOrigin },
    receivedAt: new Date(state.heardFromMs).toISOString(),
    reporter: { kind: of, id: subject, name: device?.name ?? null, company: null },
    text: null,
    number: null,
    component: component === null ? null : { id: component, proposedState: null },
    selfHandled: null,
    attachments: state.attachments,
    urgency: state.urgency,
    remarks: state.remarks,
    evidence: state.evidence,
    related: [],
    rule: null,
    call: null,
    incident: { id: state.id, event, part, value, unit },
    cityVersion: city.version,
  }
}
