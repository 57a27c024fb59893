import type { ClientBase, Pool, QueryResultRow } from 'pg'
import type { BatchRows } from '../intake/rows.ts'
import { storableJson } from './array-literal.ts'
import type { BatchPart } from './batch-part.ts'
import { Columns } from './columns.ts'
import { noticeParts } from './notice-parts.ts'
import { callParts, settledLegs } from './write-calls.ts'
import { incidentParts } from './write-incidents.ts'
import { textParts } from './write-texts.ts'

/**
 * The hot path's one write: a whole batch, every table, in one statement, which is one transaction and one fsync.
 * A table the batch does not touch is left out of the statement.
 */

const messages: BatchPart = ({ messages: m }, _gateway, columns) => {
  if (m.length === 0) return null
  return `message_in AS (INSERT INTO message (id, received_at, adapter, channel, key, raw, envelope, disposition, reason)
    SELECT * FROM unnest(
      ${columns.uuid(m, (row) => row.id)},
      ${columns.time(m, (row) => row.receivedAt)},
      ${columns.text(m, (row) => row.adapter)},
      ${columns.text(m, (row) => row.channel)},
      ${columns.text(m, (row) => row.key)},
      ${columns.bytes(m, (row) => row.raw)},
      ${columns.json(m, (row) => storableJson(row.envelope))},
      ${columns.text(m, (row) => row.disposition)},
      ${columns.text(m, (row) => row.reason)})
    RETURNING adapter, key, received_at)`
}

// No ON CONFLICT: a key that another gateway took since it was looked up must fail the statement, and the batch is
// understood again with that key known.
const keys: BatchPart = ({ messages: m, renewedKeys }, _gateway, columns) => {
  if (m.length === 0) return null
  const but = renewedKeys.length === 0 ? '' : ' WHERE (adapter, key) NOT IN (SELECT adapter, key FROM key_renewed)'
  // Where adapters share their keys the scope is a column of its own; elsewhere it is the adapter, which is there already.
  const from = m.every(({ keyScope, adapter }) => keyScope === adapter)
    ? 'message_in'
    : `unnest(${columns.text(m, (row) => row.keyScope)}, ${columns.text(m, (row) => row.key)}, ${columns.time(m, (row) => row.receivedAt)}) AS k(adapter, key, received_at)`
  return `key_in AS (INSERT INTO message_key (adapter, key, received_at) SELECT adapter, key, received_at FROM ${from}${but})`
}

const positions: BatchPart = ({ positions: p }, _gateway, columns) => {
  if (p.length === 0) return null
  return `position_in AS (INSERT INTO position (subject, at, at_origin, received_at, message_id, latitude, longitude,
      accuracy_m, found_by, speed_kmh, heading_deg, grid, district)
    SELECT * FROM unnest(
      ${columns.text(p, ({ position }) => position.subject)},
      ${columns.time(p, ({ position }) => position.at)},
      ${columns.text(p, ({ position }) => position.atOrigin)},
      ${columns.time(p, (row) => row.receivedAt)},
      ${columns.uuid(p, (row) => row.messageId)},
      ${columns.float(p, ({ position }) => position.latitude)},
      ${columns.float(p, ({ position }) => position.longitude)},
      ${columns.float(p, ({ position }) => position.accuracyM)},
      ${columns.text(p, ({ position }) => position.foundBy)},
      ${columns.float(p, ({ position }) => position.speedKmh)},
      ${columns.float(p, ({ position }) => position.headingDeg)},
      ${columns.text(p, ({ position }) => position.grid)},
      ${columns.text(p, ({ position }) => position.district)})
    ON CONFLICT DO NOTHING)`
}

