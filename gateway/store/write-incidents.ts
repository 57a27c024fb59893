import { storableJson } from './array-literal.ts'
import type { BatchPart } from './batch-part.ts'

/** Incidents and their timelines, as parts of a batch's one statement. The device's version guards them. */

const fixed = ['id', 'subject', 'of', 'adapter', 'channel', 'received_at']
const changing = [
  ...'event part category_scheme category_kind category_code urgency state opened_at opened_origin last_at'.split(' '),
  ...'cleared_at cleared_why signals flags value unit latitude longitude grid district case_at intent_id'.split(' '),
  ...'merged_into evidence attachments due_at'.split(' '),
]
const names = [...fixed, ...changing].map((name) => `"${name}"`).join(', ')

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

const incidents: BatchPart = ({ incidents: map }, _gateway, columns) => {
  if (map.size === 0) return null
  const data = [...map.values()].map(({ subject, place, state, dueMs }) => ({
    id: state.id,
    subject,
    of: state.of,
    adapter: state.adapter,
    channel: state.channel,
    part: state.part,
    received_at: time(state.heardFromMs),
    category_scheme: state.category?.scheme ?? null,
    category_kind: state.category?.kind ?? null,
    category_code: state.category?.code ?? null,
    event: state.event,
    urgency: state.urgency,
    state: state.cleared === null ? 'open' : 'cleared',
    opened_at: time(state.openedMs),
    opened_origin: state.openedOrigin,
    last_at: time(state.lastMs),
    cleared_at: time(state.cleared?.atMs ?? null),
    cleared_why: state.cleared?.why ?? null,
    signals: state.signals,
    flags: state.flags,
    value: state.value,
    unit: state.unit,
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
    grid: place?.grid ?? null,
    district: place?.district?.code ?? null,
    case_at: time(state.caseMs),
    intent_id: state.intentId,
    merged_into: state.mergedInto,
    evidence: state.evidence,
    attachments: state.attachments,
    due_at: time(dueMs),
  }))
  return `incident_in AS (INSERT INTO incident (${names}) SELECT ${names}
    FROM jsonb_to_recordset(${columns.value(storableJson(data))}::jsonb) AS r("id" uuid, "subject" text, "of" text,
      "adapter" text, "channel" text, "part" text, "received_at" timestamptz, "category_scheme" text, "category_kind" text,
      "category_code" text, "event" text, "urgency" text, "state" text, "opened_at" timestamptz, "opened_origin" text,
      "last_at" timestamptz, "cleared_at" timestamptz, "cleared_why" text, "signals" int, "flags" text[], "value" float8,
      "unit" text, "latitude" float8, "longitude" float8, "grid" text, "district" text, "case_at" timestamptz,
      "intent_id" uuid, "merged_into" uuid, "evidence" uuid[], "attachments" jsonb, "due_at" timestamptz)
    ON CONFLICT (id) DO UPDATE SET ${changing.map((name) => `"${name}" = excluded."${name}"`).join(', ')})`
}

const entries: BatchPart = ({ incidents: map }, _gateway, columns) => {
  const lines = [...map.values()].flatMap(({ state, entries }) =>
    [...entries.values()].map((entry) => ({ incidentId: state.id, ...entry })),
  )
  if (lines.length === 0) return null
  return `incident_entry_in AS (INSERT INTO incident_entry (incident_id, id, what, at, received_at, event, phase, signals, detail,
      attachments, message_id)
    SELECT * FROM unnest(
      ${columns.uuid(lines, (row) => row.incidentId)},
      ${columns.uuid(lines, (row) => row.id)},
      ${columns.text(lines, (row) => row.what)},
      ${columns.time(lines, (row) => new Date(row.atMs))},
      ${columns.time(lines, (row) => new Date(row.heardMs))},
      ${columns.text(lines, (row) => row.event)},
      ${columns.text(lines, (row) => row.phase)},
      ${columns.int(lines, (row) => row.signals)},
      ${columns.json(lines, (row) => storableJson(row.detail))},
      ${columns.json(lines, (row) => storableJson(row.attachments))},
      ${columns.uuid(lines, (row) => row.messageId)})
    ON CONFLICT (incident_id, id) DO UPDATE SET what = excluded.what, at = excluded.at, received_at = excluded.received_at,
      event = excluded.event, phase = excluded.phase, signals = excluded.signals, detail = excluded.detail,
      attachments = excluded.attachments, message_id = excluded.message_id)`
}

export const incidentParts: readonly BatchPart[] = [incidents, entries]
