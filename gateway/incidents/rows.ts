import type { BatchRows } from '../intake/rows.ts'
import type { IncidentChange, IncidentEntry } from '../triage/incident-state.ts'

/** An incident as it is after a batch, and the lines that its timeline gains, by their ids. */
export interface IncidentRow extends Omit<IncidentChange, 'entries'> {
  readonly entries: ReadonlyMap<string, IncidentEntry>
}

/** Takes up what became of incidents, in order, and counts those that opened. */
export function enterIncidents(changes: readonly IncidentChange[], rows: Pick<BatchRows, 'incidents' | 'tally'>): void {
  for (const { entries, ...change } of changes) {
    const { state } = change
    const known = rows.incidents.get(state.id)?.entries ?? new Map<string, IncidentEntry>()
    const all = new Map([...known, ...entries.map((entry) => [entry.id, entry] as const)])
    rows.incidents.set(state.id, { ...change, entries: all })
    if (!entries.some(({ what }) => what === 'opened')) continue
    const reason = state.flags.includes('unmapped') ? 'unmapped' : 'opened'
    rows.tally.add(new Date(state.heardFromMs), state.adapter, state.channel, 'incident', reason)
  }
}