const intents: BatchPart = ({ intents: list, outbox }, _gateway, columns) => {
  if (list.length === 0) return null
  const destinations = new Map<string, string[]>()
  for (const row of outbox) {
    const known = destinations.get(row.eventId)
    if (known === undefined) destinations.set(row.eventId, [row.destination])
    else known.push(row.destination)
  }
  const data = list.map(({ intent, receivedAt, messageId }) => ({
    id: intent.id,
    received_at: receivedAt,
    purpose: intent.purpose,
    channel: intent.channel,
    kind: intent.kind,
    category_code: intent.category.code,
    urgency: intent.urgency,
    district: intent.location?.district?.code ?? null,
    grid: intent.location?.grid ?? null,
    latitude: intent.location?.latitude ?? null,
    longitude: intent.location?.longitude ?? null,
    accuracy_m: intent.location?.accuracyM ?? null,
    candidate_codes: intent.category.code === null ? intent.category.candidates.map(({ code }) => code) : [],
    component_id: intent.component?.id ?? null,
    text: intent.text,
    reporter: intent.reporter.id,
    message_id: messageId,
    destinations: destinations.get(intent.id) ?? [],
    data: intent,
  }))
  return `intent_in AS (INSERT INTO intent (id, received_at, purpose, channel, kind, category_code, urgency, district, grid,
      latitude, longitude, accuracy_m, candidate_codes, component_id, text, reporter, message_id, destinations, data)
    SELECT id, received_at, purpose, channel, kind, category_code, urgency, district, grid, latitude, longitude, accuracy_m,
      candidate_codes, component_id, text, reporter, message_id, destinations, data
    FROM jsonb_to_recordset(${columns.value(storableJson(data))}::jsonb) AS r(id uuid, received_at timestamptz, purpose text,
      channel text, kind text, category_code text, urgency text, district text, grid text, latitude float8,
      longitude float8, accuracy_m float8, candidate_codes text[], component_id text, text text, reporter text, message_id uuid, destinations text[], data jsonb))`
}

const outbox: BatchPart = ({ outbox: o }, _gateway, columns) => {
  if (o.length === 0) return null
  return `outbox_in AS (INSERT INTO outbox (destination, event_id, type, ordering_key, body, created_at)
    SELECT * FROM unnest(
      ${columns.text(o, (row) => row.destination)},
      ${columns.uuid(o, (row) => row.eventId)},
      ${columns.text(o, (row) => row.type)},
      ${columns.text(o, (row) => row.orderingKey)},
      ${columns.text(o, (row) => row.body)},
      ${columns.time(o, (row) => row.createdAt)}))`
}

const deadLetters: BatchPart = ({ deadLetters: d }, _gateway, columns) => {
  if (d.length === 0) return null
  return `dead_letter_in AS (INSERT INTO dead_letter (message_id, message_received_at, adapter, channel, item, code, detail)
    SELECT * FROM unnest(
      ${columns.uuid(d, (row) => row.messageId)},
      ${columns.time(d, (row) => row.receivedAt)},
      ${columns.text(d, (row) => row.adapter)},
      ${columns.text(d, (row) => row.channel)},
      ${columns.int(d, (row) => row.item)},
      ${columns.text(d, (row) => row.code)},
      ${columns.text(d, (row) => row.detail)}))`
}

const tally: BatchPart = (rows, gateway, columns) => {
  const t = rows.tally.rows()
  if (t.length === 0) return null
  return `tally_in AS (INSERT INTO tally (gateway, day, subject, channel, what, reason, n)
    SELECT ${columns.value(gateway)}, * FROM unnest(
      ${columns.date(t, (row) => row.day)},
      ${columns.text(t, (row) => row.subject)},
      ${columns.text(t, (row) => row.channel)},
      ${columns.text(t, (row) => row.what)},
      ${columns.text(t, (row) => row.reason)},
      ${columns.bigint(t, (row) => row.n)})
    ON CONFLICT (day, gateway, subject, channel, what, reason) DO UPDATE SET n = tally.n + excluded.n)`
}

