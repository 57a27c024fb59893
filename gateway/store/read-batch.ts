import type { ClientBase, Pool } from 'pg'
import type { Arrival } from '../intake/arrival.ts'
import { type Neighbour, relatedWithinMs } from '../intake/relate.ts'
import type { IntentRow } from '../intake/rows.ts'
import { keyOf, type Remembered } from '../intake/understand.ts'
import { type NoticeRow, noticeColumns } from '../notices/notice.ts'
import type { ReceiptReport } from '../report.ts'
import type { SubjectMemory } from '../triage/triage.ts'
import { plainArray, textArray } from './array-literal.ts'
import { uuidPattern } from './message-id.ts'

type Queryable = Pool | ClientBase

/** What a batch must know of what is stored. Short statements, each by a primary key or a narrow index. */

/** The keys of a batch that are taken already. */
export async function findKeys(pool: Queryable, batch: readonly Arrival[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ adapter: string; key: string }>(
    `SELECT k.adapter, k.key FROM unnest($1::text[], $2::text[]) AS a(adapter, key)
     JOIN message_key k ON k.adapter = a.adapter AND k.key = a.key`,
    [textArray(batch.map(({ source }) => source.adapter)), textArray(batch.map(({ message }) => message.key))],
  )
  return new Set(rows.map(({ adapter, key }) => keyOf(adapter, key)))
}

export async function findMemories(pool: Queryable, subjects: readonly string[]): Promise<Map<string, Remembered>> {
  const { rows } = await pool.query<{ subject: string; version: string; memory: SubjectMemory | null }>(
    'SELECT subject, version, memory FROM device WHERE subject = ANY($1::text[])',
    [textArray(subjects)],
  )
  return new Map(rows.map(({ subject, version, memory }) => [subject, { version: Number(version), memory }]))
}

/** Earlier intents in the unit grids of these, oldest first. */
export async function findNeighbours(pool: Queryable, intents: readonly IntentRow[]): Promise<Neighbour[]> {
  const grids = new Set(intents.flatMap(({ intent }) => intent.location?.grid ?? []))
  if (grids.size === 0) return []
  const { rows } = await pool.query<Neighbour>(
    `SELECT n.id, n.grid, n.kind, n.category_code AS "categoryCode", n.data #>> '{component,id}' AS "componentId",
       n.latitude, n.longitude, n.received_at AS "receivedAt"
     FROM unnest($1::text[]) AS g(grid)
     CROSS JOIN LATERAL (SELECT * FROM intent i WHERE i.grid = g.grid AND i.received_at > $2
       ORDER BY i.received_at DESC LIMIT 50) AS n
     ORDER BY n.received_at`,
    [textArray([...grids]), new Date(Date.now() - relatedWithinMs)],
  )
  return rows
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
