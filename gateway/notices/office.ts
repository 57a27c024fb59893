import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Adapter, OutboundNotice } from '../adapter.ts'
import { describe, GatewayError, quote } from '../errors.ts'
import { emptyRows } from '../intake/rows.ts'
import type { Understanding } from '../intake/understand.ts'
import { storableJson, textArray } from '../store/array-literal.ts'
import { writeBatch } from '../store/write-batch.ts'
import { advances, enter, type NoticeRow, type NoticeState } from './notice.ts'

export interface NoticeRequest {
  readonly idempotencyKey: string
  /** `null`: the adapter that the addressee was last heard on. */
  readonly adapter: string | null
  readonly addressee: string
  readonly kind: OutboundNotice['kind']
  readonly body: unknown
  readonly expiresAt: Date | null
}

export interface OfficeOptions {
  readonly pool: Pool
  readonly gateway: string
  readonly log: Logger
  /** Adapters that can reach somebody, by name. */
  readonly senders: ReadonlyMap<string, Required<Pick<Adapter, 'send'>>>
  understanding(): Pick<Understanding, 'destinations' | 'eventSource'>
  /** There are new outbox rows. */
  posted(): void
}

interface Waiting extends NoticeRow {
  readonly body: unknown
  readonly expiresAt: Date | null
}

/** One gateway tries a notice at a time; a gateway that dies while trying delays it by this. */
const claimSeconds = 30
const pollMs = 2000

/**
 * The way back: a notice is a row before it is sent, is sent when its addressee can be reached, and ends as delivered or
 * expired. Its id is the same on every attempt, which is how a device knows a repetition.
 */
export class NoticeOffice {
  readonly #options: OfficeOptions
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #polling = false

  constructor(options: OfficeOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.#track(this.#poll()), pollMs)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await Promise.all(this.#underWay)
  }

