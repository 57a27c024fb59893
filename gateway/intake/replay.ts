import { DatabaseError, type Pool, type PoolClient } from 'pg'
import { describe } from '../errors.ts'
import { findMemories, findParts } from '../store/read-batch.ts'
import { inTransaction } from '../store/transaction.ts'
import { writeBatch } from '../store/write-batch.ts'
import type { Arrival, Source } from './arrival.ts'
import { attempts, completeRows, type Desk, groupsOf, staleMemory } from './commit.ts'
import { PartDesk } from './part-desk.ts'
import { type BatchRows, emptyRows } from './rows.ts'
import { decode, subjectsOf, understand } from './understand.ts'

/** What came of taking a dead letter up again. */
export type Replayed =
  | { readonly id: string; readonly outcome: 'replayed' }
  | { readonly id: string; readonly outcome: 'still-dead'; readonly reason: string }
  | { readonly id: string; readonly outcome: 'not-open' }

interface OpenLetter {
  readonly item: number | null
  readonly code: string
  readonly adapter: string
  readonly messageId: string
  readonly receivedAt: Date
  readonly key: string
  readonly raw: Buffer
  readonly envelope: Record<string, string>
}

/**
 * Decodes and triages a dead letter anew, with today's code, configuration and city. Its message keeps its id, key and
 * time of receipt; its disposition and the ledger change in the transaction that stores what it says.
 */
export async function replayDeadLetter(
  id: string,
  sources: ReadonlyMap<string, Source>,
  desk: Desk,
): Promise<Replayed> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await replayOnce(id, sources, desk)
    } catch (error) {
      // Its device spoke meanwhile: what is remembered of it is read again.
      if (!(error instanceof DatabaseError && error.code === staleMemory) || attempt === attempts) throw error
    }
  }
}

async function replayOnce(id: string, sources: ReadonlyMap<string, Source>, desk: Desk): Promise<Replayed> {
  const replayed: { outcome?: Replayed } = {}
  await inTransaction(desk.pool, async (client) => {
    replayed.outcome = await replayLocked(id, sources, desk, client)
    return replayed.outcome.outcome === 'replayed' ? replayed.outcome : null
  })
  return replayed.outcome ?? { id, outcome: 'not-open' }
}

async function replayLocked(
  id: string,
  sources: ReadonlyMap<string, Source>,
  desk: Desk,
  client: PoolClient,
): Promise<Replayed> {
  const letter = await lockLetter(client, id)
  if (letter === null) return { id, outcome: 'not-open' }
  const source = sources.get(letter.adapter)
  if (source === undefined) return stillDead(id, `no adapter is named ${letter.adapter} any more`)

  const { key, raw, envelope, receivedAt } = letter
  const arrival: Arrival = { id: letter.messageId, source, message: { key, raw, envelope, receivedAt } }
  const decoded = decode(arrival)
  if (decoded.poison !== null) return stillDead(id, `${decoded.poison.code}: ${decoded.poison.detail}`)
  const reports = letter.item === null ? decoded.reports : decoded.reports.slice(letter.item, letter.item + 1)
  const [only] = reports
  if (letter.item !== null && (only === undefined || only.kind === 'malformed'))
    return stillDead(
      id,
      only?.kind === 'malformed' ? `${only.code}: ${only.detail}` : 'the message has no such element',
    )

  const batch = [{ arrival, reports, poison: null }]
  const subjects = [...subjectsOf(batch)]
  const remembered = await findMemories(client, subjects)
  const how = desk.understanding()
  const rows = understand(batch, new Map(), remembered, how, new PartDesk(await findParts(client, groupsOf(batch))))
  await completeRows(rows, how, client)
  await Promise.all(rows.files.map(({ sha256, content }) => desk.attachments.keep(sha256, content)))
  await writeBatch(client, { ...rows, messages: [], tally: correction(rows, letter, arrival) }, desk.gateway)
  const [message] = rows.messages
  if (letter.item === null && message !== undefined) {
    await client.query('UPDATE message SET disposition = $3, reason = $4 WHERE id = $1 AND received_at = $2', [
      letter.messageId,
      receivedAt,
      message.disposition,
      message.reason,
    ])
  }
  await client.query(`UPDATE dead_letter SET state = 'replayed', replayed_at = now() WHERE id = $1`, [id])
  desk.memories.forget(subjects)
  return { id, outcome: 'replayed' }
}

function stillDead(id: string, reason: string): Replayed {
  return { id, outcome: 'still-dead', reason }
}

async function lockLetter(client: PoolClient, id: string): Promise<OpenLetter | null> {
  const { rows } = await client.query<OpenLetter>(
    `SELECT d.item, d.code, d.adapter, m.id AS "messageId", m.received_at AS "receivedAt", m.key, m.raw, m.envelope
     FROM dead_letter d JOIN message m ON m.id = d.message_id AND m.received_at = d.message_received_at
     WHERE d.id = $1 AND d.state = 'open' FOR UPDATE OF d`,
    [id],
  )
  return rows[0] ?? null
}

/** The message was received and counted as dead long ago: only what it counts as changes, and what it now leads to. */
function correction(rows: BatchRows, letter: OpenLetter, { source, message }: Arrival): BatchRows['tally'] {
  const { tally } = emptyRows()
  for (const row of rows.tally.rows()) {
    if (row.what === 'received') continue
    const disposition = row.what === 'stored' || row.what === 'filtered' || row.what === 'dead-lettered'
    if (disposition && letter.item !== null) continue
    tally.add(new Date(row.day), row.subject, row.channel, row.what, row.reason, row.n)
  }
  if (letter.item === null)
    tally.add(message.receivedAt, source.adapter, source.channel, 'dead-lettered', letter.code, -1)
  return tally
}

export interface LetterFilter {
  readonly adapter: string | null
  readonly code: string | null
  readonly limit: number
}

/** Every open dead letter that the filter names, oldest first. */
export async function replayMatching(
  filter: LetterFilter,
  sources: ReadonlyMap<string, Source>,
  desk: Desk,
): Promise<Replayed[]> {
  const { rows } = await desk.pool.query<{ id: string }>(
    `SELECT id FROM dead_letter WHERE state = 'open' AND ($1::text IS NULL OR adapter = $1) AND ($2::text IS NULL OR code = $2)
     ORDER BY id LIMIT $3`,
    [filter.adapter, filter.code, filter.limit],
  )
  const outcomes: Replayed[] = []
  for (const { id } of rows) {
    outcomes.push(
      await replayDeadLetter(id, sources, desk).catch(
        (error: unknown): Replayed => ({ id, outcome: 'still-dead', reason: describe(error) }),
      ),
    )
  }
  return outcomes
}

/** Puts events that a destination refused for good back in line. Their order among themselves is kept. */
export async function replayEvents(
  pool: Pool,
  filter: { readonly destination: string | null; readonly seq: string | null; readonly limit: number },
): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE outbox SET state = 'pending', settled_at = NULL WHERE state = 'dead' AND seq IN (
       SELECT seq FROM outbox WHERE state = 'dead' AND ($1::text IS NULL OR destination = $1)
         AND ($2::bigint IS NULL OR seq = $2) ORDER BY seq LIMIT $3 FOR UPDATE SKIP LOCKED)`,
    [filter.destination, filter.seq, filter.limit],
  )
  return rowCount ?? 0
}
