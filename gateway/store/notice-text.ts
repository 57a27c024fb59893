import type { ClientBase, Pool } from 'pg'
import { emptyRows } from '../intake/rows.ts'
import { type NoticeRow, noticeColumns, type StateRows } from '../notices/notice.ts'
import type { SubmissionState } from '../notices/state.ts'
import { plainArray, textArray } from './array-literal.ts'
import { writeReturning } from './write-batch.ts'

/** Texts that are due, and the marks that stand before each of their parts leaves. */

export interface DueText extends NoticeRow {
  readonly text: string
  readonly urgent: boolean
  readonly expiresAt: Date | null
  readonly body: {
    readonly title?: string | null
    readonly extension?: string | null
    readonly attachments?: readonly { readonly sha256: string; readonly name: string; readonly mediaType: string }[]
  }
  readonly dueAt: Date
  readonly createdAt: Date
}

const dueColumns = `${noticeColumns('n')}, n.text, n.urgent, n.expires_at AS "expiresAt", n.body,
  COALESCE(n.not_before, n.created_at) AS "dueAt", n.created_at AS "createdAt"`

/** Takes up to so many texts that leave by an adapter: urgent ones first, then the oldest. One gateway has each. */
export async function claimTexts(pool: Pool, adapter: string, most: number, leaseSeconds: number): Promise<DueText[]> {
  const { rows } = await pool.query<DueText>(
    `UPDATE notice n SET claimed_until = now() + make_interval(secs => $3) FROM (
       SELECT id FROM notice WHERE adapter = $1 AND text IS NOT NULL AND state IN ('queued', 'sending')
         AND COALESCE(not_before, created_at) <= now() AND (claimed_until IS NULL OR claimed_until < now())
         AND (expires_at IS NULL OR expires_at > now())
       ORDER BY urgent DESC, COALESCE(not_before, created_at), id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) due
     WHERE n.id = due.id RETURNING ${dueColumns}`,
    [adapter, most, leaseSeconds],
  )
  return rows.sort(
    (a, b) => Number(b.urgent) - Number(a.urgent) || a.dueAt.getTime() - b.dueAt.getTime() || (a.id < b.id ? -1 : 1),
  )
}

export async function renewClaims(pool: Pool, ids: readonly string[], leaseSeconds: number): Promise<void> {
  await pool.query(
    `UPDATE notice SET claimed_until = now() + make_interval(secs => $2)
     WHERE id = ANY($1::uuid[]) AND state IN ('queued', 'sending')`,
    [plainArray(ids), leaseSeconds],
  )
}

/** Gives texts back, to be claimed again at once or at a time. */
export async function releaseClaims(pool: Pool, ids: readonly string[], notBefore: Date | null = null): Promise<void> {
  await pool.query(
    `UPDATE notice SET claimed_until = NULL, not_before = COALESCE($2, not_before)
     WHERE id = ANY($1::uuid[]) AND state IN ('queued', 'sending')`,
    [plainArray(ids), notBefore],
  )
}

/** Parts of these texts' legs that were marked before, by whomever. */
export async function marksOf(
  pool: Pool,
  ids: readonly string[],
): Promise<{ noticeId: string; part: number; state: SubmissionState }[]> {
  if (ids.length === 0) return []
  const { rows } = await pool.query<{ noticeId: string; part: number; state: SubmissionState }>(
    `SELECT s.notice_id AS "noticeId", s.part, s.state FROM submission s JOIN notice n ON n.id = s.notice_id AND n.leg = s.leg
     WHERE n.id = ANY($1::uuid[])`,
    [plainArray(ids)],
  )
  return rows
}

/** How many texts each subscriber was sent since then, those that the caller counts itself left out. */
export async function sentSince(
  pool: Pool,
  addressees: readonly string[],
  since: Date,
  except: readonly { readonly id: string }[],
): Promise<Map<string, number>> {
  if (addressees.length === 0) return new Map()
  const { rows } = await pool.query<{ addressee: string; n: string }>(
    `SELECT addressee, count(DISTINCT notice_id) AS n FROM submission
     WHERE addressee = ANY($1::text[]) AND submitted_at >= $2 AND notice_id <> ALL($3::uuid[]) GROUP BY addressee`,
    [textArray(addressees), since, plainArray(except.map(({ id }) => id))],
  )
  return new Map(rows.map(({ addressee, n }) => [addressee, Number(n)]))
}

