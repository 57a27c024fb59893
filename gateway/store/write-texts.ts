import type { BatchPart } from './batch-part.ts'

/** What texts lead to, as parts of a batch's one statement. */

// A key whose time is over is taken anew by its holder's own time of receipt: another gateway that does the same at this
// moment fails the statement.
const renewedKeys: BatchPart = ({ renewedKeys: k }, _gateway, columns) => {
  if (k.length === 0) return null
  return `key_renewed AS (UPDATE message_key SET received_at = v.received_at
    FROM unnest(
      ${columns.text(k, (row) => row.adapter)},
      ${columns.text(k, (row) => row.key)},
      ${columns.time(k, (row) => row.takenAt)},
      ${columns.time(k, (row) => row.receivedAt)}) AS v(adapter, key, taken_at, received_at)
    WHERE message_key.adapter = v.adapter AND message_key.key = v.key AND message_key.received_at = v.taken_at
    RETURNING message_key.adapter, message_key.key)`
}

const partsGone: BatchPart = ({ parts: { gone } }, _gateway, columns) => {
  if (gone.length === 0) return null
  return `part_gone AS (DELETE FROM message_part USING unnest(
      ${columns.text(gone, (row) => row.groupKey)},
      ${columns.int(gone, (row) => row.number)}) AS v(group_key, number)
    WHERE message_part.group_key = v.group_key AND message_part.number = v.number)`
}

const partsHeld: BatchPart = ({ parts: { held } }, _gateway, columns) => {
  if (held.length === 0) return null
  return `part_held AS (INSERT INTO message_part (group_key, number, total, message_id, received_at, adapter, channel, subject,
      recipient, port, text, content)
    SELECT * FROM unnest(
      ${columns.text(held, (row) => row.groupKey)},
      ${columns.int(held, (row) => row.number)},
      ${columns.int(held, (row) => row.total)},
      ${columns.uuid(held, (row) => row.messageId)},
      ${columns.time(held, (row) => row.receivedAt)},
      ${columns.text(held, (row) => row.adapter)},
      ${columns.text(held, (row) => row.channel)},
      ${columns.text(held, (row) => row.subject)},
      ${columns.text(held, (row) => row.recipient)},
      ${columns.int(held, (row) => row.port)},
      ${columns.text(held, (row) => heldText(row.text))},
      ${columns.bytes(held, (row) => row.content)})
    ON CONFLICT (group_key, number) DO UPDATE SET total = excluded.total, message_id = excluded.message_id,
      received_at = excluded.received_at, adapter = excluded.adapter, channel = excluded.channel,
      subject = excluded.subject, recipient = excluded.recipient, port = excluded.port, text = excluded.text,
      content = excluded.content)`
}

/**
 * Halves of a surrogate pair are no text to PostgreSQL, and the other half comes with the next part: escaped as JSON
 * does it, the whole part is.
 */
export const heldText = (text: string | null): string | null => (text === null ? null : JSON.stringify(text))
export const readHeldText = (stored: string | null): string | null =>
  stored === null ? null : (JSON.parse(stored) as string)

const correspondences: BatchPart = ({ correspondences: c }, _gateway, columns) => {
  if (c.length === 0) return null
  return `correspondence_in AS (INSERT INTO correspondence (intent_id, query_number, subject, adapter, recipient, received_at)
    SELECT * FROM unnest(
      ${columns.uuid(c, (row) => row.intentId)},
      ${columns.text(c, (row) => row.queryNumber)},
      ${columns.text(c, (row) => row.subject)},
      ${columns.text(c, (row) => row.adapter)},
      ${columns.text(c, (row) => row.recipient)},
      ${columns.time(c, (row) => row.receivedAt)}))`
}

const relations: BatchPart = ({ relations: r }, _gateway, columns) => {
  if (r.length === 0) return null
  return `relation_in AS (INSERT INTO relation (intent_id, other_id, score, because, made_by, created_at)
    SELECT intent_id, other_id, score, because, 'gateway', created_at FROM unnest(
      ${columns.uuid(r, (row) => row.intentId)},
      ${columns.uuid(r, (row) => row.otherId)},
      ${columns.float(r, (row) => row.score)},
      ${columns.text(r, (row) => row.because)},
      ${columns.time(r, (row) => row.createdAt)}) AS v(intent_id, other_id, score, because, created_at))`
}

const errands: BatchPart = ({ errands: e }, _gateway, columns) => {
  if (e.length === 0) return null
  return `errand_in AS (INSERT INTO errand (id, adapter, subject, content, message_id, received_at, due_at)
    SELECT id, adapter, subject, content, message_id, received_at, received_at FROM unnest(
      ${columns.uuid(e, (row) => row.id)},
      ${columns.text(e, (row) => row.adapter)},
      ${columns.text(e, (row) => row.subject)},
      ${columns.bytes(e, (row) => row.content)},
      ${columns.uuid(e, (row) => row.messageId)},
      ${columns.time(e, (row) => row.receivedAt)}) AS v(id, adapter, subject, content, message_id, received_at))`
}

export const textParts: readonly BatchPart[] = [renewedKeys, partsGone, partsHeld, correspondences, relations, errands]
