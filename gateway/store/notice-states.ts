import type { ClientBase, Pool } from 'pg'
import { emptyRows } from '../intake/rows.ts'
import { type Entry, enter, type NoticeRow, noticeColumns } from '../notices/notice.ts'
import type { SubmissionState } from '../notices/state.ts'
import type { Posting } from '../relay/post.ts'
import { plainArray, textArray } from './array-literal.ts'
import { writeBatch } from './write-batch.ts'

/** Where an office's states are written. */
export interface StateStore {
  readonly pool: Pool
  readonly gateway: string
  /** As `writeBatch` has it. */
  readonly namedStatements: boolean
  understanding(): Posting
  /** There are new outbox rows. */
  posted(): void
}

/** A notice as it is when it is looked at, locked. */
export interface LockedNotice extends NoticeRow {
  readonly expiresAt: Date | null
  readonly createdAt: Date
  readonly notBefore: Date | null
  readonly claimed: boolean
  readonly text: string | null
  readonly body: unknown
  /** When the leg began that it is on. */
  readonly legBegan: Date
  /** The parts of that leg that were handed in, as far as they are. */
  readonly partStates: readonly SubmissionState[]
  /** Of how many parts; 0: none was handed in. */
  readonly parts: number
}

/** What `decide` makes of a notice: nothing, states that it enters, and routes where they were worked out just now. */
export interface Decision {
  readonly entries: readonly Entry[]
  readonly routes?: LockedNotice['routes']
  /** Set where no state says so: when it is looked at next. */
  readonly reviewAt?: Date | null
}

/**
 * Looks at notices while nobody else can change them: a receipt on its way through the intake, or another gateway, may
 * just be taking one further. Those that another one has locked are left to it. Returns those that were looked at.
 */
export async function decideOn(
  { pool, gateway, understanding, posted }: StateStore,
  ids: readonly string[],
  wait: boolean,
  decide: (notice: LockedNotice) => Decision | null,
): Promise<readonly LockedNotice[]> {
  const rows = emptyRows()
  const decided: Decided[] = []
  const client = await pool.connect()
  let notices: LockedNotice[] = []
  try {
    await client.query('BEGIN')
    const found = await client.query<LockedNotice>(
      `SELECT ${noticeColumns('notice')}, expires_at AS "expiresAt", created_at AS "createdAt", not_before AS "notBefore",
         COALESCE(claimed_until > now(), false) AS claimed, text, body,
         COALESCE((SELECT min(at) FROM notice_state WHERE notice_id = notice.id AND leg = notice.leg), created_at) AS "legBegan",
         ARRAY(SELECT state FROM submission WHERE notice_id = notice.id AND leg = notice.leg ORDER BY part) AS "partStates",
         COALESCE((SELECT max(parts) FROM submission WHERE notice_id = notice.id AND leg = notice.leg), 0) AS parts
       FROM notice WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE${wait ? '' : ' SKIP LOCKED'}`,
      [plainArray(ids)],
    )
    notices = found.rows
    const how = understanding()
    for (const notice of notices) {
      const decision = decide(notice)
      if (decision === null) continue
      for (const entry of decision.entries) enter(notice, entry, how, rows)
      decided.push({ notice, decision })
    }
    await writeBatch(client, rows, gateway)
    await writeDecisions(client, decided)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  } finally {
    client.release()
  }
  if (rows.noticeStates.some(({ events }) => events.length > 0)) posted()
  return notices
}

interface Decided {
  readonly notice: LockedNotice
  readonly decision: Decision
}

/** What no state says: for all of them at once, since whole crowds are looked at when a way is gone. */
async function writeDecisions(client: ClientBase, decided: readonly Decided[]): Promise<void> {
  const routed = decided.flatMap(({ notice: { id }, decision: { routes } }) =>
    routes === undefined ? [] : [{ id, routes: JSON.stringify(routes) }],
  )
  if (routed.length > 0)
    await client.query(
      `UPDATE notice SET routes = v.routes::jsonb FROM unnest($1::uuid[], $2::text[]) AS v(id, routes)
       WHERE notice.id = v.id`,
      [plainArray(routed.map(({ id }) => id)), textArray(routed.map(({ routes }) => routes))],
    )
  const put = decided.flatMap(({ notice: { id }, decision: { reviewAt } }) =>
    reviewAt === undefined ? [] : [{ id, reviewAt: reviewAt?.toISOString() ?? null }],
  )
  if (put.length > 0)
    await client.query(
      `UPDATE notice SET review_at = v.review_at FROM unnest($1::uuid[], $2::timestamptz[]) AS v(id, review_at)
       WHERE notice.id = v.id`,
      [plainArray(put.map(({ id }) => id)), textArray(put.map(({ reviewAt }) => reviewAt))],
    )
}

/** Notices whose time is over and that nobody is sending. */
export async function expired(pool: Pool, most: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM notice n WHERE state IN ('queued', 'published', 'sending') AND expires_at < now()
       AND (claimed_until IS NULL OR claimed_until < now() OR text IS NULL)
       AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.notice_id = n.id AND s.leg = n.leg AND s.state = 'sending')
     ORDER BY expires_at LIMIT $1`,
    [most],
  )
  return rows.map(({ id }) => id)
}

/** Notices that are to be looked at, the longest overdue first. */
export async function dueForReview(pool: Pool, most: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM notice WHERE review_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
     ORDER BY review_at LIMIT $1`,
    [most],
  )
  return rows.map(({ id }) => id)
}
