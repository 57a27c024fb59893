import type { Logger } from 'pino'
import type { City } from '../city/city.ts'
import { describe, GatewayError } from '../errors.ts'
import type { Posting } from '../relay/post.ts'
import { freeClaims } from '../store/notice-device.ts'
import { decideOn, type LockedNotice, type StateStore } from '../store/notice-states.ts'
import { NoticeDesk, type Posted } from './desk.ts'
import { DeviceOffice, type DeviceSender } from './device-office.ts'
import type { NoticeRequest } from './request.ts'
import { type Resolution, resolved } from './resolution.ts'
import { Rounds } from './rounds.ts'
import type { NoticeRules } from './rules.ts'
import { TextOffice, type TextOfficeOptions } from './text-office.ts'
import type { Way } from './way.ts'
import { waysTo } from './ways.ts'

export interface OfficeOptions
  extends StateStore,
    Pick<TextOfficeOptions, 'attachments' | 'texts' | 'submitted' | 'now'> {
  /** Other gateways may use this database. */
  readonly shared: boolean
  readonly log: Logger
  readonly rules: NoticeRules
  /** Adapters that can reach a device, by name. */
  readonly senders: ReadonlyMap<string, DeviceSender & { readonly kind: string }>
  understanding(): Posting & { readonly city: City }
}

const roundMs = 2000

/**
 * The way back: a notice is a row before it is sent, takes the ways that the configuration has for it one after the
 * other, and ends delivered, expired, or on the operator's list.
 */
export class NoticeOffice {
  readonly #options: OfficeOptions
  readonly #desk: NoticeDesk
  readonly #devices: DeviceOffice
  readonly #texts: TextOffice
  readonly #rounds: Rounds
  readonly #underWay = new Set<Promise<void>>()
  readonly #busy = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #stopping = false

  constructor(options: OfficeOptions) {
    this.#options = options
    const { rules, senders, texts, understanding } = options
    this.#desk = new NoticeDesk({ ...options, devices: senders, city: () => understanding().city })
    this.#devices = new DeviceOffice(options)
    this.#texts = new TextOffice({ ...options, settled: () => {} })
    this.#rounds = new Rounds({
      ...options,
      sends: (adapter) => texts.has(adapter),
      ways: ({ audience, addressee, adapter, body }) =>
        audience === 'device'
          ? []
          : waysTo(
              { audience, subscriber: addressee, device: null, preferred: adapter, media: hasMedia(body) },
              rules,
              senders,
              texts,
            ),
      queued: (adapter, addressee) => this.#wake(adapter, addressee),
    })
  }

  start(): void {
    const { shared, pool } = this.#options
    const begin = async () => {
      if (!shared) await freeClaims(pool)
      this.#texts.start()
      this.#round()
    }
    this.#track(begin())
    this.#timer = setInterval(() => this.#round(), roundMs)
  }

  /** Hands in no more texts, and waits for the answers to those that are under way, at most so long. */
  pause(mostMs: number): Promise<void> {
    return this.#texts.pause(mostMs)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#stopping = true
    this.#devices.stop()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    await this.#texts.pause(stopMs)
  }

  /** Stores notices and begins to send them. Rejects with a NOTICE_ code, and then nothing is stored. */
  async post(request: NoticeRequest): Promise<Posted> {
    const { stored, ...posted } = await this.#desk.post(request)
    for (const { adapter, addressee } of stored) this.#wake(adapter, addressee)
    return posted
  }

  /** Takes back what has not left. `null`: there is no such notice; else whether it could be. */
  async cancel(id: string): Promise<boolean | null> {
    let cancelled = false
    const looked = await decideOn(this.#options, [id], true, ({ state }) => {
      cancelled = state === 'queued' || state === 'listed'
      const at = new Date()
      if (!cancelled) return null
      return {
        entries: [{ state: state === 'listed' ? 'refused' : 'expired', at, detail: 'cancelled', reviewAt: null }],
      }
    })
    return looked.length === 0 ? null : cancelled
  }

  /** The operator's word on a text in doubt, or on one that no way was left for. Rejects with NOTICE_INVALID. */
  async resolve(id: string, as: Resolution): Promise<boolean> {
    const begun: Way[] = []
    const looked = await decideOn(this.#options, [id], true, (notice: LockedNotice) => {
      if (notice.state !== 'in-doubt' && notice.state !== 'listed')
        throw new GatewayError('NOTICE_INVALID', `it is ${notice.state}, and neither in doubt nor listed`)
      const decision = resolved(notice, as, new Date())
      begun.push(...decision.entries.flatMap(({ way }) => way ?? []))
      return decision
    })
    for (const { adapter, addressee } of begun) this.#wake(adapter, addressee)
    return looked.length > 0
  }

  /** An addressee can be reached from now on; for texts: there is a link. */
  arrived(adapter: string, addressee: string): void {
    if (this.#options.texts.has(adapter)) this.#texts.wake(adapter)
    if (this.#options.senders.has(adapter)) this.#track(this.#devices.arrived({ adapter, addressee }))
  }

  #wake(adapter: string, addressee: string): void {
    this.#texts.wake(adapter)
    if (this.#options.senders.has(adapter)) this.#track(this.#devices.inLine({ adapter, addressee }))
  }

  #round(): void {
    for (const [name, step] of Object.entries({ ...this.#rounds.steps, devices: () => this.#devices.poll() }))
      this.#track(this.#alone(name, step))
  }

  /** A step that takes longer than a round is not begun twice. */
  async #alone(name: string, step: () => Promise<void>): Promise<void> {
    if (this.#busy.has(name) || this.#stopping) return
    this.#busy.add(name)
    try {
      await step()
    } finally {
      this.#busy.delete(name)
    }
  }

  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        this.#options.log.error({ reason: describe(error) }, 'notices could not be worked on')
      })
      .finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
  }
}

const stopMs = 5000

const hasMedia = (body: unknown): boolean => {
  const attachments: unknown = Reflect.get(Object(body), 'attachments')
  return Array.isArray(attachments) && attachments.length > 0
}
