import type { ClientBase, Pool } from 'pg'
import type { BatchRows } from '../intake/rows.ts'
import { type Found, foundBy, type LegRow } from '../notices/deliveries.ts'
import { noticeColumns } from '../notices/notice.ts'
import type { DeliveryRow } from '../notices/rows.ts'
import type { DeliveryReport } from '../report.ts'
import { indexable, plainArray, textArray } from './array-literal.ts'
import { writeBatch, writeReturning } from './write-batch.ts'

type Queryable = Pool | ClientBase

/** What receipts are matched with. */

const legColumns = `s.notice_id AS "noticeId", s.leg AS "onLeg", s.part, s.parts, s.account, s.addressee AS "sentTo",
  s.message_id AS "messageId", s.reference, s.state AS "partState", s.submitted_at AS "submittedAt", ${noticeColumns('n')}`

/** The submissions that receipts speak of, each with all the parts of its leg. */
export async function findSubmissions(pool: Queryable, reports: readonly DeliveryReport[]): Promise<Found> {
  if (reports.length === 0) return foundBy([], [])
  const named = reports.flatMap(({ account, messageIds }) =>
    [...new Set(messageIds)].map((id) => ({ account, id: indexable(id) })),
  )
  const { rows } = await pool.query<LegRow>(
    `SELECT ${legColumns} FROM (
       SELECT DISTINCT hit.notice_id, hit.leg FROM unnest($1::text[], $2::text[]) AS v(account, id)
       CROSS JOIN LATERAL (SELECT notice_id, leg FROM submission
         WHERE account = v.account AND message_id = v.id OFFSET 0) hit) h
     JOIN submission s ON s.notice_id = h.notice_id AND s.leg = h.leg
     JOIN notice n ON n.id = h.notice_id`,
    [textArray(named.map(({ account }) => account)), textArray(named.map(({ id }) => id))],
  )
  const known = foundBy(rows, [])
  const strangers = reports.filter((report) => known.partOf(report) === null)
  return strangers.length === 0 ? known : foundBy(rows, await withoutId(pool, strangers))
}

/** Parts to the same subscribers that nobody has an id for: under way, or in doubt. */
async function withoutId(pool: Queryable, reports: readonly DeliveryReport[]): Promise<LegRow[]> {
  const { rows } = await pool.query<LegRow>(
    `SELECT ${legColumns} FROM submission s JOIN notice n ON n.id = s.notice_id
     WHERE s.addressee = ANY($1::text[]) AND s.message_id IS NULL AND s.state IN ('sending', 'in-doubt')
     UNION
     SELECT ${legColumns} FROM submission s JOIN notice n ON n.id = s.notice_id
     WHERE (s.notice_id, s.leg) IN (SELECT d.notice_id, d.leg FROM submission d
       WHERE d.addressee = ANY($1::text[]) AND d.message_id IS NULL AND d.state = 'in-doubt')`,
    [textArray([...new Set(reports.map(({ subject }) => subject))])],
  )
  return rows
}

interface WaitingRow extends Omit<DeliveryReport, 'kind' | 'deviceTime'> {
  readonly id: string
  readonly messageId: string
  readonly receivedAt: Date
}

const waitingColumns = `w.id, w.account, w.message_ids AS "messageIds", w.subject, w.state, w.error, w.reference,
  w.message_id AS "messageId", w.received_at AS "receivedAt"`

export interface WaitingReceipt extends DeliveryRow {
  readonly id: string
}

const asDelivery = ({ id, messageId, receivedAt, ...report }: WaitingRow): WaitingReceipt => ({
  id,
  messageId,
  receivedAt,
  report: { kind: 'delivery', deviceTime: null, ...report },
})

/** Writes what became of submissions, and returns the receipts that were here before their ids were known. */
export async function writeOutcomes(
  pool: Pool,
  rows: BatchRows,
  gateway: string,
  account: string,
  named: boolean,
): Promise<WaitingReceipt[]> {
  const ids = rows.submissions.flatMap(({ messageId }) => messageId ?? [])
  if (ids.length === 0) {
    await writeBatch(pool, rows, gateway, named)
    return []
  }
  const waiting = await writeReturning<WaitingRow>(
    pool,
    rows,
    gateway,
    (columns) => `overtaken AS (SELECT ${waitingColumns} FROM waiting_receipt w
      WHERE w.message_ids && ${columns.text(ids, indexable)} AND w.account = ${columns.value(account)})`,
    'SELECT * FROM overtaken',
    named,
  )
  return waiting.map(asDelivery)
}

/** Waiting receipts after a cursor, oldest first, that a submission is known for, or one in doubt to its subscriber. */
export async function joinable(pool: Queryable, after: string, most: number): Promise<WaitingReceipt[]> {
  const { rows } = await pool.query<WaitingRow>(
    `SELECT ${waitingColumns} FROM waiting_receipt w
     WHERE w.id > $1 AND (
       EXISTS (SELECT 1 FROM submission s WHERE s.account = w.account AND s.message_id = ANY(w.message_ids))
       OR EXISTS (SELECT 1 FROM submission s WHERE s.addressee = w.subject AND s.account = w.account
         AND s.message_id IS NULL AND s.state = 'in-doubt'))
     ORDER BY w.id LIMIT $2`,
    [after, most],
  )
  return rows.map(asDelivery)
}

/** Receipts that nobody asked for, counted as they go. */
export async function dropUnmatched(pool: Pool, gateway: string, before: Date): Promise<void> {
  await pool.query(
    `WITH gone AS (DELETE FROM waiting_receipt WHERE id = ANY(ARRAY(
       SELECT id FROM waiting_receipt WHERE received_at < $2 LIMIT 2000)) RETURNING account, received_at)
     INSERT INTO tally (day, gateway, subject, channel, what, reason, n)
     SELECT (received_at AT TIME ZONE 'UTC')::date, $1, account, '', 'receipt-unmatched', '', count(*) FROM gone
     GROUP BY 1, account ORDER BY 1, account
     ON CONFLICT (day, gateway, subject, channel, what, reason) DO UPDATE SET n = tally.n + excluded.n`,
    [gateway, before],
  )
}

/** All parts of the legs that texts are on. */
export async function legsOf(pool: Queryable, ids: readonly string[]): Promise<LegRow[]> {
  if (ids.length === 0) return []
  const { rows } = await pool.query<LegRow>(
    `SELECT ${legColumns} FROM notice n JOIN submission s ON s.notice_id = n.id AND s.leg = n.leg
     WHERE n.id = ANY($1::uuid[])`,
    [plainArray(ids)],
  )
  return rows
}
