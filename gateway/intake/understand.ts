import type { Receipt, Received } from '../adapter.ts'
import { enterCalls } from '../calls/rows.ts'
import type { City } from '../city/city.ts'
import { describe, GatewayError } from '../errors.ts'
import { enterIncidents } from '../incidents/rows.ts'
import type { StormLimits } from '../incidents/storm.ts'
import type { EventDraft } from '../relay/cloud-event.ts'
import type { Traits } from '../relay/destination.ts'
import { type Posting, post } from '../relay/post.ts'
import type { MalformedReport, Report } from '../report.ts'
import { newId } from '../store/message-id.ts'
import { understandAhead } from '../triage/texts.ts'
import { type Filtered, type Findings, type SubjectMemory, type TriageLimits, triage } from '../triage/triage.ts'
import { acknowledgement } from './answers.ts'
import type { Arrival } from './arrival.ts'
import { errandsOf } from './errand-rows.ts'
import { keepFiles } from './files.ts'
import { PartDesk } from './part-desk.ts'
import { announceReadings } from './reading-events.ts'
import { type BatchRows, type DeadLetterRow, type DeviceRow, emptyRows } from './rows.ts'

/**
 * From arrivals to rows, without I/O: decode, then triage. Decoding stands apart because the subjects it names decide
 * which devices' memories triage needs.
 */

export interface Understanding extends Posting {
  readonly city: City
  readonly limits: TriageLimits
  /** Which adapter takes the datagrams to an application port. */
  readonly portTakers: ReadonlyMap<number, string>
  readonly storm: StormLimits
}

/** An arrival with its reports, or with the reason why it has none. */
export type Decoded =
  | { readonly arrival: Arrival; readonly reports: readonly Report[]; readonly poison: null }
  | { readonly arrival: Arrival; readonly reports: null; readonly poison: Poison }

export interface Poison {
  readonly code: string
  readonly detail: string
}

export function decode(arrival: Arrival): Decoded {
  try {
    return { arrival, reports: arrival.source.decode(arrival.message), poison: null }
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : 'DECODE_CRASHED'
    return { arrival, reports: null, poison: { code, detail: describe(error) } }
  }
}

/**
 * Done when a message comes, not when its turn comes: meanwhile the store is busy with those before it, and this process
 * is not.
 */
export function decodeAhead(arrival: Arrival, city: City): Decoded {
  const decoded = decode(arrival)
  try {
    for (const report of decoded.reports ?? []) if (report.kind === 'text') understandAhead(report, city)
  } catch {
    // It is thrown again when the text's turn comes, and there it makes a dead letter.
  }
  return decoded
}

/** A subject's memory and the version of the row it was read from. */
export interface Remembered {
  readonly version: number
  readonly memory: SubjectMemory | null
}

export function subjectsOf(batch: readonly Decoded[]): Set<string> {
  const subjects = new Set<string>()
  for (const { reports } of batch) {
    if (reports === null) continue
    for (const report of reports) if (isOfDevice(report)) subjects.add(report.subject)
  }
  return subjects
}

/**
 * Whether something is remembered of who says it: devices' positions and states; and senders of parts, whose row keeps
 * two gateways from taking parts of one text past each other. A whole text or a receipt needs no row of its sender's.
 */
function isOfDevice(report: Report): report is Exclude<Report, MalformedReport> {
  return !['malformed', 'text', 'datagram', 'delivery', 'call', 'call-form'].includes(report.kind)
}

/**
 * `taken`: keys that are in the store already, as `keyOf` writes them, with the time of receipt. It grows by the keys of
 * this batch.
 */