  /** Stores the notice and begins to send it. The same key gives the same notice; with other content it is refused. */
  async post(request: NoticeRequest): Promise<{ id: string; created: boolean }> {
    const { pool } = this.#options
    const adapter = request.adapter ?? (await this.#adapterOf(request.addressee))
    if (!this.#options.senders.has(adapter))
      throw new GatewayError('NOTICE_INVALID', `adapter ${quote(adapter)} is not one that can send`)
    const fingerprint = createHash('sha256')
      .update(storableJson([request.addressee, request.kind, request.body, request.expiresAt, request.adapter]))
      .digest('hex')
    const id = uuidv7()
    const inserted = await pool.query<{ id: string }>(
      `WITH n AS (INSERT INTO notice (id, idempotency_key, fingerprint, adapter, addressee, kind, body, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, now()) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, created_at),
       s AS (INSERT INTO notice_state (notice_id, state, at) SELECT id, 'queued', created_at FROM n)
       SELECT id FROM n`,
      [
        id,
        request.idempotencyKey,
        fingerprint,
        adapter,
        request.addressee,
        request.kind,
        storableJson(request.body),
        request.expiresAt,
      ],
    )
    if (inserted.rows.length > 0) {
      this.#track(this.#sendTo(adapter, request.addressee))
      return { id, created: true }
    }
    const { rows } = await pool.query<{ id: string; fingerprint: string }>(
      'SELECT id, fingerprint FROM notice WHERE idempotency_key = $1',
      [request.idempotencyKey],
    )
    const [known] = rows
    if (known?.fingerprint !== fingerprint)
      throw new GatewayError(
        'NOTICE_INVALID',
        `the idempotency key ${quote(request.idempotencyKey)} was used for another notice`,
      )
    return { id: known.id, created: false }
  }

  /** An addressee can be reached from now on. */
  arrived(adapter: string, addressee: string): void {
    this.#track(this.#sendTo(adapter, addressee))
  }

  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        this.#options.log.error({ reason: describe(error) }, 'notices could not be worked on')
      })
      .finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
  }

  async #adapterOf(addressee: string): Promise<string> {
    const { pool, senders } = this.#options
    const { rows } = await pool.query<{ adapter: string }>('SELECT adapter FROM device WHERE subject = $1', [addressee])
    const heard = rows[0]?.adapter
    if (heard !== undefined && senders.has(heard)) return heard
    const [only] = senders.keys()
    if (only !== undefined && senders.size === 1) return only
    throw new GatewayError('NOTICE_INVALID', `${quote(addressee)} was never heard of: name the adapter to send by`)
  }

  /** Notices posted at another gateway, left by one that died, or past their time. */
  async #poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      await this.#expire()
      const { rows } = await this.#options.pool.query<{ adapter: string; addressee: string }>(
        `SELECT DISTINCT adapter, addressee FROM notice
         WHERE state IN ('queued', 'published') AND adapter = ANY($1::text[])
           AND (claimed_until IS NULL OR claimed_until < now()) LIMIT 1000`,
        [textArray([...this.#options.senders.keys()])],
      )
      for (const { adapter, addressee } of rows) await this.#sendTo(adapter, addressee)
    } finally {
      this.#polling = false
    }
  }

  /** Sends what waits for one addressee, oldest first, until it turns out to be absent. */
  async #sendTo(adapter: string, addressee: string): Promise<void> {
    const sender = this.#options.senders.get(adapter)
    if (sender === undefined) return
    const { rows } = await this.#options.pool.query<Waiting>(
      `UPDATE notice SET claimed_until = now() + make_interval(secs => ${claimSeconds})
       WHERE id IN (SELECT id FROM notice WHERE adapter = $1 AND addressee = $2 AND state IN ('queued', 'published')
         AND (claimed_until IS NULL OR claimed_until < now()) AND (expires_at IS NULL OR expires_at > now())
         ORDER BY created_at, id LIMIT 100 FOR UPDATE SKIP LOCKED)
       RETURNING id, adapter, addressee, kind, state, body, expires_at AS "expiresAt"`,
      [adapter, addressee],
    )
    // Ids are UUIDv7, so their order is the order of posting.
    const waiting = rows.sort((a, b) => (a.id < b.id ? -1 : 1))
    let present = true
    for (const notice of waiting) if (present) present = await this.#sendOne(notice, sender.send.bind(sender))
    await this.#options.pool.query('UPDATE notice SET claimed_until = NULL WHERE id = ANY($1::uuid[])', [
      textArray(waiting.map(({ id }) => id)),
    ])
  }

  /** `false` when the addressee is not there. */
  async #sendOne(notice: Waiting, send: Required<Adapter>['send']): Promise<boolean> {
    const { id, addressee, body, expiresAt } = notice
    try {
      const sent = await send({ id, addressee, kind: notice.kind as OutboundNotice['kind'], body, expiresAt })
      if (sent === 'delivered') await this.#enter([notice], 'delivered', null)
      return sent === 'delivered'
    } catch (error) {
      await this.#enter([notice], 'published', describe(error))
      return false
    }
  }

  async #expire(): Promise<void> {
    const { rows } = await this.#options.pool.query<NoticeRow>(
      `SELECT id, adapter, addressee, kind, state FROM notice
       WHERE state IN ('queued', 'published') AND expires_at < now() LIMIT 500`,
    )
    await this.#enter(rows, 'expired', null)
  }

  async #enter(notices: readonly NoticeRow[], state: NoticeState, detail: string | null): Promise<void> {
    const rows = emptyRows()
    const how = this.#options.understanding()
    const at = new Date()
    for (const notice of notices)
      if (advances(notice.state, state)) enter(notice, { noticeId: notice.id, state, at, detail }, how, rows)
    if (rows.noticeStates.length === 0) return
    await writeBatch(this.#options.pool, rows, this.#options.gateway)
    this.#options.posted()
  }
}