export interface Mark {
  readonly noticeId: string
  readonly leg: number
  readonly part: number
  readonly parts: number
  readonly account: string
  readonly addressee: string
  readonly reference: number | null
}

/**
 * Writes down that parts are about to leave, and says which of them may: not those of a text that was cancelled or went
 * another way meanwhile, nor one that is marked already. The primary key is what keeps a part from leaving twice.
 */
export async function markParts(
  pool: Pool,
  gateway: string,
  marks: readonly Mark[],
  states: StateRows,
  at: Date,
  named: boolean,
): Promise<Set<string>> {
  const ids = [...new Set(marks.map(({ noticeId }) => noticeId))]
  const inserted = await writeReturning<{ id: string; part: number }>(
    pool,
    { ...emptyRows(), ...states },
    gateway,
    (columns) => `mark_held AS (SELECT id, leg FROM notice WHERE id = ANY(${columns.uuid(ids, (id) => id)})
      AND state IN ('queued', 'sending') ORDER BY id FOR NO KEY UPDATE),
    submission_in AS (INSERT INTO submission (notice_id, leg, part, parts, account, addressee, reference, state, submitted_at)
      SELECT v.notice_id, v.leg, v.part, v.parts, v.account, v.addressee, v.reference, 'sending', v.at FROM unnest(
        ${columns.uuid(marks, (mark) => mark.noticeId)},
        ${columns.int(marks, (mark) => mark.leg)},
        ${columns.int(marks, (mark) => mark.part)},
        ${columns.int(marks, (mark) => mark.parts)},
        ${columns.text(marks, (mark) => mark.account)},
        ${columns.text(marks, (mark) => mark.addressee)},
        ${columns.int(marks, (mark) => mark.reference)},
        ${columns.time(marks, () => at)}) AS v(notice_id, leg, part, parts, account, addressee, reference, at)
      JOIN mark_held h ON h.id = v.notice_id AND h.leg = v.leg
      ON CONFLICT DO NOTHING RETURNING notice_id, part)`,
    'SELECT notice_id AS id, part FROM submission_in',
    named,
  )
  return new Set(inserted.map(({ id, part }) => partKey(id, part)))
}

export const partKey = (noticeId: string, part: number): string => `${noticeId} ${part}`

/** Takes marks back, of parts that certainly did not leave. */
export async function withdrawMarks(pool: Pool, marks: readonly Omit<Mark, 'parts'>[]): Promise<void> {
  if (marks.length === 0) return
  await pool.query(
    `DELETE FROM submission s USING unnest($1::uuid[], $2::int[], $3::int[]) AS v(notice_id, leg, part)
     WHERE s.notice_id = v.notice_id AND s.leg = v.leg AND s.part = v.part AND s.state = 'sending'`,
    [
      plainArray(marks.map(({ noticeId }) => noticeId)),
      plainArray(marks.map(({ leg }) => leg)),
      plainArray(marks.map(({ part }) => part)),
    ],
  )
}

/** Marks whose gateway is gone: nobody knows whether those parts left. Returns the texts they are of. */
export async function doubtAbandoned(pool: Pool | ClientBase, most: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `UPDATE submission s SET state = 'in-doubt' FROM (
       SELECT s.notice_id, s.leg, s.part FROM submission s JOIN notice n ON n.id = s.notice_id
       WHERE s.state = 'sending' AND (n.claimed_until IS NULL OR n.claimed_until < now()) LIMIT $1) gone
     WHERE s.notice_id = gone.notice_id AND s.leg = gone.leg AND s.part = gone.part AND s.state = 'sending'
     RETURNING s.notice_id AS id`,
    [most],
  )
  return [...new Set(rows.map(({ id }) => id))]
}
