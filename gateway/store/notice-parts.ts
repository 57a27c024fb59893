import type { BatchRows } from '../intake/rows.ts'
import { arrivedRank, partRankSql, rankSql } from '../notices/state.ts'
import { indexable, storableJson } from './array-literal.ts'
import type { BatchPart } from './batch-part.ts'

/** Notices' part of a batch. */

const notices: BatchPart = ({ notices: n }, _gateway, columns) => {
  if (n.length === 0) return null
  return `notice_in AS (INSERT INTO notice (id, idempotency_key, fingerprint, adapter, addressee, kind, body, expires_at,
      created_at, not_before, audience, template, text, routes, intent_id, case_number, tells, group_id, review_at, urgent)
    SELECT u.id, u.idempotency_key, u.fingerprint, u.adapter, u.addressee, u.kind, u.body, u.expires_at, u.created_at,
      u.not_before, u.audience, u.template, u.text, u.routes, u.intent_id, u.case_number, u.tells, u.group_id, u.review_at,
      u.urgent = 1
    FROM unnest(
      ${columns.uuid(n, (row) => row.id)},
      ${columns.text(n, (row) => row.idempotencyKey)},
      ${columns.text(n, (row) => row.fingerprint)},
      ${columns.text(n, (row) => row.adapter)},
      ${columns.text(n, (row) => row.addressee)},
      ${columns.text(n, (row) => row.kind)},
      ${columns.json(n, (row) => storableJson(row.body))},
      ${columns.time(n, (row) => row.expiresAt)},
      ${columns.time(n, (row) => row.createdAt)},
      ${columns.time(n, (row) => row.notBefore)},
      ${columns.text(n, (row) => row.audience)},
      ${columns.text(n, (row) => row.template)},
      ${columns.text(n, (row) => row.text)},
      ${columns.json(n, (row) => storableJson(row.routes))},
      ${columns.uuid(n, (row) => row.intentId)},
      ${columns.text(n, (row) => row.caseNumber)},
      ${columns.text(n, (row) => row.tells)},
      ${columns.uuid(n, (row) => row.groupId)},
      ${columns.time(n, (row) => row.reviewAt)},
      ${columns.int(n, (row) => (row.urgent ? 1 : 0))})
      AS u(id, idempotency_key, fingerprint, adapter, addressee, kind, body, expires_at, created_at, not_before, audience,
        template, text, routes, intent_id, case_number, tells, group_id, review_at, urgent)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, created_at),
  notice_queued AS (INSERT INTO notice_state (notice_id, state, at) SELECT id, 'queued', created_at FROM notice_in)`
}