// The newest fix wins, so a late one changes the track but not the device. `version` is what makes two gateways that
// hear the same device notice each other.
const devices: BatchPart = ({ devices: map }, _gateway, columns) => {
  const d = [...map.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1))
  if (d.length === 0) return null
  const newer = `excluded.at IS NOT NULL AND (device.at IS NULL OR excluded.at >= device.at)`
  const fixColumns = ['at', 'latitude', 'longitude', 'accuracy_m', 'found_by', 'speed_kmh', 'grid', 'district']
  return `device_in AS (INSERT INTO device (subject, adapter, last_seen, presence, battery, at, latitude, longitude, accuracy_m,
      found_by, speed_kmh, grid, district, version, memory)
    SELECT * FROM unnest(
      ${columns.text(d, (row) => row.subject)},
      ${columns.text(d, (row) => row.adapter)},
      ${columns.time(d, (row) => row.lastSeen)},
      ${columns.text(d, (row) => row.presence)},
      ${columns.float(d, (row) => row.battery)},
      ${columns.time(d, (row) => row.position?.at ?? null)},
      ${columns.float(d, (row) => row.position?.latitude ?? null)},
      ${columns.float(d, (row) => row.position?.longitude ?? null)},
      ${columns.float(d, (row) => row.position?.accuracyM ?? null)},
      ${columns.text(d, (row) => row.position?.foundBy ?? null)},
      ${columns.float(d, (row) => row.position?.speedKmh ?? null)},
      ${columns.text(d, (row) => row.position?.grid ?? null)},
      ${columns.text(d, (row) => row.position?.district ?? null)},
      ${columns.bigint(d, (row) => row.version + 1)},
      ${columns.json(d, (row) => storableJson(row.memory))})
    ON CONFLICT (subject) DO UPDATE SET
      adapter = excluded.adapter,
      last_seen = GREATEST(device.last_seen, excluded.last_seen),
      presence = COALESCE(excluded.presence, device.presence),
      battery = COALESCE(excluded.battery, device.battery),
      ${fixColumns.map((column) => `${column} = CASE WHEN ${newer} THEN excluded.${column} ELSE device.${column} END`).join(',\n      ')},
      version = excluded.version,
      memory = excluded.memory
    WHERE device.version = excluded.version - 1
    RETURNING 1)`
}

const parts: readonly BatchPart[] = [
  messages,
  ...textParts,
  keys,
  positions,
  intents,
  outbox,
  deadLetters,
  ...noticeParts,
  ...incidentParts,
  ...callParts,
  tally,
  devices,
]

/** What must be true of the statement's own doing; else it fails as a whole, and the batch is understood again. */
function conditions({ devices: { size }, renewedKeys, settledCalls }: BatchRows, columns: Columns): string[] {
  const require = (table: string, count: number, otherwise: string) =>
    count === 0
      ? []
      : [`chengguan_require((SELECT count(*) FROM ${table}) = ${columns.value(String(count))}::bigint, '${otherwise}')`]
  return [
    ...require('device_in', size, 'a device was written by another gateway'),
    ...require('leg_settled', settledLegs(settledCalls).length, 'more was said of a call'),
    ...require('key_renewed', renewedKeys.length, 'a key was renewed by another gateway'),
  ]
}

/** Of all the columns of one message with a position; more costs a copy. */
const expectedBytes = 2048

/** The few forms the statement has, by which tables a batch touches, each with its name. */
const names = new Map<string, string>()

function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `chengguan_batch_${names.size}`
    names.set(text, name)
  }
  return name
}

/**
 * Rejects as a whole, with SQLSTATE 23505 when a key was taken meanwhile and CG001 when a device's memory is stale.
 * `named`: the server parses and plans each form once a connection, which a session of one's own is needed for.
 */
export async function writeBatch(
  client: Pool | ClientBase,
  rows: BatchRows,
  gateway: string,
  named = false,
): Promise<void> {
  const columns = new Columns(rows.messages.length * expectedBytes)
  const written = writtenParts(rows, gateway, columns)
  if (written.length === 0) return
  const holds = conditions(rows, columns)
  const text = `WITH ${written.join(',\n')}\nSELECT ${holds.length === 0 ? '1' : holds.join(', ')}`
  await client.query({ text, values: columns.values(), ...(named && { name: nameOf(text) }) })
}

/** The same with a part of one's own before the others, and what it returns. */
export async function writeReturning<Row extends QueryResultRow>(
  client: Pool | ClientBase,
  rows: BatchRows,
  gateway: string,
  first: (columns: Columns) => string,
  select: string,
  named = false,
): Promise<Row[]> {
  const columns = new Columns()
  const written = [first(columns), ...writtenParts(rows, gateway, columns)]
  const text = `WITH ${written.join(',\n')}\n${select}`
  const { rows: returned } = await client.query<Row>({
    text,
    values: columns.values(),
    ...(named && { name: nameOf(text) }),
  })
  return returned
}

function writtenParts(rows: BatchRows, gateway: string, columns: Columns): string[] {
  return parts.map((part) => part(rows, gateway, columns)).filter((sql) => sql !== null)
}
