import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Adapter, OutboundNotice, Sent } from '../adapter.ts'
import { describe } from '../errors.ts'
import { type Addressee, addresseesAfter, claimOldest, unclaim, type WaitingNotice } from '../store/notice-device.ts'
import { decideOn, type StateStore } from '../store/notice-states.ts'
import { advances, type NoticeState } from './state.ts'

export type DeviceSender = Required<Pick<Adapter, 'send'>>

export interface DeviceOfficeOptions extends StateStore {
  readonly pool: Pool
  readonly log: Logger
  /** Adapters that can reach a device, by name. */
  readonly senders: ReadonlyMap<string, DeviceSender>
}

/** One gateway tries a notice at a time; a gateway that dies while trying delays it by this. */
const leaseSeconds = 30
/** Addressees looked at in one poll; the next poll goes on behind them. */
const polledAtOnce = 1000
/** Who was absent is not asked after again for so long, unless it arrives: its adapter says so at once. */
const absentMs = 60_000
/** Who does not acknowledge is left alone for so long, twice as long each time. */
const silentMs = { first: 2000, most: 300_000 }
/** Addressees that one poll sends to at once. */
const lanes = 128

const keyOf = ({ adapter, addressee }: Addressee): string => `${adapter}\n${addressee}`

/** Notices to devices: each is sent when its addressee can be reached, in the order they were posted. */
export class DeviceOffice {
  readonly #options: DeviceOfficeOptions
  /** The end of the line of each addressee: notices reach it one after the other, in the order they were posted. */
  readonly #lines = new Map<string, Promise<void>>()
  /** Until when an addressee is left alone, in milliseconds. */
  readonly #away = new Map<string, number>()
  /** The last pause of addressees that do not acknowledge. */
  readonly #silent = new Map<string, number>()
  #polling = false
  #polledUpTo: Addressee = { adapter: '', addressee: '' }
  #stopping = false

  constructor(options: DeviceOfficeOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopping = true
  }

  /** An addressee can be reached from now on. */
  arrived(to: Addressee): Promise<void> {
    this.#away.delete(keyOf(to))
    this.#silent.delete(keyOf(to))
    return this.inLine(to)
  }

  /** Notices posted at another gateway, or left by one that died. */
  async poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      const nowMs = Date.now()
      for (const [key, untilMs] of this.#away) if (untilMs < nowMs) this.#away.delete(key)
      const waiting = (await this.#nextWaiting()).values()
      // One that does not acknowledge takes its whole time-out: the others are not to wait behind it.
      const lane = async () => {
        for (const one of waiting) {
          if (this.#stopping) return
          if (!this.#away.has(keyOf(one))) await this.inLine(one)
        }
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    } finally {
      this.#polling = false
    }
  }

  /** Some at a time and all in turn: many that are absent hide nobody. */
  async #nextWaiting(): Promise<readonly Addressee[]> {
    const { pool, senders } = this.#options
    const found = await addresseesAfter(pool, [...senders.keys()], this.#polledUpTo, polledAtOnce)
    const last = found.length < polledAtOnce ? undefined : found.at(-1)
    this.#polledUpTo = last ?? { adapter: '', addressee: '' }
    return found
  }

  /** Sends what waits for an addressee when what is already being sent to it is through. */
  inLine(to: Addressee): Promise<void> {
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
    const { senders, pool } = this.#options
    const sender = senders.get(to.adapter)
    if (sender === undefined) return
    while (!this.#stopping) {
      const notice = await claimOldest(pool, to, leaseSeconds)
      if (notice === null || !(await this.#sendOne(notice, sender.send.bind(sender)))) return
    }
  }

  /** `false` when the addressee is not there, or nobody knows whether the notice arrived. */
  async #sendOne(notice: WaitingNotice, send: DeviceSender['send']): Promise<boolean> {
    const { id, addressee, body, expiresAt } = notice
    const key = keyOf(notice)
    let sent: Sent
    try {
      sent = await send({ id, addressee, kind: notice.kind as OutboundNotice['kind'], body, expiresAt })
    } catch (error) {
      const pauseMs = Math.min(silentMs.most, (this.#silent.get(key) ?? silentMs.first / 2) * 2)
      this.#silent.set(key, pauseMs)
      this.#away.set(key, Date.now() + pauseMs)
      await this.enter([id], 'published', describe(error))
      await unclaim(this.#options.pool, notice)
      return false
    }
    this.#silent.delete(key)
    if (sent === 'delivered') {
      await this.enter([id], 'delivered', null)
      return true
    }
    this.#away.set(key, Date.now() + absentMs)
    await unclaim(this.#options.pool, notice)
    return false
  }

  async enter(ids: readonly string[], state: NoticeState, detail: string | null): Promise<void> {
    const at = new Date()
    await decideOn(this.#options, ids, ids.length === 1, (notice) =>
      advances(notice.state, state) ? { entries: [{ state, at, detail }] } : null,
    )
  }
}