// The notices are locked before their states are compared: an office or another gateway may just be taking one further.
// A state that comes too late is left out with its events, so that nothing is told twice.
const noticeStates: BatchPart = ({ noticeStates: n }, gateway, columns) => {
  if (n.length === 0) return null
  const ids = [...new Set(n.map(({ noticeId }) => noticeId))]
  const events = n.flatMap((row, index) => row.events.map((event) => ({ index, event })))
  const steps = n.map((row, index) => ({ row, index }))
  const written = `notice_held AS (SELECT id, state, leg FROM notice
    WHERE id = ANY(${columns.uuid(ids, (id) => id)}) ORDER BY id FOR NO KEY UPDATE),
  notice_step AS (SELECT v.* FROM unnest(
      ${columns.int(steps, ({ index }) => index)},
      ${columns.uuid(n, (row) => row.noticeId)},
      ${columns.int(n, (row) => row.leg)},
      ${columns.text(n, (row) => row.state)},
      ${columns.time(n, (row) => row.at)},
      ${columns.text(n, (row) => row.detail)},
      ${columns.time(n, (row) => row.reviewAt)},
      ${columns.time(n, (row) => row.notBefore)},
      ${columns.text(n, (row) => row.way?.adapter ?? null)},
      ${columns.text(n, (row) => row.way?.addressee ?? null)},
      ${columns.int(n, (row) => (row.remark ? 1 : 0))})
      AS v(ord, id, leg, state, at, detail, review_at, not_before, adapter, addressee, remark)
    JOIN notice_held h ON h.id = v.id
    WHERE v.leg > h.leg OR (v.remark = 1 AND v.leg = h.leg AND v.state = h.state)
      OR (${rankSql('v.state')} > ${rankSql('h.state')} AND (v.leg = h.leg OR ${rankSql('v.state')} >= ${arrivedRank}))),
  notice_state_in AS (INSERT INTO notice_state (notice_id, leg, state, at, detail)
    SELECT id, leg, state, at, detail FROM notice_step ORDER BY ord),
  notice_up AS (UPDATE notice SET state = l.state, leg = GREATEST(notice.leg, l.leg), review_at = l.review_at,
      not_before = l.not_before, adapter = COALESCE(l.adapter, notice.adapter),
      addressee = COALESCE(l.addressee, notice.addressee),
      claimed_until = CASE WHEN l.state = 'sending' AND l.leg = notice.leg THEN notice.claimed_until END
    FROM (SELECT DISTINCT ON (id) * FROM notice_step ORDER BY id, ord DESC) l WHERE notice.id = l.id)`
  if (events.length === 0) return written
  return `${written},
  notice_event AS (INSERT INTO outbox (destination, event_id, type, ordering_key, body, created_at)
    SELECT e.destination, e.event_id, e.type, e.ordering_key, e.body, e.created_at FROM unnest(
      ${columns.int(events, ({ index }) => index)},
      ${columns.text(events, ({ event }) => event.destination)},
      ${columns.uuid(events, ({ event }) => event.eventId)},
      ${columns.text(events, ({ event }) => event.type)},
      ${columns.text(events, ({ event }) => event.orderingKey)},
      ${columns.text(events, ({ event }) => event.body)},
      ${columns.time(events, ({ event }) => event.createdAt)})
      AS e(ord, destination, event_id, type, ordering_key, body, created_at)
    JOIN notice_step s ON s.ord = e.ord ORDER BY e.ord
    RETURNING destination, type, created_at),
  notice_tally AS (INSERT INTO tally (day, gateway, subject, channel, what, reason, n)
    SELECT (created_at AT TIME ZONE 'UTC')::date, ${columns.value(gateway)}, destination, 'core', 'outbox', type, count(*)
    FROM notice_event GROUP BY 1, destination, type ORDER BY 1, destination, type
    ON CONFLICT (day, gateway, subject, channel, what, reason) DO UPDATE SET n = tally.n + excluded.n)`
}

const submissions: BatchPart = ({ submissions: list }, _gateway, columns) => {
  if (list.length === 0) return null
  const s = [...new Map(list.map((row) => [`${row.noticeId} ${row.leg} ${row.part}`, row])).values()]
  return `submission_up AS (UPDATE submission SET state = v.state, message_id = COALESCE(submission.message_id, v.message_id),
      settled_at = v.at, error = COALESCE(v.error, submission.error)
    FROM unnest(
      ${columns.uuid(s, (row) => row.noticeId)},
      ${columns.int(s, (row) => row.leg)},
      ${columns.int(s, (row) => row.part)},
      ${columns.text(s, (row) => row.state)},
      ${columns.text(s, (row) => (row.messageId === null ? null : indexable(row.messageId)))},
      ${columns.text(s, (row) => row.error)},
      ${columns.time(s, (row) => row.at)}) AS v(notice_id, leg, part, state, message_id, error, at)
    WHERE submission.notice_id = v.notice_id AND submission.leg = v.leg AND submission.part = v.part
      AND ${partRankSql('v.state')} > ${partRankSql('submission.state')})`
}

const waitingReceipts: BatchPart = ({ waitingReceipts: w }, _gateway, columns) => {
  if (w.length === 0) return null
  // Lists of different lengths make no array of arrays: each travels as JSON.
  return `waiting_receipt_in AS (INSERT INTO waiting_receipt (account, message_ids, subject, state, error, reference,
      message_id, received_at)
    SELECT v.account, ARRAY(SELECT jsonb_array_elements_text(v.ids)), v.subject, v.state, v.error, v.reference, v.message_id,
      v.received_at
    FROM unnest(
      ${columns.text(w, ({ report }) => report.account)},
      ${columns.json(w, ({ report }) => storableJson(report.messageIds.map(indexable)))},
      ${columns.text(w, ({ report }) => report.subject)},
      ${columns.text(w, ({ report }) => report.state)},
      ${columns.text(w, ({ report }) => report.error)},
      ${columns.int(w, ({ report }) => report.reference)},
      ${columns.uuid(w, (row) => row.messageId)},
      ${columns.time(w, (row) => row.receivedAt)})
      AS v(account, ids, subject, state, error, reference, message_id, received_at))`
}

