import type { CaseIntent } from '../case-intent.ts'
import type { AlarmReport } from '../report.ts'
import { weighsMore } from './incident-case.ts'
import type { Signal } from './incident-match.ts'
import {
  type ConditionMark,
  type EntryKind,
  type IncidentEntry,
  type IncidentState,
  missedStart,
  tokenOf,
} from './incident-state.ts'

/** What a signal does to its incident. Everything kept of it is bounded: a device may say whatever it likes for ever. */

const mostTokens = 16
const mostEvents = 16
const mostAttachments = 4
const mostEvidence = 8
const mostRemarks = 4
const mostPictures = 20
const minuteMs = 60_000
const hourMs = 3_600_000

export interface Stepped {
  readonly state: IncidentState
  readonly entries: readonly IncidentEntry[]
}

/** `mark`: what was known of its condition before. */
export function opened(
  signal: Signal,
  mark: ConditionMark | null,
  remark: CaseIntent['remarks'][number] | null,
  newId: () => string,
): Stepped {
  const { report, atMs, heardMs, rule, mapped } = signal
  const { phase, event, part } = report
  const missed = phase === 'going-on' || phase === 'ended'
  const over = mark?.endedMs ?? null
  const late = over !== null && atMs < over
  const runs = (phase === 'began' || phase === 'going-on') && !late
  const token = tokenOf(report)
  const pictures = attachmentsOf(report)
  const state: IncidentState = {
    id: newId(),
    key: signal.key,
    of: report.of,
    adapter: signal.adapter,
    channel: signal.channel,
    event,
    part,
    category: rule.category,
    urgency: rule.urgency,
    openedMs: atMs,
    openedOrigin: signal.origin,
    lastMs: atMs,
    heardFromMs: heardMs,
    heardMs,
    running: runs ? [token] : [],
    ended: phase === 'ended' ? [token] : [],
    endedMs: phase === 'ended' ? atMs : late ? over : null,
    raisedMs: null,
    events: [event],
    signals: 1,
    minute: { fromMs: heardMs, changes: phase === 'going-on' ? 0 : 1 },
    line: null,
    flags: mapped ? [] : ['unmapped'],
    ...measured(report, null),
    place: signal.place,
    remarks: [
      ...(remark === null ? [] : [remark]),
      ...(missed ? [{ reason: missedStart, detail: `the first that was heard of it is ${phase}` }] : []),
    ],
    evidence: [signal.messageId],
    attachments: pictures.slice(0, mostAttachments),
    pictures: { asked: false, count: pictures.length, lastMs: pictures.length > 0 ? heardMs : null },
    caseMs: null,
    intentId: null,
    mergedInto: null,
    cleared: null,
  }
  return { state, entries: [entryOf('opened', signal, newId())] }
}

/** A signal of an incident that is not over. */
export function continued(
  before: IncidentState,
  signal: Signal,
  remark: CaseIntent['remarks'][number] | null,
  newId: () => string,
): Stepped {
  const { report, atMs, heardMs } = signal
  const entries: IncidentEntry[] = []
  let state: IncidentState = {
    ...before,
    ...clocks(before, signal),
    ...running(before, signal),
    ...measured(report, before),
    events: kept(before.events, report.event, mostEvents),
    signals: before.signals + 1,
    minute: minuteOf(before, signal),
    remarks: remark === null ? before.remarks : addedRemark(before.remarks, remark),
  }
  if (isRaised(before, signal)) {
    const { event, part } = report
    const urgency = weighsMore(signal.rule.urgency, before.urgency) ? signal.rule.urgency : before.urgency
    const evidence = addedEvidence(state, signal)
    state = { ...state, ...becoming(state, signal), event, part, urgency, raisedMs: heardMs, evidence }
    entries.push(entryOf('raised', signal, newId()))
  } else state = lowered(state, report)
  const { chatterPerMinute } = signal.rule
  if (chatterPerMinute !== null && state.minute.changes > chatterPerMinute && !state.flags.includes('chattering')) {
    state = { ...state, flags: [...state.flags, 'chattering'] }
    entries.push({ ...entryOf('flagged', signal, newId()), detail: { flag: 'chattering' }, signals: 0 })
  }
  const pictured = withPicture(state, signal, newId)
  state = pictured.state
  entries.push(...pictured.entries)
  const line = lineOf(before, heardMs, newId)
  entries.push({ ...entryOf('signals', signal, line.id), atMs, signals: line.signals, attachments: [] })
  return { state: { ...state, line }, entries }
}

/** The picture of a signal, where it is one more that is worth a line; also of an incident that is over. */
export function withPicture(state: IncidentState, signal: Signal, newId: () => string): Stepped {
  const { report, heardMs } = signal
  const { count, lastMs, asked } = state.pictures
  const found = attachmentsOf(report)
  const awaited = asked && count === 0
  const spaced = count < mostPictures && (lastMs === null || heardMs - lastMs >= minuteMs)
  if (found.length === 0 || !(awaited || spaced)) return { state, entries: [] }
  const next: IncidentState = {
    ...state,
    attachments: [...state.attachments, ...found].slice(0, mostAttachments),
    pictures: { asked, count: count + found.length, lastMs: heardMs },
    evidence: addedEvidence(state, signal),
  }
  return { state: next, entries: [entryOf('picture', signal, newId())] }
}

