import type { ClientBase, Pool } from 'pg'
import type { BatchRows } from '../intake/rows.ts'
import { bytesArray, plainArray, storableJson, textArray, timeArray } from './array-literal.ts'

/**
 * The hot path's one write: a whole batch, every table, in one statement, which is one transaction and one fsync.
 * A table the batch does not touch is left out of the statement.
 */

/** One table's part of the statement: its SQL with `$n` placeholders made by `bind`. */
type Part = (rows: BatchRows, gateway: string, bind: (value: string) => string) => string | null

const messages: Part = ({ messages: m }, _gateway, bind) => {
  if (m.length === 0) return null
  return `message_in AS (INSERT INTO message (id, received_at, adapter, channel, key, raw, envelope, disposition, reason)
    SELECT * FROM unnest(
      ${bind(plainArray(m.map((row) => row.id)))}::uuid[],
      ${bind(timeArray(m.map((row) => row.receivedAt)))}::timestamptz[],
      ${bind(textArray(m.map((row) => row.adapter)))}::text[],
      ${bind(textArray(m.map((row) => row.channel)))}::text[],
      ${bind(textArray(m.map((row) => row.key)))}::text[],
      ${bind(bytesArray(m.map((row) => row.raw)))}::bytea[],
      ${bind(textArray(m.map((row) => storableJson(row.envelope))))}::jsonb[],
      ${bind(textArray(m.map((row) => row.disposition)))}::text[],
      ${bind(textArray(m.map((row) => row.reason)))}::text[])
    RETURNING adapter, key, received_at)`
}

// No ON CONFLICT: a key that another gateway took since it was looked up must fail the statement, and the batch is
// understood again with that key known.
const keys: Part = ({ messages: m }) =>
  m.length === 0
    ? null
    : `key_in AS (INSERT INTO message_key (adapter, key, received_at) SELECT adapter, key, received_at FROM message_in)`

const positions: Part = ({ positions: p }, _gateway, bind) => {
  if (p.length === 0) return null
  return `position_in AS (INSERT INTO position (subject, at, at_origin, received_at, message_id, latitude, longitude,
      accuracy_m, found_by, speed_kmh, heading_deg, grid, district)
    SELECT * FROM unnest(
      ${bind(textArray(p.map(({ position }) => position.subject)))}::text[],
      ${bind(timeArray(p.map(({ position }) => position.at)))}::timestamptz[],
      ${bind(textArray(p.map(({ position }) => position.atOrigin)))}::text[],
      ${bind(timeArray(p.map((row) => row.receivedAt)))}::timestamptz[],
      ${bind(plainArray(p.map((row) => row.messageId)))}::uuid[],
      ${bind(plainArray(p.map(({ position }) => position.latitude)))}::float8[],
      ${bind(plainArray(p.map(({ position }) => position.longitude)))}::float8[],
      ${bind(plainArray(p.map(({ position }) => position.accuracyM)))}::float8[],
      ${bind(textArray(p.map(({ position }) => position.foundBy)))}::text[],
      ${bind(plainArray(p.map(({ position }) => position.speedKmh)))}::float8[],
      ${bind(plainArray(p.map(({ position }) => position.headingDeg)))}::float8[],
      ${bind(textArray(p.map(({ position }) => position.grid)))}::text[],
      ${bind(textArray(p.map(({ position }) => position.district)))}::text[])
    ON CONFLICT DO NOTHING)`
}

const intents: Part = ({ intents: list, outbox }, _gateway, bind) => {
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
    reporter: intent.reporter.id,
    message_id: messageId,
    destinations: destinations.get(intent.id) ?? [],
    data: intent,
  }))
  return `intent_in AS (INSERT INTO intent (id, received_at, purpose, channel, kind, category_code, urgency, district, grid,
      latitude, longitude, reporter, message_id, destinations, data)
    SELECT id, received_at, purpose, channel, kind, category_code, urgency, district, grid, latitude, longitude, reporter,
      message_id, destinations, data
    FROM jsonb_to_recordset(${bind(storableJson(data))}::jsonb) AS r(id uuid, received_at timestamptz, purpose text,
      channel text, kind text, category_code text, urgency text, district text, grid text, latitude float8,
      longitude float8, reporter text, message_id uuid, destinations text[], data jsonb))`
}

const outbox: Part = ({ outbox: o }, _gateway, bind) => {
  if (o.length === 0) return null
  return `outbox_in AS (INSERT INTO outbox (destination, event_id, type, ordering_key, body, created_at)
    SELECT * FROM unnest(
      ${bind(textArray(o.map((row) => row.destination)))}::text[],
      ${bind(plainArray(o.map((row) => row.eventId)))}::uuid[],
      ${bind(textArray(o.map((row) => row.type)))}::text[],
      ${bind(textArray(o.map((row) => row.orderingKey)))}::text[],
      ${bind(textArray(o.map((row) => row.body)))}::text[],
      ${bind(timeArray(o.map((row) => row.createdAt)))}::timestamptz[]))`
}

