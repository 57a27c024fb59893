import type { CaseIntent } from '../case-intent.ts'
import type { City } from '../city/city.ts'
import type {
  CallFormReport,
  CallReport,
  DatagramReport,
  DeliveryReport,
  FormReport,
  PositionReport,
  PresenceReport,
  ReceiptReport,
  Report,
  TextReport,
} from '../report.ts'
import { takeAlarm } from './alarms.ts'
import { callFormIntent } from './call-forms.ts'
import type {
  AcceptedPosition,
  AcceptedReading,
  Enquiry,
  Filtered,
  Findings,
  TaskAnswer,
  WritingReporter,
} from './findings.ts'
import type { IncidentChange, WantedSnapshot } from './incident-state.ts'
import { answerOf, intentOf, isAnswer, isIntent } from './intents.ts'
import type { TriageLimits } from './limits.ts'
import { blankMemory, type SubjectMemory } from './memory.ts'
import { type Positioned, positionOf } from './positions.ts'
import { regarding } from './query-number.ts'
import { ruleIntent } from './rule-intents.ts'
import { takeReading } from './take-reading.ts'
import { textIntent } from './texts.ts'
import { evaluateRules } from './vehicle-rules.ts'

export type { FilterReason } from './filters.ts'
export { filterReasons } from './filters.ts'
export type { AcceptedPosition, Enquiry, Filtered, Findings, TaskAnswer, WritingReporter } from './findings.ts'
export { defaultLimits, type TriageLimits } from './limits.ts'
export type { RememberedFix, RuleState, SubjectMemory } from './memory.ts'

/** The message whose reports are triaged. */
export interface TriageMessage {
  readonly id: string
  readonly receivedAt: Date
  readonly channel: string
  readonly adapter: string
}

/** Findings under way. */
class Desk {
  readonly positions: AcceptedPosition[] = []
  readonly intents: CaseIntent[] = []
  readonly answers: TaskAnswer[] = []
  readonly presences: PresenceReport[] = []
  readonly receipts: ReceiptReport[] = []
  readonly reporters: WritingReporter[] = []
  readonly enquiries: Enquiry[] = []
  readonly datagrams: { index: number; report: DatagramReport }[] = []
  readonly deliveries: DeliveryReport[] = []
  readonly filtered: Filtered[] = []
  readonly incidents: IncidentChange[] = []
  readonly snapshots: WantedSnapshot[] = []
  readonly readings: AcceptedReading[] = []
  readonly calls: CallReport[] = []
  readonly callForms: { report: CallFormReport; intentId: string }[] = []
  readonly message: TriageMessage
  readonly city: City
  readonly memories: Map<string, SubjectMemory>
  readonly newId: () => string
  readonly limits: TriageLimits

  constructor(
    message: TriageMessage,
    city: City,
    memories: Map<string, SubjectMemory>,
    newId: () => string,
    limits: TriageLimits,
  ) {
    this.message = message
    this.city = city
    this.memories = memories
    this.newId = newId
    this.limits = limits
  }
}

/**
 * Positions, intents and answers out of one message's reports. Pure but for `memories`, the working set of a batch:
 * a subject's memory is read from it and the new one put back. Never throws; malformed reports and parts are left out.
 */
export function triage(
  message: TriageMessage,
  reports: readonly Report[],
  city: City,
  memories: Map<string, SubjectMemory>,
  newId: () => string,
  limits: TriageLimits,
): Findings {
  const desk = new Desk(message, city, memories, newId, limits)
  for (let index = 0; index < reports.length; index++) {
    const report = reports[index]
    if (report?.kind === 'position') takePosition(report, index, desk)
    else if (report?.kind === 'form') takeForm(report, desk)
    else if (report?.kind === 'text') takeText(report, index, desk)
    else if (report?.kind === 'alarm') takeAlarm(report, index, desk)
    else if (report?.kind === 'reading') takeReading(report, index, desk)
    else if (report?.kind === 'call') desk.calls.push(report)
    else if (report?.kind === 'call-form') takeCallForm(report, desk)
    else if (report?.kind === 'datagram') desk.datagrams.push({ index, report })
    else if (report?.kind === 'delivery') desk.deliveries.push(report)
    else if (report?.kind === 'presence') desk.presences.push(report)
    else if (report?.kind === 'receipt') desk.receipts.push(report)
  }
  const { positions, intents, answers, presences, receipts, filtered } = desk
  const { reporters, enquiries, datagrams, deliveries } = desk
  const { incidents, snapshots, readings, calls, callForms } = desk
  return {
    ...{ positions, intents, answers, presences, receipts, reporters, enquiries, datagrams, deliveries, filtered },
    ...{ incidents, snapshots, readings, calls, callForms },
  }
}

