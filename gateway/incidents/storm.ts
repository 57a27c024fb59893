import type { ClientBase, Pool } from 'pg'
import type { BatchRows } from '../intake/rows.ts'
import { findStorms, type StormGroup } from '../store/incidents.ts'
import { withState } from '../triage/incident-state.ts'
import type { IncidentRow } from './rows.ts'

/** When so many incidents of one category in one district are a storm. */
export interface StormLimits {
  /** The one that makes it so many is the storm's. */
  readonly incidents: number
  readonly withinMs: number
}

export const usualStorm: StormLimits = { incidents: 20, withinMs: 600_000 }

type Rows = Pick<BatchRows, 'intents' | 'incidents' | 'devices' | 'tally'>

/**
 * In a storm a new incident becomes part of the storm's and has no intent of its own; an emergency never does. It has
 * calmed when fewer came within the time. Two gateways that look at one moment may each see a storm begin: an intent
 * too many, never one too few.
 */
export async function mergeStorms(
  rows: Rows,
  { storm }: { readonly storm: StormLimits },
  pool: Pool | ClientBase,
): Promise<void> {
  const fresh = rows.intents.flatMap(({ intent }) => {
    const row = intent.incident === null ? undefined : rows.incidents.get(intent.incident.id)
    return row === undefined || row.state.urgency === 'emergency' ? [] : [row]
  })
  if (fresh.length === 0) return
  const groups = new Map(fresh.map((row) => [keyOf(groupOf(row)), groupOf(row)]))
  const caseTimes = fresh.map(({ state }) => state.caseMs ?? state.heardMs)
  const since = new Date(Math.min(...caseTimes) - storm.withinMs)
  const found = await findStorms(pool, [...groups.values()], since)
  const weather = new Map(found.map(({ recent, head, ...group }) => [keyOf(group), { recent, head }]))
  for (const row of fresh) {
    const key = keyOf(groupOf(row))
    const { recent, head } = weather.get(key) ?? { recent: 0, head: null }
    const begins = head === null && recent + 1 >= storm.incidents
    weather.set(key, { recent: recent + 1, head: begins ? row.state.id : head })
    if (begins) change(rows, row, headOf(row))
    else if (head !== null && recent + 1 >= storm.incidents) merge(rows, row, head)
  }
}

function groupOf({ place, state: { category } }: IncidentRow): StormGroup {
  return {
    scheme: category?.scheme ?? '',
    kind: category?.kind ?? '',
    code: category?.code ?? '',
    district: place?.district?.code ?? '',
  }
}

const keyOf = ({ scheme, kind, code, district }: StormGroup): string => [scheme, kind, code, district].join(' ')

/** The storm's incident is a case like any other, with a flag. */
function headOf({ state, entries }: IncidentRow): Pick<IncidentRow, 'state' | 'entries'> {
  const lines = [...entries].map(([id, entry]) => {
    return [id, entry.what === 'case' ? { ...entry, detail: { flag: 'storm' } } : entry] as const
  })
  return { state: { ...state, flags: [...state.flags, 'storm'] }, entries: new Map(lines) }
}

function merge(rows: Rows, row: IncidentRow, head: string): void {
  const { state } = row
  const lines = [...row.entries].map(([id, entry]) => {
    return [id, entry.what === 'case' ? { ...entry, what: 'merged' as const, detail: { into: head } } : entry] as const
  })
  const at = rows.intents.findIndex(({ intent }) => intent.id === state.intentId)
  if (at !== -1) rows.intents.splice(at, 1)
  rows.tally.add(new Date(state.heardMs), state.adapter, state.channel, 'incident', 'merged')
  change(rows, row, { state: { ...state, intentId: null, mergedInto: head }, entries: new Map(lines) })
}

/** What is remembered of it is what is stored of it. */
function change(rows: Rows, row: IncidentRow, { state, entries }: Pick<IncidentRow, 'state' | 'entries'>): void {
  rows.incidents.set(state.id, { ...row, state, entries })
  const device = rows.devices.get(row.subject)
  if (device?.memory?.alarms === undefined) return
  device.memory = { ...device.memory, alarms: withState(device.memory.alarms, state) }
}
