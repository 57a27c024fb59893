import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Adapter, OutboundNotice, Sent } from '../adapter.ts'
import { describe, GatewayError, quote } from '../errors.ts'
import { emptyRows } from '../intake/rows.ts'
import type { Posting } from '../relay/post.ts'
import { storableJson, textArray } from '../store/array-literal.ts'
import { writeBatch } from '../store/write-batch.ts'
import { enter, type NoticeRow, noticeColumns } from './notice.ts'
import { advances, type NoticeState } from './state.ts'

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
  /** Other gateways may use this database. */
  readonly shared: boolean
  readonly gateway: string
  readonly log: Logger
  /** Adapters that can reach somebody, by name. */
  readonly senders: ReadonlyMap<string, Required<Pick<Adapter, 'send'>>>
  understanding(): Posting
  /** There are new outbox rows. */
  posted(): void
}

interface Addressee {
  readonly adapter: string
  readonly addressee: string
}

interface Waiting extends Pick<NoticeRow, 'id' | 'adapter' | 'addressee' | 'kind' | 'state'> {
  readonly body: unknown
  readonly expiresAt: Date | null
  /** When the claim runs out, as the database writes it: what tells it from another gateway's. */
  readonly claim: string
}

/** One gateway tries a notice at a time; a gateway that dies while trying delays it by this. */
const claimSeconds = 30
const pollMs = 2000
/** Addressees looked at in one poll; the next poll goes on behind them. */
const polledAtOnce = 1000
/** Who was absent is not asked after again for so long, unless it arrives: its adapter says so at once. */
const absentMs = 60_000
/** Addressees that one poll sends to at once. */
const lanes = 128

/**
 * The way back: a notice is a row before it is sent, is sent when its addressee can be reached, and ends as delivered or
 * expired. Its id is the same on every attempt, which is how a device knows a repetition.
 */
export class NoticeOffice {
  readonly #options: OfficeOptions
  readonly #underWay = new Set<Promise<void>>()
  /** The end of the line of each addressee: notices reach it one after the other, in the order they were posted. */
  readonly #lines = new Map<string, Promise<void>>()
  /** Until when an addressee is taken for absent, in milliseconds. */
  readonly #absent = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #polling = false
  #expiring = false
  #polledUpTo: Addressee = { adapter: '', addressee: '' }
  #stopping = false

  constructor(options: OfficeOptions) {
    this.#options = options
  }

  start(): void {
    if (!this.#options.shared) this.#track(this.#freeClaims())
    this.#timer = setInterval(() => {
      this.#track(this.#expire())
      this.#track(this.#poll())
    }, pollMs)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#stopping = true
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
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
      this.#track(this.#inLine({ adapter, addressee: request.addressee }))
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
    this.#absent.delete(keyOf({ adapter, addressee }))
    this.#track(this.#inLine({ adapter, addressee }))
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

