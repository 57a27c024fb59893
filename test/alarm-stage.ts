import type { AlarmReport } from '../gateway/report.ts'
import type { AlarmMemory, IncidentChange, IncidentState } from '../gateway/triage/incident-state.ts'
import { passTime } from '../gateway/triage/incident-time.ts'
import type { Findings } from '../gateway/triage/triage.ts'
import { after, morning, Stage } from './triage-stage.ts'

export function alarm(subject: string, event: string, more: Partial<AlarmReport> = {}): AlarmReport {
  const none = { part: null, occurrence: null, detail: {}, where: null, attachments: [], snapshot: null }
  return { kind: 'alarm', of: 'camera', subject, event, deviceTime: null, phase: 'once', ...none, ...more }
}

/** A desk that alarms are told to, second by second, and what became of them. */
export class AlarmStage {
  readonly stage: Stage
  readonly findings: Findings[] = []
  readonly #states = new Map<string, IncidentState>()
  readonly #timed: ReturnType<typeof passTime>['made'][number][] = []
  #ids = 0

  constructor(stage = new Stage()) {
    this.stage = stage
  }

  /** Received so many seconds after the morning began. */
  say(atS: number, ...reports: AlarmReport[]): Findings {
    const findings = this.stage.take(after(atS), ...reports)
    this.findings.push(findings)
    for (const { state } of findings.incidents) this.#states.set(state.id, state)
    return findings
  }

  /** What the sweep does at that moment. */
  pass(subject: string, atS: number) {
    const memory = this.stage.memory(subject)
    if (memory.alarms === undefined) throw new Error(`nothing is known of ${subject}`)
    const { city, limits } = this.stage
    const circumstances = { city, limits, newId: () => `t${++this.#ids}` }
    const { alarms, made } = passTime(subject, memory.alarms, morning.getTime() + atS * 1000, circumstances)
    this.stage.memories.set(subject, { ...memory, alarms })
    this.#timed.push(...made)
    for (const { state } of made) this.#states.set(state.id, state)
    return made
  }

  get intents() {
    return [
      ...this.findings.flatMap(({ intents }) => intents),
      ...this.#timed.flatMap(({ intent }) => (intent === null ? [] : [intent])),
    ]
  }

  /** Every incident as it was last, in the order of opening. */
  get incidents(): IncidentState[] {
    return [...this.#states.values()]
  }

  get changes(): IncidentChange[] {
    return this.findings.flatMap(({ incidents }) => incidents)
  }

  /** What a timeline says, coalesced lines once. */
  get lines(): string[] {
    const byId = new Map(this.changes.flatMap(({ entries }) => entries.map((entry) => [entry.id, entry] as const)))
    return [...byId.values()].map(({ what, signals }) => (what === 'signals' ? `${what} ${signals}` : what))
  }

  memory(subject: string): AlarmMemory {
    return this.stage.memory(subject).alarms ?? { incidents: [], marks: {} }
  }
}