function takePosition(report: PositionReport, index: number, desk: Desk): void {
  const { message, city, memories, limits } = desk
  const subject = city.subject(report.subject)
  const before = memories.get(report.subject) ?? blankMemory
  const outcome = positionOf(report, subject, message.receivedAt.getTime(), city, before, limits)
  if (outcome.memory !== null) memories.set(report.subject, outcome.memory)
  if (outcome.position === null) {
    const { reason, detail } = outcome.fault
    desk.filtered.push({ index, reason, detail })
    return
  }
  desk.positions.push(outcome.position)
  if (subject?.kind === 'vehicle' && !outcome.position.late) judge(outcome, subject, before, desk)
}

/** Vehicle rules see each newest position once, in the order of its time. */
function judge(
  { position, sighting, fix, memory }: Extract<Positioned, { fault: null }>,
  vehicle: NonNullable<ReturnType<City['subject']>>,
  before: SubjectMemory,
  { message, city, memories, newId, limits, intents }: Desk,
): void {
  const vehicleFix = { vehicle, fix, speedKmh: position.speedKmh, before: before.last }
  const { states, fired } = evaluateRules(vehicleFix, memory.rules, city, limits)
  memories.set(position.subject, { ...memory, rules: states })
  for (const one of fired) intents.push(ruleIntent(one, position, sighting, vehicle, message, city, newId, limits))
}

function takeForm(form: FormReport, desk: Desk): void {
  const { message, city, memories, newId, limits } = desk
  const subject = city.subject(form.subject)
  const circumstances = { message, city, subject, memory: memories.get(form.subject) ?? null, newId, limits }
  if (isAnswer(form)) desk.answers.push(answerOf(form, circumstances))
  else if (isIntent(form)) desk.intents.push(intentOf(form, circumstances))
}

function takeCallForm(report: CallFormReport, { message, city, newId, limits, intents, callForms }: Desk): void {
  const intent = callFormIntent(report, { message, city, subject: city.subjectByPhone(report.subject), newId, limits })
  intents.push(intent)
  callForms.push({ report, intentId: intent.id })
}

/** Something new, something to add, or a question after the state; an empty text is answered, and is no report. */
function takeText(report: TextReport, index: number, desk: Desk): void {
  const { message, city, newId, limits } = desk
  const { subject, to: recipient, text, attachments } = report
  const about = attachments.length === 0 ? regarding(text ?? '') : null
  if (about?.is === 'query' || about?.is === 'mistyped') {
    desk.enquiries.push({ number: about.number, subject, recipient })
    return
  }
  if (attachments.length === 0 && [report.title, text].every((words) => (words ?? '').trim() === '')) {
    desk.filtered.push({ index, reason: 'nothing-said', detail: 'an empty text' })
    desk.enquiries.push({ number: null, subject, recipient })
    return
  }
  const intent = textIntent(report, { message, city, subject: city.subjectByPhone(subject), newId, limits })
  desk.intents.push(intent)
  if (intent.queryNumber === null) return
  desk.reporters.push({
    intentId: intent.id,
    queryNumber: intent.queryNumber,
    subject,
    recipient,
    receivedAt: new Date(intent.receivedAt),
    addsTo: about?.is === 'supplement' ? about.number : null,
  })
}