  /** Claims of the gateway that was here before: where the database is ours alone, nobody else can hold one. */
  async #freeClaims(): Promise<void> {
    await this.#options.pool.query('UPDATE notice SET claimed_until = NULL WHERE claimed_until IS NOT NULL')
  }

  /** Notices posted at another gateway, or left by one that died. */
  async #poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      const nowMs = Date.now()
      for (const [key, untilMs] of this.#absent) if (untilMs < nowMs) this.#absent.delete(key)
      const waiting = (await this.#nextWaiting()).values()
      // One that does not acknowledge takes its whole time-out: the others are not to wait behind it.
      const lane = async () => {
        for (const one of waiting) {
          if (this.#stopping) return
          if (!this.#absent.has(keyOf(one))) await this.#inLine(one)
        }
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    } finally {
      this.#polling = false
    }
  }

  /** Addressees for whom something waits, some at a time and all in turn: many that are absent hide nobody. */
  async #nextWaiting(): Promise<readonly Addressee[]> {
    const { adapter, addressee } = this.#polledUpTo
    const { rows } = await this.#options.pool.query<Addressee>(
      `SELECT DISTINCT adapter, addressee FROM notice
       WHERE state IN ('queued', 'published') AND adapter = ANY($1::text[]) AND (adapter, addressee) > ($2, $3)
         AND (claimed_until IS NULL OR claimed_until < now())
       ORDER BY adapter, addressee LIMIT ${polledAtOnce}`,
      [textArray([...this.#options.senders.keys()]), adapter, addressee],
    )
    const last = rows.length < polledAtOnce ? undefined : rows.at(-1)
    this.#polledUpTo = last ?? { adapter: '', addressee: '' }
    return rows
  }

  /** Sends what waits for an addressee when what is already being sent to it is through. */
  #inLine(to: Addressee): Promise<void> {
    const key = keyOf(to)
    const turn = (this.#lines.get(key) ?? Promise.resolve()).catch(() => {}).then(() => this.#sendAll(to))
    this.#lines.set(key, turn)
    const leave = () => {
      if (this.#lines.get(key) === turn) this.#lines.delete(key)
    }
    turn.then(leave, leave)
    return turn
  }

  /** Oldest first, until nothing waits or the addressee turns out not to be there. */
  async #sendAll(to: Addressee): Promise<void> {
    const sender = this.#options.senders.get(to.adapter)
    if (sender === undefined) return
    while (!this.#stopping) {
      const notice = await this.#claimOldest(to)
      if (notice === null || !(await this.#sendOne(notice, sender.send.bind(sender)))) return
    }
  }

  /** `null` when nothing waits, or another gateway is sending the oldest: then the later ones wait behind it. */
  async #claimOldest({ adapter, addressee }: Addressee): Promise<Waiting | null> {
    const { rows } = await this.#options.pool.query<Waiting>(
      `UPDATE notice SET claimed_until = now() + make_interval(secs => ${claimSeconds})
       WHERE (claimed_until IS NULL OR claimed_until < now()) AND id = (
         SELECT id FROM notice WHERE adapter = $1 AND addressee = $2 AND state IN ('queued', 'published')
           AND (expires_at IS NULL OR expires_at > now())
         ORDER BY created_at, id LIMIT 1)
       AND state IN ('queued', 'published')
       RETURNING id, adapter, addressee, kind, state, body, expires_at AS "expiresAt", claimed_until::text AS claim`,
      [adapter, addressee],
    )
    return rows[0] ?? null
  }

  /** `false` when the addressee is not there, or nobody knows whether the notice arrived. */
  async #sendOne(notice: Waiting, send: Required<Adapter>['send']): Promise<boolean> {
    const { id, addressee, body, expiresAt } = notice
    let sent: Sent
    try {
      sent = await send({ id, addressee, kind: notice.kind as OutboundNotice['kind'], body, expiresAt })
    } catch (error) {
      await this.#enter([id], 'published', describe(error))
      await this.#unclaim(notice)
      return false
    }
    if (sent === 'delivered') {
      await this.#enter([id], 'delivered', null)
      return true
    }
    this.#absent.set(keyOf(notice), Date.now() + absentMs)
    await this.#unclaim(notice)
    return false
  }

  async #unclaim({ id, claim }: Waiting): Promise<void> {
    await this.#options.pool.query(
      'UPDATE notice SET claimed_until = NULL WHERE id = $1 AND claimed_until = $2::timestamptz',
      [id, claim],
    )
  }

  async #expire(): Promise<void> {
    if (this.#expiring) return
    this.#expiring = true
    try {
      await this.#expireSome()
    } finally {
      this.#expiring = false
    }
  }

  async #expireSome(): Promise<void> {
    const { rows } = await this.#options.pool.query<{ id: string }>(
      `SELECT id FROM notice WHERE state IN ('queued', 'published') AND expires_at < now() LIMIT 500`,
    )
    if (rows.length > 0)
      await this.#enter(
        rows.map(({ id }) => id),
        'expired',
        null,
      )
  }

  /**
   * The rows are locked while their states are compared: a receipt on its way through the intake, or another gateway, may
   * just be taking a notice further. Those that another gateway has locked are its to advance.
   */
  async #enter(ids: readonly string[], state: NoticeState, detail: string | null): Promise<void> {
    const { pool, gateway, understanding, posted } = this.#options
    const rows = emptyRows()
    const how = understanding()
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const { rows: notices } = await client.query<NoticeRow>(
        `SELECT ${noticeColumns('notice')} FROM notice WHERE id = ANY($1::uuid[])
         ORDER BY id FOR NO KEY UPDATE${ids.length > 1 ? ' SKIP LOCKED' : ''}`,
        [textArray(ids)],
      )
      const at = new Date()
      for (const notice of notices) if (advances(notice.state, state)) enter(notice, { state, at, detail }, how, rows)
      await writeBatch(client, rows, gateway)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {})
      throw error
    } finally {
      client.release()
    }
    if (rows.noticeStates.length > 0) posted()
  }
}

const keyOf = ({ adapter, addressee }: Addressee): string => `${adapter}\n${addressee}`
