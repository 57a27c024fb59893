import type { ClientBase, Pool } from 'pg'
import type { KnownReport } from '../intake/answers.ts'
import type { Arrival } from '../intake/arrival.ts'
import type { HeldPart } from '../intake/part-desk.ts'
import type { Neighbour } from '../intake/relate.ts'
import { keyOf, type Remembered } from '../intake/understand.ts'
import { type NoticeRow, noticeColumns } from '../notices/notice.ts'
import type { ReceiptReport } from '../report.ts'
import type { SubjectMemory } from '../triage/triage.ts'
import { plainArray, textArray } from './array-literal.ts'
import { uuidPattern } from './message-id.ts'
import { readHeldText } from './write-texts.ts'

type Queryable = Pool | ClientBase

/** What a batch must know of what is stored. Short statements, each by a primary key or a narrow index. */

/** The keys of a batch that are taken already, and since when. */
export async function findKeys(pool: Queryable, batch: readonly Arrival[]): Promise<Map<string, Date>> {
  const { rows } = await pool.query<{ adapter: string; key: string; receivedAt: Date }>(
    `SELECT k.adapter, k.key, k.received_at AS "receivedAt" FROM unnest($1::text[], $2::text[]) AS a(adapter, key)
     JOIN message_key k ON k.adapter = a.adapter AND k.key = a.key`,
    [textArray(batch.map(({ source }) => source.keyScope)), textArray(batch.map(({ message }) => message.key))],
  )
  return new Map(rows.map(({ adapter, key, receivedAt }) => [keyOf(adapter, key), receivedAt]))
}

export async function findMemories(pool: Queryable, subjects: readonly string[]): Promise<Map<string, Remembered>> {
  const { rows } = await pool.query<{ subject: string; version: string; memory: SubjectMemory | null }>(
    'SELECT subject, version, memory FROM device WHERE subject = ANY($1::text[])',
    [textArray(subjects)],
  )
  return new Map(rows.map(({ subject, version, memory }) => [subject, { version: Number(version), memory }]))
}

/** What an earlier intent in a unit grid must have to be looked at: one of these codes or components. */
export interface Looked {
  readonly grid: string
  readonly codes: readonly string[]
  readonly components: readonly string[]
}

/** Earlier intents that may be about the same, oldest first; of each grid the newest. */
export async function findNeighbours(pool: Queryable, looked: readonly Looked[], since: Date): Promise<Neighbour[]> {
  if (looked.length === 0) return []
  const { rows } = await pool.query<Neighbour>(
    `SELECT n.id, n.grid, n.kind, n.category_code AS "categoryCode", n.component_id AS "componentId",
       COALESCE(n.candidate_codes, '{}') AS "candidateCodes", left(n.text, 200) AS text, n.reporter, n.accuracy_m AS "accuracyM",
       n.latitude, n.longitude, n.received_at AS "receivedAt"
     FROM unnest($1::text[], $2::text[], $3::text[]) AS g(grid, codes, components)
     CROSS JOIN LATERAL (SELECT id, grid, kind, category_code, component_id, candidate_codes, text, reporter, accuracy_m, latitude,
       longitude, received_at FROM intent i WHERE i.grid = g.grid AND i.received_at > $4
         AND (i.category_code = ANY(string_to_array(g.codes, ' ')) OR i.candidate_codes && string_to_array(g.codes, ' ')
           OR i.component_id = ANY(string_to_array(g.components, ' ')))
       ORDER BY i.received_at DESC LIMIT 20) AS n
     ORDER BY n.received_at`,
    [
      textArray(looked.map(({ grid }) => grid)),
      textArray(looked.map(({ codes }) => codes.join(' '))),
      textArray(looked.map(({ components }) => components.join(' '))),
      since,
    ],
  )
  return rows
}

/** What is held of the wholes that a batch brings parts of. */
export async function findParts(pool: Queryable, groupKeys: readonly string[]): Promise<HeldPart[]> {
  const { rows } = await pool.query<HeldPart>(
    `SELECT group_key AS "groupKey", number, total, message_id AS "messageId", received_at AS "receivedAt", adapter, channel,
       subject, recipient, port, text, content
     FROM message_part WHERE group_key = ANY($1::text[]) ORDER BY group_key, number`,
    [textArray(groupKeys)],
  )
  return rows.map((part) => ({ ...part, text: readHeldText(part.text) }))
}

/** Reports by the query numbers that somebody wrote. */
export async function findReports(pool: Queryable, queryNumbers: readonly string[]): Promise<Map<string, KnownReport>> {
  const { rows } = await pool.query<KnownReport>(
    `SELECT intent_id AS "intentId", query_number AS "queryNumber", subject, stage, stage_text AS "stageText"
     FROM correspondence WHERE query_number = ANY($1::text[])`,
    [textArray(queryNumbers)],
  )
  return new Map(rows.map((row) => [row.queryNumber, row]))
}

/** The notices that receipts name. A device may write anything there; what is no id of ours is nobody's. */
export async function findNotices(
  pool: Queryable,
  receipts: readonly ReceiptReport[],
): Promise<Map<string, NoticeRow>> {
  const ids = receipts.map(({ noticeId }) => noticeId).filter((id) => uuidPattern.test(id))
  if (ids.length === 0) return new Map()
  const { rows } = await pool.query<NoticeRow>(
    `SELECT ${noticeColumns('notice')} FROM notice WHERE id = ANY($1::uuid[])`,
    [plainArray(ids)],
  )
  return new Map(rows.map((row) => [row.id, row]))
}
