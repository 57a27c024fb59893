import type { AlarmRule, City } from '../city/city.ts'
import { alarmRule } from './alarm-rules.ts'
import { becomesCase, type CaseMade, type Circumstances, isPending } from './incident-case.ts'
import { type AlarmMemory, type IncidentEntry, type IncidentState, withState } from './incident-state.ts'

/** What time alone does to incidents: they become cases, are flagged as stuck, are over. */

const remembersMs = 10 * 60_000
/** As long as an errand is tried, and longer than an adapter keeps an object in view. */
const awaitsMs = 2 * 86_400_000
const mostCleared = 24

type Deed = 'case' | 'stuck' | 'clear'

/** What is due next of an open incident, by the gateway's clock; `null`: nothing before the next signal. */
function nextDeed(state: IncidentState, rule: AlarmRule): { readonly deed: Deed; readonly atMs: number } | null {
  if (state.cleared !== null) return null
  const { heardMs, heardFromMs, running } = state
  const due: { deed: Deed; atMs: number }[] = []
  const clearMs = clearAtMs(state, rule)
  if (clearMs !== null) due.push({ deed: 'clear', atMs: clearMs })
  if (rule.stuckAfterS !== null && !state.flags.includes('stuck'))
    due.push({ deed: 'stuck', atMs: Math.max(heardMs, heardFromMs + rule.stuckAfterS * 1000) })
  if (running.length > 0 && isPending(state, rule))
    due.push({ deed: 'case', atMs: Math.max(heardMs, heardFromMs + rule.afterS * 1000) })
  // Of two at one moment the one that says more comes first.
  const order: readonly Deed[] = ['case', 'stuck', 'clear']
  due.sort((a, b) => a.atMs - b.atMs || order.indexOf(a.deed) - order.indexOf(b.deed))
  return due[0] ?? null
}

function clearAtMs({ running, heardMs }: IncidentState, { joinS, clearAfterS }: AlarmRule): number | null {
  if (running.length === 0) return heardMs + joinS * 1000
  return clearAfterS === null ? null : heardMs + Math.max(joinS, clearAfterS) * 1000
}

/** When time will do something to it; `null`: never by itself. */
export function dueMs(subject: string, state: IncidentState, city: City): number | null {
  return nextDeed(state, alarmRule(city, subject, state).rule)?.atMs ?? null
}

/** Everything that is due by now, each at the moment it was due. */
export function passTime(
  subject: string,
  alarms: AlarmMemory,
  nowMs: number,
  circumstances: Circumstances,
): { readonly alarms: AlarmMemory; readonly made: readonly CaseMade[] } {
  let next = alarms
  const made: CaseMade[] = []
  for (const before of alarms.incidents) {
    const { rule } = alarmRule(circumstances.city, subject, before)
    let state = before
    const entries: IncidentEntry[] = []
    let intent: CaseMade['intent'] = null
    for (;;) {
      const due = nextDeed(state, rule)
      if (due === null || due.atMs > nowMs) break
      if (due.deed === 'case') {
        const one = becomesCase(subject, state, rule, due.atMs, circumstances)
        if (one === null) break
        intent = one.intent
        entries.push(...one.entries)
        state = one.state
      } else {
        entries.push(lineOf(due.deed, state, due.atMs, circumstances))
        state = due.deed === 'stuck' ? flagged(state) : cleared(state, due.atMs)
      }
    }
    if (state === before) continue
    made.push({ state, entries, intent })
    next = withState(next, state)
  }
  return { alarms: forget(next, nowMs), made }
}

const flagged = (state: IncidentState): IncidentState => ({ ...state, flags: [...state.flags, 'stuck'] })

const cleared = (state: IncidentState, atMs: number): IncidentState => ({
  ...state,
  cleared: { atMs, why: state.running.length === 0 ? 'ended' : 'silent' },
})

function lineOf(deed: 'stuck' | 'clear', state: IncidentState, atMs: number, { newId }: Circumstances): IncidentEntry {
  const silent: Readonly<Record<string, string>> =
    state.running.length === 0 ? {} : { why: 'nothing was heard any more, and no end' }
  return {
    id: newId(),
    what: deed === 'stuck' ? 'flagged' : 'cleared',
    atMs,
    heardMs: atMs,
    event: state.event,
    phase: null,
    signals: 0,
    detail: deed === 'stuck' ? { flag: 'stuck' } : silent,
    attachments: [],
    messageId: null,
  }
}

/** One that is over is remembered while something of it may come late. */
function forget(alarms: AlarmMemory, nowMs: number): AlarmMemory {
  const { incidents } = alarms
  const awaits = ({ pictures, running, ended }: IncidentState) =>
    (pictures.asked && pictures.count === 0) || running.length + ended.length > 0 ? awaitsMs : remembersMs
  const kept = incidents.filter((one) => one.cleared === null || nowMs - one.cleared.atMs < awaits(one))
  const over = kept.filter((one) => one.cleared !== null).length - mostCleared
  const dropped = new Set(kept.filter((one) => one.cleared !== null).slice(0, Math.max(0, over)))
  if (kept.length === incidents.length && dropped.size === 0) return alarms
  return { ...alarms, incidents: kept.filter((one) => !dropped.has(one)) }
}
