import type { BatchRows } from '../intake/rows.ts'
import { type Posting, post } from '../relay/post.ts'
import type { EntryKind, IncidentEntry } from '../triage/incident-state.ts'
import type { IncidentRow } from './rows.ts'

/** What a core is told of an incident. */
const told: Partial<Record<EntryKind, string>> = {
  case: 'opened',
  raised: 'raised',
  flagged: 'flagged',
  picture: 'picture',
  merged: 'merged',
  cleared: 'cleared',
}

/** Events of incidents from the moment on when they are cases; of what a storm swallowed only that it did. */
export function tellIncidents(rows: Pick<BatchRows, 'incidents' | 'outbox' | 'tally'>, how: Posting): void {
  for (const row of rows.incidents.values()) {
    const lines = [...row.entries.values()]
    const from = lines.findIndex(({ what }) => what === 'case' || what === 'merged')
    if (row.state.intentId === null && from === -1) continue
    for (const entry of lines.slice(Math.max(0, from))) {
      const what = told[entry.what]
      if (what === undefined || (row.state.intentId === null && what !== 'merged')) continue
      tell(row, entry, what, how, rows)
    }
  }
}

function tell(
  { subject, place, state }: IncidentRow,
  entry: IncidentEntry,
  what: string,
  how: Posting,
  rows: Pick<BatchRows, 'outbox' | 'tally'>,
): void {
  const { id, of, event, part, category, urgency, flags, signals, value, unit, intentId, mergedInto } = state
  const at = new Date(entry.atMs).toISOString()
  const data = {
    ...{ incidentId: id, what, at, of, subject, event, part, category, urgency },
    openedAt: new Date(state.openedMs).toISOString(),
    lastAt: new Date(state.lastMs).toISOString(),
    clearedAt: state.cleared === null ? null : new Date(state.cleared.atMs).toISOString(),
    clearedWhy: state.cleared?.why ?? null,
    ...{ signals, flags, value, unit },
    grid: place?.grid ?? null,
    district: place?.district?.code ?? null,
    ...{ intentId, mergedInto },
    attachments: entry.attachments,
    evidence: entry.messageId === null ? [] : [entry.messageId],
  }
  const traits = { type: 'incident', district: data.district, purpose: 'alarm', urgency } as const
  post(
    { id: entry.id, type: 'incident', subject, orderingKey: id, time: at, data },
    traits,
    new Date(entry.heardMs),
    how,
    rows,
  )
}
