import type { CaseIntent } from '../case-intent.ts'
import type { City } from '../city/city.ts'
import type { AlarmReport } from '../report.ts'
import { alarmRule, incidentKey } from './alarm-rules.ts'
import type { Filtered } from './findings.ts'
import { becomesCase, type CaseMade, hasLasted, registeredPlace } from './incident-case.ts'
import { incidentOf, type Signal } from './incident-match.ts'
import { continued, opened, type Stepped, withPicture } from './incident-signal.ts'
import {
  type AlarmMemory,
  type ConditionMark,
  type IncidentChange,
  type IncidentState,
  noAlarms,
  tokenOf,
  type WantedSnapshot,
  withState,
} from './incident-state.ts'
import { dueMs, passTime } from './incident-time.ts'
import type { TriageLimits } from './limits.ts'
import { locationOf } from './location.ts'
import { blankMemory, type SubjectMemory } from './memory.ts'
import { sight } from './sighting.ts'
import { possibleTime, timeFault } from './times.ts'
import type { TriageMessage } from './triage.ts'

/** What alarms are judged by, and what they lead to. */
export interface AlarmDesk {
  readonly message: TriageMessage
  readonly city: City
  readonly memories: Map<string, SubjectMemory>
  readonly newId: () => string
  readonly limits: TriageLimits
  readonly intents: CaseIntent[]
  readonly filtered: Filtered[]
  readonly incidents: IncidentChange[]
  readonly snapshots: WantedSnapshot[]
}

/** More under way at once of one device, and further parts of it are told apart no more. */
const mostOpen = 40
const mostMarks = 32
const longest = 200

/**
 * One signal of a camera or sensor: it opens an incident or belongs to one, which becomes a case when the city's rule
 * says so. The memory of `desk.memories` carries the incidents. `index`: the report's place in its message. Never throws.
 * Whoever derives alarms of another report gives a desk with a `filtered` of its own: that report was of use.
 */
export function takeAlarm(said: AlarmReport, index: number, desk: AlarmDesk): void {
  const report = shortened(said)
  const { subject } = report
  const memory = desk.memories.get(subject) ?? blankMemory
  const heardMs = desk.message.receivedAt.getTime()
  const aged = passTime(subject, memory.alarms ?? noAlarms, heardMs, desk)
  for (const one of aged.made) put(subject, one, desk)
  const { alarms, filtered } = takeSignal(report, aged.alarms, desk)
  desk.memories.set(subject, { ...memory, alarms })
  if (filtered !== null) desk.filtered.push({ index, reason: filtered, detail: `${report.event} ${report.phase}` })
}

interface Taken {
  readonly alarms: AlarmMemory
  readonly filtered: Filtered['reason'] | null
}

function takeSignal(report: AlarmReport, alarms: AlarmMemory, desk: AlarmDesk): Taken {
  const signal = signalOf(report, alarms, desk)
  const mine = incidentOf(alarms, signal)
  const mark = alarms.marks[signal.key] ?? null
  if (report.phase === 'state-on') return takeState(signal, mine?.state ?? null, alarms, desk)
  if (mine === null) {
    if (isNoNews(report, mark)) {
      const ends = report.phase === 'ended'
      const next = ends ? { held: false, endedMs: signal.atMs, heardMs: signal.heardMs } : null
      return {
        alarms: next === null ? alarms : withMark(alarms, signal.key, next),
        filtered: ends ? 'nothing-to-end' : 'state-not-alarm',
      }
    }
    const stepped = opened(signal, mark, clockRemark(report, desk), desk.newId)
    const next = settle(stepped, signal, desk)
    return { alarms: withState(withoutMark(alarms, signal.key), next), filtered: null }
  }
  if (mine.brings === 'picture' || mine.state.cleared !== null) {
    const { state, entries } = withPicture(mine.state, signal, desk.newId)
    if (entries.length === 0) return { alarms, filtered: 'repeated-alarm' }
    put(report.subject, { state, entries, intent: null }, desk)
    return { alarms: withState(alarms, state), filtered: null }
  }
  if (endsNothing(mine.state, report)) return { alarms, filtered: 'nothing-to-end' }
  const stepped = continued(mine.state, signal, clockRemark(report, desk), desk.newId)
  const next = settle(stepped, signal, desk)
  const ends = next.running.length < mine.state.running.length
  const news = ends || next.caseMs !== mine.state.caseMs || stepped.entries.length > 1
  return { alarms: withState(alarms, next), filtered: news ? null : 'repeated-alarm' }
}

/** What holds is no alarm; of an incident that is known it says that it goes on. */
function takeState(signal: Signal, known: IncidentState | null, alarms: AlarmMemory, desk: AlarmDesk): Taken {
  if (known === null || known.cleared !== null) {
    const mark = { held: true, endedMs: null, heardMs: signal.heardMs }
    return { alarms: withMark(alarms, signal.key, mark), filtered: 'state-not-alarm' }
  }
  const report = { ...signal.report, phase: 'going-on' } as const
  const next = settle(continued(known, { ...signal, report }, null, desk.newId), signal, desk)
  return { alarms: withState(alarms, next), filtered: 'state-not-alarm' }
}