const deadLetters: Part = ({ deadLetters: d }, _gateway, bind) => {
  if (d.length === 0) return null
  return `dead_letter_in AS (INSERT INTO dead_letter (message_id, message_received_at, adapter, channel, item, code, detail)
    SELECT * FROM unnest(
      ${bind(plainArray(d.map((row) => row.messageId)))}::uuid[],
      ${bind(timeArray(d.map((row) => row.receivedAt)))}::timestamptz[],
      ${bind(textArray(d.map((row) => row.adapter)))}::text[],
      ${bind(textArray(d.map((row) => row.channel)))}::text[],
      ${bind(plainArray(d.map((row) => row.item)))}::int[],
      ${bind(textArray(d.map((row) => row.code)))}::text[],
      ${bind(textArray(d.map((row) => row.detail)))}::text[]))`
}

const noticeStates: Part = ({ noticeStates: n }, _gateway, bind) => {
  if (n.length === 0) return null
  const last = new Map(n.map((row) => [row.noticeId, row.state]))
  return `notice_state_in AS (INSERT INTO notice_state (notice_id, state, at, detail)
    SELECT * FROM unnest(
      ${bind(plainArray(n.map((row) => row.noticeId)))}::uuid[],
      ${bind(textArray(n.map((row) => row.state)))}::text[],
      ${bind(timeArray(n.map((row) => row.at)))}::timestamptz[],
      ${bind(textArray(n.map((row) => row.detail)))}::text[])),
  notice_up AS (UPDATE notice SET state = v.state
    FROM unnest(${bind(plainArray([...last.keys()]))}::uuid[], ${bind(textArray([...last.values()]))}::text[]) AS v(id, state)
    WHERE notice.id = v.id)`
}

const tally: Part = (rows, gateway, bind) => {
  const t = rows.tally.rows()
  if (t.length === 0) return null
  return `tally_in AS (INSERT INTO tally (gateway, day, subject, channel, what, reason, n)
    SELECT ${bind(gateway)}::text, * FROM unnest(
      ${bind(plainArray(t.map((row) => row.day)))}::date[],
      ${bind(textArray(t.map((row) => row.subject)))}::text[],
      ${bind(textArray(t.map((row) => row.channel)))}::text[],
      ${bind(textArray(t.map((row) => row.what)))}::text[],
      ${bind(textArray(t.map((row) => row.reason)))}::text[],
      ${bind(plainArray(t.map((row) => row.n)))}::bigint[])
    ON CONFLICT (day, gateway, subject, channel, what, reason) DO UPDATE SET n = tally.n + excluded.n)`
}

// The newest fix wins, so a late one changes the track but not the device. `version` is what makes two gateways that
// hear the same device notice each other.
const devices: Part = ({ devices: map }, _gateway, bind) => {
  const d = [...map.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1))
  if (d.length === 0) return null
  const newer = `excluded.at IS NOT NULL AND (device.at IS NULL OR excluded.at >= device.at)`
  const fixColumns = ['at', 'latitude', 'longitude', 'accuracy_m', 'found_by', 'speed_kmh', 'grid', 'district']
  return `device_in AS (INSERT INTO device (subject, adapter, last_seen, presence, battery, at, latitude, longitude, accuracy_m,
      found_by, speed_kmh, grid, district, version, memory)
    SELECT * FROM unnest(
      ${bind(textArray(d.map((row) => row.subject)))}::text[],
      ${bind(textArray(d.map((row) => row.adapter)))}::text[],
      ${bind(timeArray(d.map((row) => row.lastSeen)))}::timestamptz[],
      ${bind(textArray(d.map((row) => row.presence)))}::text[],
      ${bind(plainArray(d.map((row) => row.battery)))}::float8[],
      ${bind(timeArray(d.map((row) => row.position?.at ?? null)))}::timestamptz[],
      ${bind(plainArray(d.map((row) => row.position?.latitude ?? null)))}::float8[],
      ${bind(plainArray(d.map((row) => row.position?.longitude ?? null)))}::float8[],
      ${bind(plainArray(d.map((row) => row.position?.accuracyM ?? null)))}::float8[],
      ${bind(textArray(d.map((row) => row.position?.foundBy ?? null)))}::text[],
      ${bind(plainArray(d.map((row) => row.position?.speedKmh ?? null)))}::float8[],
      ${bind(textArray(d.map((row) => row.position?.grid ?? null)))}::text[],
      ${bind(textArray(d.map((row) => row.position?.district ?? null)))}::text[],
      ${bind(plainArray(d.map((row) => row.version + 1)))}::bigint[],
      ${bind(textArray(d.map((row) => storableJson(row.memory))))}::jsonb[])
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

const parts: readonly Part[] = [messages, keys, positions, intents, outbox, deadLetters, noticeStates, tally, devices]

/** Rejects as a whole, with SQLSTATE 23505 when a key was taken meanwhile and CG001 when a device's memory is stale. */
export async function writeBatch(client: Pool | ClientBase, rows: BatchRows, gateway: string): Promise<void> {
  const values: string[] = []
  const bind = (value: string) => `$${values.push(value)}`
  const written = parts.map((part) => part(rows, gateway, bind)).filter((sql) => sql !== null)
  if (written.length === 0) return
  const holds =
    rows.devices.size === 0
      ? 'SELECT 1'
      : `SELECT chengguan_require((SELECT count(*) FROM device_in) = ${rows.devices.size}, 'a device was written by another gateway')`
  await client.query(`WITH ${written.join(',\n')}\n${holds}`, values)
}