export function understand(
  batch: readonly Decoded[],
  taken: Map<string, Date>,
  remembered: ReadonlyMap<string, Remembered>,
  how: Understanding,
  parts = new PartDesk(),
): BatchRows {
  const rows = emptyRows()
  const memories = new Map<string, SubjectMemory>()
  for (const [subject, { memory }] of remembered) if (memory !== null) memories.set(subject, memory)

  for (const decoded of batch) {
    const { arrival } = decoded
    const { message, source } = arrival
    const count = (what: string, reason = '') =>
      rows.tally.add(message.receivedAt, source.adapter, source.channel, what, reason)

    count('received')
    const key = keyOf(source.keyScope, message.key)
    let outcome: Receipt
    const takenAt = taken.get(key)
    if (takenAt !== undefined && holds(message, takenAt)) {
      outcome = 'duplicate'
      count('duplicate')
    } else {
      if (takenAt !== undefined)
        rows.renewedKeys.push({ adapter: source.keyScope, key: message.key, takenAt, receivedAt: message.receivedAt })
      taken.set(key, message.receivedAt)
      const { disposition, reason, counted } =
        decoded.poison === null
          ? admit(arrival, decoded.reports, memories, remembered, how, rows, parts)
          : refuse(arrival, decoded.poison, rows)
      outcome = disposition
      count(disposition, counted)
      rows.messages.push({
        id: arrival.id,
        receivedAt: message.receivedAt,
        adapter: source.adapter,
        channel: source.channel,
        keyScope: source.keyScope,
        key: message.key,
        raw: message.raw,
        envelope: message.envelope,
        disposition,
        reason,
      })
    }
    rows.outcomes.push(outcome)
  }
  for (const device of rows.devices.values()) device.memory = memories.get(device.subject) ?? null
  rows.parts = parts.changes()
  return rows
}

/** Whether a key that was taken then still stands for the same message. */
function holds({ keyHoldsMs, receivedAt }: Received, takenAt: Date): boolean {
  return keyHoldsMs === undefined || receivedAt.getTime() - takenAt.getTime() < keyHoldsMs
}

export function keyOf(scope: string, key: string): string {
  return `${scope}\n${key}`
}

interface Verdict {
  readonly disposition: 'stored' | 'filtered' | 'dead-lettered'
  readonly reason: string | null
  /** The reason as the ledger counts it: a word, never a text with values in it. */
  readonly counted: string
}

function refuse(arrival: Arrival, poison: Poison, rows: BatchRows): Verdict {
  rows.deadLetters.push(deadLetter(arrival, null, poison))
  return { disposition: 'dead-lettered', reason: `${poison.code}: ${poison.detail}`, counted: poison.code }
}

function deadLetter(arrival: Arrival, item: number | null, poison: Poison): DeadLetterRow {
  return {
    messageId: arrival.id,
    receivedAt: arrival.message.receivedAt,
    adapter: arrival.source.adapter,
    channel: arrival.source.channel,
    item,
    code: poison.code,
    detail: poison.detail,
  }
}

/** Triage of one message, and the rows of what it found. */
function admit(
  arrival: Arrival,
  said: readonly Report[],
  memories: Map<string, SubjectMemory>,
  remembered: ReadonlyMap<string, Remembered>,
  how: Understanding,
  rows: BatchRows,
  parts: PartDesk,
): Verdict {
  const { id, source, message } = arrival
  const repeated: Filtered[] = []
  const wholes = said.flatMap((report, index) => {
    if (report.kind !== 'part') return [report]
    const { outcome, reports } = parts.take(report, arrival)
    if (outcome === 'repeated')
      repeated.push({ index, reason: 'repeated-part', detail: `part ${report.number} of ${report.total}` })
    return outcome === 'completed' ? reports : [report, ...reports]
  })
  const reports = keepFiles(wholes, rows)
  const findings = triage(
    { id, receivedAt: message.receivedAt, channel: source.channel, adapter: source.adapter },
    reports,
    how.city,
    memories,
    newId,
    how.limits,
  )
  let malformed: Poison | null = null
  const errands = errandsOf(findings, arrival, how)
  rows.errands.push(...errands.rows)
  for (const report of [...reports, ...errands.untaken]) {
    if (report.kind !== 'malformed') continue
    malformed = { code: report.code, detail: report.detail }
    rows.deadLetters.push(deadLetter(arrival, report.index, malformed))
  }
  for (const report of said) if (isOfDevice(report)) touch(rows.devices, arrival, report, remembered)
  for (const position of findings.positions) {
    rows.positions.push({ messageId: id, receivedAt: message.receivedAt, position })
    const device = rows.devices.get(position.subject)
    if (device !== undefined && (device.position === null || device.position.at <= position.at))
      device.position = position
  }
  enterIncidents(findings.incidents, rows)
  enterCalls(findings, { messageId: id, receivedAt: message.receivedAt, ...source }, how.limits, rows)
  for (const intent of findings.intents) {
    const orderingKey = intent.component?.id ?? intent.reporter.id
    rows.intents.push({ intent, receivedAt: message.receivedAt, messageId: id, orderingKey })
  }
  rows.receipts.push(...findings.receipts)
  for (const report of findings.deliveries)
    rows.deliveries.push({ report, messageId: id, receivedAt: message.receivedAt })
  for (const enquiry of findings.enquiries)
    rows.enquiries.push({ ...enquiry, adapter: source.adapter, messageId: id, receivedAt: message.receivedAt })
  for (const reporter of findings.reporters) {
    rows.correspondences.push({ ...reporter, adapter: source.adapter })
    rows.notices.push(...acknowledgement(reporter, source.adapter, how.city, message.receivedAt))
  }
  announce(arrival, findings, how, rows)
  announceReadings(arrival, findings, how, rows)
  const filtered = [...repeated, ...findings.filtered]
  for (const { reason } of filtered)
    rows.tally.add(message.receivedAt, source.adapter, source.channel, 'report-filtered', reason)

  const untaken = new Set(errands.untaken.map(({ index }) => index))
  const told = reports.filter((report, index) => report.kind !== 'datagram' || !untaken.has(index))
  return verdict([...told, ...errands.untaken], filtered, malformed)
}