/** An end without an id of its own, and what has held all along, say nothing that anybody missed. */
function isNoNews({ phase, occurrence }: AlarmReport, mark: ConditionMark | null): boolean {
  if (phase === 'ended') return occurrence === null || mark?.held === true
  return phase === 'going-on' && mark?.held === true
}

/** Devices that say every few seconds that all is well would keep what is over from ever being over. */
function endsNothing({ running, ended }: IncidentState, report: AlarmReport): boolean {
  const token = tokenOf(report)
  return report.phase === 'ended' && !running.includes(token) && (report.occurrence === null || ended.includes(token))
}

/** Makes a case of it where it is time, asks for its picture, and hands it on. */
function settle({ state: stepped, entries }: Stepped, signal: Signal, desk: AlarmDesk): IncidentState {
  const { subject } = signal
  const { rule } = alarmRule(desk.city, subject, stepped)
  const { snapshot } = signal.report
  const asks = snapshot !== null && rule.category !== null && !stepped.pictures.asked && stepped.pictures.count === 0
  const state = asks ? { ...stepped, pictures: { ...stepped.pictures, asked: true } } : stepped
  if (asks) desk.snapshots.push({ incidentId: state.id, subject, snapshot })
  const made = hasLasted(state, rule) ? becomesCase(subject, state, rule, signal.heardMs, desk) : null
  if (made === null) {
    put(subject, { state, entries, intent: null }, desk)
    return state
  }
  put(subject, { ...made, entries: [...entries, ...made.entries] }, desk)
  return made.state
}

function put(subject: string, { state, entries, intent }: CaseMade, desk: AlarmDesk): void {
  desk.incidents.push(changeOf(subject, state, entries, desk))
  if (intent !== null) desk.intents.push(intent)
}

export function changeOf(
  subject: string,
  state: IncidentState,
  entries: IncidentChange['entries'],
  { city, limits }: Pick<AlarmDesk, 'city' | 'limits'>,
): IncidentChange {
  const place = state.place ?? registeredPlace(subject, state.of, city, limits)
  return { subject, place, state, dueMs: dueMs(subject, state, city), entries }
}

function signalOf(report: AlarmReport, alarms: AlarmMemory, desk: AlarmDesk): Signal {
  const { message, city, limits } = desk
  const heardMs = message.receivedAt.getTime()
  const deviceMs = possibleTime(report.deviceTime, heardMs, limits)
  const { rule, mapped } = alarmRule(city, report.subject, report)
  const key = incidentKey(report, rule)
  return {
    report,
    subject: report.subject,
    messageId: message.id,
    adapter: message.adapter,
    channel: message.channel,
    atMs: deviceMs ?? heardMs,
    origin: deviceMs === null ? 'gateway' : 'device',
    heardMs,
    rule,
    mapped,
    key: keyAmong(alarms, key, incidentKey({ ...report, part: '…', event: '*' }, rule)),
    place: placeOf(report, desk),
  }
}

function keyAmong({ incidents }: AlarmMemory, own: string, shared: string): string {
  const open = incidents.filter(({ cleared }) => cleared === null)
  const has = (key: string) => open.some((one) => one.key === key)
  // What is told under the shared key goes on under it, also when there is room again: it is one incident.
  return !has(own) && (open.length >= mostOpen || has(shared)) ? shared : own
}

function placeOf(report: AlarmReport, { message, city, limits }: AlarmDesk): Signal['place'] {
  if (report.where === null) return null
  const { deviceTime, where: gps } = report
  const sighting = sight({ gps, cells: [], deviceTime }, 'wgs84', message.receivedAt.getTime(), city, limits)
  return locationOf(sighting, city, limits)
}

function clockRemark(
  { deviceTime }: AlarmReport,
  { message, limits }: AlarmDesk,
): CaseIntent['remarks'][number] | null {
  if (deviceTime === null) return null
  return timeFault(deviceTime.getTime(), message.receivedAt.getTime(), limits.oldestMs, limits.futureMs)
}

function withMark(alarms: AlarmMemory, key: string, mark: ConditionMark): AlarmMemory {
  const entries = Object.entries({ ...alarms.marks, [key]: mark }).sort(([, a], [, b]) => b.heardMs - a.heardMs)
  return { ...alarms, marks: Object.fromEntries(entries.slice(0, mostMarks)) }
}

function withoutMark(alarms: AlarmMemory, key: string): AlarmMemory {
  if (alarms.marks[key] === undefined) return alarms
  const { [key]: _gone, ...marks } = alarms.marks
  return { ...alarms, marks }
}

/** Words of a device that are kept; the bytes as they came stay with the message. */
function shortened(report: AlarmReport): AlarmReport {
  const short = (text: string) => (text.length <= longest ? text : text.slice(0, longest))
  const { event, part, occurrence, detail } = report
  return {
    ...report,
    event: short(event),
    part: part === null ? null : short(part),
    occurrence: occurrence === null ? null : short(occurrence),
    detail: Object.fromEntries(
      Object.entries(detail)
        .slice(0, 20)
        .map(([name, words]) => [short(name), short(words)]),
    ),
  }
}
