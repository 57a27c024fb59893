import type { CaseIntent, Urgency } from '../case-intent.ts'
import type { Category, City, Subject } from '../city/city.ts'
import { quote } from '../errors.ts'
import type { FormReport } from '../report.ts'
import { categorise } from './categorise.ts'
import { speedKmhBetween } from './filters.ts'
import type { TaskAnswer } from './findings.ts'
import type { TriageLimits } from './limits.ts'
import { locationOf } from './location.ts'
import type { SubjectMemory } from './memory.ts'
import { type Sighting, sight } from './sighting.ts'
import { standInLocation } from './stand-in.ts'
import { occurrence } from './times.ts'
import type { TriageMessage } from './triage.ts'

type Remarks = CaseIntent['remarks'][number][]
type IntentForm = FormReport & { readonly purpose: Exclude<FormReport['purpose'], 'verify' | 'check'> }
type AnswerForm = FormReport & { readonly purpose: 'verify' | 'check' }

/** What a form is judged by. */
export interface Circumstances {
  readonly message: TriageMessage
  readonly city: City
  readonly subject: Subject | null
  readonly memory: SubjectMemory | null
  readonly newId: () => string
  readonly limits: TriageLimits
}

export function isAnswer(form: FormReport): form is AnswerForm {
  return form.purpose === 'verify' || form.purpose === 'check'
}

export function isIntent(form: FormReport): form is IntentForm {
  return !isAnswer(form)
}

/** A form becomes an intent whatever is wrong with its place, time or category: people's words are never dropped. */
export function intentOf(form: IntentForm, circumstances: Circumstances): CaseIntent {
  const { city, subject } = circumstances
  const component = form.componentId === null ? null : city.component(form.componentId)
  const { finding, category } = categorise(city, {
    claim: form.category,
    kind: form.caseKind ?? (form.purpose === 'component-state' ? 'component' : null),
    componentId: form.componentId,
    component,
    text: form.text,
  })
  return {
    ...saidBy(form, circumstances),
    purpose: form.purpose,
    kind: finding.kind,
    category: finding,
    source: subject?.kind ?? 'stranger',
    selfHandled: form.selfHandled,
    urgency: urgencyOf(form, category, subject),
    place: null,
    queryNumber: null,
    related: [],
    rule: null,
    call: null,
    incident: null,
  }
}

export function answerOf(form: AnswerForm, circumstances: Circumstances): TaskAnswer {
  const { purpose, caseNumber, passed } = form
  return { ...saidBy(form, circumstances), purpose, caseNumber, passed }
}

/** What intents and answers have in common. */
function saidBy(form: FormReport, { message, city, subject, memory, newId, limits }: Circumstances) {
  const { receivedAt } = message
  const usualSystem = subject?.coordinateSystem ?? 'wgs84'
  const sighting = sight(form, usualSystem, receivedAt.getTime(), city, limits)
  const { time, remark } = occurrence(form.deviceTime, receivedAt, limits)
  const remarks: Remarks = remark === null ? [] : [remark]
  if (sighting.fault !== null && (form.gps !== null || form.cells.length > 0)) remarks.push(sighting.fault)
  if (memory !== null) remarks.push(...jumpRemark(sighting, Date.parse(time.at), memory, limits))
  const component = form.componentId === null ? null : city.component(form.componentId)
  if (form.componentId !== null && component === null)
    remarks.push({ reason: 'unknown-component', detail: quote(form.componentId) })
  return {
    id: newId(),
    channel: message.channel,
    location:
      locationOf(sighting, city, limits) ?? standInLocation(component, memory, Date.parse(time.at), city, limits),
    address: form.address,
    occurredAt: time,
    receivedAt: receivedAt.toISOString(),
    reporter: reporterOf(form.subject, subject),
    text: form.text,
    number: form.number,
    component: form.componentId === null ? null : { id: form.componentId, proposedState: form.componentState },
    attachments: form.attachments.map(({ name, mediaType, claimedType, content, sha256, url }) => {
      return { name, mediaType, claimedType, sha256, url, sizeBytes: content?.length ?? null }
    }),
    remarks,
    evidence: [message.id],
    cityVersion: city.version,
  }
}

/** Said of the place, which is kept: of two fixes that contradict each other, this one need not be the wrong one. */
function jumpRemark(
  { place }: Sighting,
  atMs: number,
  { last }: SubjectMemory,
  { maxSpeedKmh }: TriageLimits,
): Remarks {
  if (place === null || last === null) return []
  const speedKmh = speedKmhBetween(last, [atMs, place.latitude, place.longitude, place.accuracyM])
  return speedKmh > maxSpeedKmh ? [{ reason: 'impossible-jump', detail: `${Math.round(speedKmh)} km/h` }] : []
}

export function reporterOf(id: string, subject: Subject | null): CaseIntent['reporter'] {
  if (subject === null) return { kind: 'stranger', id, name: null, company: null }
  return { kind: subject.kind, id, name: subject.name, company: subject.company }
}

/** A leader's words are not left lying; an emergency is one by its purpose or by the site's own flag. */
function urgencyOf({ purpose }: FormReport, category: Category | null, subject: Subject | null): Urgency {
  if (purpose === 'sos' || category?.emergency === true) return 'emergency'
  return purpose === 'inspection' && subject?.kind === 'leader' ? 'urgent' : 'normal'
}
