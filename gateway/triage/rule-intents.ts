import type { CaseIntent } from '../case-intent.ts'
import type { City, Subject } from '../city/city.ts'
import { quote } from '../errors.ts'
import { unclassified } from './categorise.ts'
import type { AcceptedPosition } from './findings.ts'
import { reporterOf } from './intents.ts'
import type { TriageLimits } from './limits.ts'
import { locationOf } from './location.ts'
import type { Sighting } from './sighting.ts'
import type { TriageMessage } from './triage.ts'
import type { Fired } from './vehicle-rules.ts'

/** The intent of a vehicle rule, at the place and time of the fix that fired it. */
export function ruleIntent(
  { rule, value, sinceMs }: Fired,
  position: AcceptedPosition,
  sighting: Sighting,
  vehicle: Subject,
  message: TriageMessage,
  city: City,
  newId: () => string,
  limits: TriageLimits,
): CaseIntent {
  return {
    id: newId(),
    purpose: 'vehicle-rule',
    kind: rule.category.kind,
    category: ruleCategory(rule.id, rule.category, city),
    channel: message.channel,
    source: 'vehicle-rule',
    location: locationOf(sighting, city, limits),
    address: null,
    place: null,
    queryNumber: null,
    occurredAt: { at: position.at.toISOString(), origin: position.atOrigin },
    receivedAt: message.receivedAt.toISOString(),
    reporter: reporterOf(position.subject, vehicle),
    text: null,
    number: null,
    component: null,
    selfHandled: null,
    attachments: [],
    urgency: rule.urgency,
    remarks: [],
    evidence: [message.id],
    related: [],
    rule: { id: rule.id, what: rule.what, value, since: new Date(sinceMs).toISOString() },
    call: null,
    incident: null,
    cityVersion: city.version,
  }
}

/** The category that a rule of the city names; 未分类 where the city has it no more. */
export function ruleCategory(
  id: string,
  { scheme, kind, code }: Fired['rule']['category'],
  city: City,
): CaseIntent['category'] {
  const category = city.scheme(scheme)?.byCode(kind, code) ?? null
  if (category !== null)
    return {
      scheme,
      kind,
      code,
      zh: category.zh,
      confidence: 1,
      candidates: [{ code, zh: category.zh, confidence: 1, because: `rule ${id}` }],
    }
  const because = `rule ${quote(id)} names ${quote(code)}, which ${quote(scheme)} does not have`
  return {
    scheme,
    kind,
    code: null,
    zh: unclassified,
    confidence: 0,
    candidates: [{ code, zh: unclassified, confidence: 0, because }],
  }
}