function clocks(before: IncidentState, { atMs, origin, heardMs }: Signal) {
  const earlier = atMs < before.openedMs
  return {
    openedMs: earlier ? atMs : before.openedMs,
    openedOrigin: earlier ? origin : before.openedOrigin,
    lastMs: Math.max(before.lastMs, atMs),
    heardMs: Math.max(before.heardMs, heardMs),
  }
}

function running(before: IncidentState, { report, atMs }: Signal) {
  const { phase, occurrence } = report
  const token = tokenOf(report)
  const { endedMs, ended } = before
  if (phase === 'ended') {
    return {
      running: before.running.filter((one) => one !== token),
      ended: occurrence === null ? ended : kept(ended, token, mostTokens),
      endedMs: Math.max(endedMs ?? atMs, atMs),
    }
  }
  const late = occurrence === null ? endedMs !== null && atMs < endedMs : ended.includes(token)
  if (phase === 'once' || late) return {}
  return { running: kept(before.running, token, mostTokens) }
}

/** Until it is a case it is of the category of the word that weighs most; then the case is. */
function becoming({ intentId, flags }: IncidentState, { key, rule: { category }, mapped }: Signal) {
  if (intentId !== null) return {}
  return { key, category, flags: mapped ? flags.filter((flag) => flag !== 'unmapped') : flags }
}

/** A word that weighs more: any that makes a case, where the others do not; of a sensor, a further level that is passed while another holds. */
function isRaised(before: IncidentState, { report, rule, heardMs }: Signal): boolean {
  const { phase, event, of } = report
  if (phase === 'ended' || phase === 'state-on' || event === before.event) return false
  const recent = before.raisedMs !== null && heardMs - before.raisedMs < minuteMs
  if (recent && before.events.includes(event)) return false
  if (before.category === null || rule.category === null) return before.category === null && rule.category !== null
  if (weighsMore(rule.urgency, before.urgency)) return true
  return of === 'sensor' && phase === 'began' && before.running.length > 0 && rule.urgency === before.urgency
}

/** Where the level that weighed most is left, the one that still holds stands for the incident. */
function lowered(state: IncidentState, { of, phase, event, occurrence }: AlarmReport): IncidentState {
  const holds = state.running.at(-1)
  if (of !== 'sensor' || phase !== 'ended' || event !== state.event || occurrence !== null || holds === undefined)
    return state
  return holds.startsWith('\n') ? state : { ...state, event: holds }
}

function minuteOf({ minute }: IncidentState, { report, heardMs }: Signal): IncidentState['minute'] {
  const changes = report.phase === 'going-on' || report.phase === 'state-on' ? 0 : 1
  return heardMs - minute.fromMs < minuteMs
    ? { fromMs: minute.fromMs, changes: minute.changes + changes }
    : { fromMs: heardMs, changes }
}

/** Repeats of one minute are one line of the timeline; after the first hour, those of one hour. */
function lineOf({ line, heardFromMs }: IncidentState, heardMs: number, newId: () => string) {
  const spanMs = heardMs - heardFromMs < hourMs ? minuteMs : hourMs
  return line === null || heardMs - line.fromMs >= spanMs
    ? { id: newId(), fromMs: heardMs, signals: 1 }
    : { ...line, signals: line.signals + 1 }
}

function measured({ detail }: AlarmReport, before: IncidentState | null): Pick<IncidentState, 'value' | 'unit'> {
  const value = detail.value === undefined || detail.value.trim() === '' ? Number.NaN : Number(detail.value)
  return Number.isFinite(value)
    ? { value, unit: detail.unit ?? before?.unit ?? null }
    : { value: before?.value ?? null, unit: before?.unit ?? null }
}

function attachmentsOf({ attachments }: AlarmReport): CaseIntent['attachments'] {
  return attachments.map(({ name, mediaType, claimedType, content, sha256, url }) => {
    return { name, mediaType, claimedType, sha256, url, sizeBytes: content?.length ?? null }
  })
}

function entryOf(what: EntryKind, { report, atMs, heardMs, messageId }: Signal, id: string): IncidentEntry {
  const { event, phase, detail } = report
  const attachments = attachmentsOf(report)
  return { id, what, atMs, heardMs, event, phase, signals: 1, detail, attachments, messageId }
}

const kept = (list: readonly string[], one: string, most: number): readonly string[] =>
  list.includes(one) ? list : [...list, one].slice(-most)

const addedEvidence = ({ evidence }: IncidentState, { messageId }: Signal): readonly string[] =>
  evidence.length >= mostEvidence ? evidence : kept(evidence, messageId, mostEvidence)

const addedRemark = (remarks: IncidentState['remarks'], remark: IncidentState['remarks'][number]) =>
  remarks.length >= mostRemarks || remarks.some(({ reason }) => reason === remark.reason)
    ? remarks
    : [...remarks, remark]