/**
 * Stored if any of it was of use; else filtered if any of it was well-formed; else dead. A message without a report
 * (a supported message that says nothing, such as a keep-alive) is filtered as `no-report`.
 */
function verdict(reports: readonly Report[], filtered: readonly Filtered[], malformed: Poison | null): Verdict {
  const parts = filtered.map(({ index, reason, detail }) => `[${index}] ${reason}: ${detail}`)
  const bad = reports.flatMap((report) =>
    report.kind === 'malformed' ? [`[${report.index}] ${report.code}: ${report.detail}`] : [],
  )
  const reason = [...parts.slice(0, 5), ...bad.slice(0, 5)].join('; ')
  if (reports.length > filtered.length + bad.length)
    return { disposition: 'stored', reason: reason === '' ? null : reason, counted: '' }
  const [first] = filtered
  if (first !== undefined) return { disposition: 'filtered', reason, counted: first.reason }
  if (malformed !== null) return { disposition: 'dead-lettered', reason, counted: malformed.code }
  return { disposition: 'filtered', reason: 'no-report', counted: 'no-report' }
}

function touch(
  devices: Map<string, DeviceRow>,
  arrival: Arrival,
  report: Exclude<Report, MalformedReport>,
  remembered: ReadonlyMap<string, Remembered>,
): void {
  const { subject } = report
  let device = devices.get(subject)
  if (device === undefined) {
    device = {
      subject,
      adapter: arrival.source.adapter,
      lastSeen: arrival.message.receivedAt,
      presence: null,
      battery: null,
      position: null,
      version: remembered.get(subject)?.version ?? 0,
      memory: null,
    }
    devices.set(subject, device)
  }
  device.lastSeen = arrival.message.receivedAt
  if (report.kind === 'presence') device.presence = report.state
  if (report.kind === 'position' && report.batteryPercent !== null) device.battery = report.batteryPercent
}

/** Outbox rows of positions and answers; those of intents wait until their relations are known. */
function announce(arrival: Arrival, findings: Findings, how: Understanding, rows: BatchRows): void {
  if (how.destinations.some(({ filter }) => filter.types.includes('position'))) {
    for (const position of findings.positions) {
      const draft: EventDraft = {
        id: newId(),
        type: 'position',
        subject: position.subject,
        orderingKey: position.subject,
        time: position.at.toISOString(),
        data: { ...position, receivedAt: arrival.message.receivedAt, evidence: [arrival.id] },
      }
      const traits: Traits = { type: 'position', district: position.district, purpose: null, urgency: null }
      post(draft, traits, arrival.message.receivedAt, how, rows)
    }
  }
  for (const answer of findings.answers) {
    const draft: EventDraft = {
      id: answer.id,
      type: 'answer',
      subject: answer.reporter.id,
      orderingKey: answer.caseNumber ?? answer.reporter.id,
      time: answer.occurredAt.at,
      data: answer,
    }
    const district = answer.location?.district?.code ?? null
    post(
      draft,
      { type: 'answer', district, purpose: answer.purpose, urgency: null },
      arrival.message.receivedAt,
      how,
      rows,
    )
  }
}