const joinedReceipts: BatchPart = ({ joinedReceipts: j }, _gateway, columns) =>
  j.length === 0
    ? null
    : `waiting_receipt_out AS (DELETE FROM waiting_receipt WHERE id = ANY(${columns.bigint(j, (id) => Number(id))}))`

const recheck: BatchPart = ({ recheck: list, noticeStates: n }, _gateway, columns) => {
  const entered = new Set(n.map(({ noticeId }) => noticeId))
  const ids = [...new Set(list)].filter((id) => !entered.has(id)).sort()
  if (ids.length === 0) return null
  return `notice_recheck AS (UPDATE notice SET review_at = LEAST(review_at, now() + interval '5 s')
    WHERE id = ANY(${columns.uuid(ids, (id) => id)}) AND state IN ('sending', 'in-doubt', 'accepted'))`
}

const told: BatchPart = ({ told: list, stages }, _gateway, columns) => {
  if (list.length + stages.length === 0) return null
  const rows = mergedCorrespondence({ told: list, stages })
  return `correspondence_up AS (UPDATE correspondence SET
      answered_at = COALESCE(correspondence.answered_at, v.answered_at),
      told_at = GREATEST(correspondence.told_at, v.told_at),
      case_number = COALESCE(v.case_number, correspondence.case_number),
      stage = CASE WHEN v.newer THEN v.stage ELSE correspondence.stage END,
      stage_text = CASE WHEN v.newer THEN v.stage_text ELSE correspondence.stage_text END,
      stage_at = CASE WHEN v.newer THEN v.stage_at ELSE correspondence.stage_at END,
      closed_at = CASE WHEN v.closed_why IS NULL THEN correspondence.closed_at ELSE COALESCE(correspondence.closed_at, v.at) END,
      closed_why = COALESCE(correspondence.closed_why, v.closed_why)
    FROM (SELECT u.*, u.stage IS NOT NULL AND (c.stage_at IS NULL OR c.stage_at <= u.stage_at) AS newer FROM unnest(
      ${columns.uuid(rows, (row) => row.intentId)},
      ${columns.time(rows, (row) => row.answeredAt)},
      ${columns.time(rows, (row) => row.toldAt)},
      ${columns.text(rows, (row) => row.stage?.stage ?? null)},
      ${columns.text(rows, (row) => row.stage?.text ?? null)},
      ${columns.time(rows, (row) => row.stage?.at ?? null)},
      ${columns.text(rows, (row) => row.stage?.caseNumber ?? null)},
      ${columns.text(rows, (row) => row.stage?.closedWhy ?? null)},
      ${columns.time(rows, () => new Date())})
      AS u(intent_id, answered_at, told_at, stage, stage_text, stage_at, case_number, closed_why, at)
      JOIN correspondence c ON c.intent_id = u.intent_id) v
    WHERE correspondence.intent_id = v.intent_id)`
}

interface CorrespondenceChange {
  readonly intentId: string
  answeredAt: Date | null
  toldAt: Date | null
  stage: BatchRows['stages'][number] | null
}

/** One change for each, in one order for everybody. */
function mergedCorrespondence({ told, stages }: Pick<BatchRows, 'told' | 'stages'>): readonly CorrespondenceChange[] {
  const changes = new Map<string, CorrespondenceChange>()
  const of = (intentId: string): CorrespondenceChange => {
    const known = changes.get(intentId) ?? { intentId, answeredAt: null, toldAt: null, stage: null }
    changes.set(intentId, known)
    return known
  }
  for (const { intentId, what, at } of told) {
    const change = of(intentId)
    if (what === 'answer') change.answeredAt ??= at
    else change.toldAt = at
  }
  for (const stage of stages) of(stage.intentId).stage = stage
  return [...changes.values()].sort((a, b) => (a.intentId < b.intentId ? -1 : 1))
}

export const noticeParts: readonly BatchPart[] = [
  notices,
  noticeStates,
  submissions,
  waitingReceipts,
  joinedReceipts,
  recheck,
  told,
]
