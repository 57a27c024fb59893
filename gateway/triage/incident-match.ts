import type { Location } from '../case-intent.ts'
import type { AlarmRule } from '../city/city.ts'
import type { AlarmReport } from '../report.ts'
import { distanceM } from './distance.ts'
import { type AlarmMemory, type IncidentState, missedStart, tokenOf } from './incident-state.ts'

/** One signal with its times, its rule and its place. */
export interface Signal {
  readonly report: AlarmReport
  readonly subject: string
  readonly messageId: string
  readonly adapter: string
  readonly channel: string
  readonly atMs: number
  readonly origin: 'device' | 'gateway'
  readonly heardMs: number
  readonly rule: AlarmRule
  readonly mapped: boolean
  readonly key: string
  /** Of one that moves. */
  readonly place: Location | null
}

/** One that moves sees another thing when it is so far from where it saw the first. */
const sameSightM = 150

/** The incident that a signal belongs to, and whether it only brings a picture to it. */
export function incidentOf(
  { incidents }: AlarmMemory,
  signal: Signal,
): { readonly state: IncidentState; readonly brings: 'signal' | 'picture' } | null {
  const { report } = signal
  if (report.occurrence !== null) {
    const asked = incidents.find(({ id }) => id === report.occurrence)
    if (asked !== undefined) return { state: asked, brings: 'picture' }
    const token = tokenOf(report)
    const known = incidents.findLast(
      (state) => (state.running.includes(token) || state.ended.includes(token)) && stillMeans(state, signal),
    )
    if (known !== undefined) return { state: known, brings: bringsOf(known, signal) }
  }
  const own = incidents.findLast((state) => state.key === signal.key && isNear(state, signal))
  return own === undefined ? null : { state: own, brings: bringsOf(own, signal) }
}

/** Sources count their occurrences anew: of what is over, only what comes late is meant. */
function stillMeans({ cleared, lastMs }: IncidentState, { report, atMs, rule }: Signal): boolean {
  return cleared === null || report.phase === 'ended' || carriesPicture(report) || atMs <= lastMs + rule.joinS * 1000
}

function isNear(state: IncidentState, { report, atMs, heardMs, rule, place }: Signal): boolean {
  const { cleared, openedMs, lastMs, running, pictures } = state
  const joinMs = rule.joinS * 1000
  if (cleared !== null) {
    if (pictures.asked && pictures.count === 0 && carriesPicture(report)) return true
    // Strictly: a clock that stands still would hide every later incident in the first.
    return atMs !== heardMs && atMs >= openedMs - joinMs && atMs < lastMs
  }
  if (state.place !== null && place !== null && distanceM(state.place, place) > sameSightM) return false
  const clearMs = rule.clearAfterS === null ? Number.POSITIVE_INFINITY : rule.clearAfterS * 1000
  const waitMs = running.length === 0 ? joinMs : Math.max(joinMs, clearMs)
  // Where the start was missed it may still come.
  const beforeMs = state.remarks.some(({ reason }) => reason === missedStart) ? Math.max(joinMs, clearMs) : joinMs
  return atMs >= openedMs - beforeMs && atMs <= lastMs + waitMs
}

const carriesPicture = ({ phase, attachments }: AlarmReport): boolean => phase === 'going-on' && attachments.length > 0

/** What comes late to an incident that is over adds its picture and nothing else. */
function bringsOf({ cleared }: IncidentState, { report }: Signal): 'signal' | 'picture' {
  return cleared !== null && report.attachments.length > 0 ? 'picture' : 'signal'
}
