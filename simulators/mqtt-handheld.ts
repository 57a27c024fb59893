import { setTimeout as delay } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import {
  type DownMessage,
  decodeDown,
  downFilter,
  encodeUp,
  type PlacePayload,
  type Publish,
  type ReceiptPayload,
  type ReportPayload,
  type UpName,
  type UpPayloads,
  upTopic,
} from '../adapters/mqtt/codec.ts'
import { seeded } from './seeded.ts'

/** How bad the handheld's day is. Rates are shares from 0 to 1; the seed makes a day come again. */
export interface HandheldTroubles {
  readonly seed: number
  /** Share of positions that never reach the network and never will. */
  readonly lossRate: number
  /** Share of publishes that are sent a second time with the same bytes. */
  readonly duplicateRate: number
  /** The longest time a publish waits before it is sent. */
  readonly maxDelayMs: number
  /** How far the handheld's clock is ahead. */
  readonly clockSkewMs: number
}

export const noTroubles: HandheldTroubles = { seed: 1, lossRate: 0, duplicateRate: 0, maxDelayMs: 0, clockSkewMs: 0 }

export interface HandheldOptions {
  /** `mqtt://127.0.0.1:1883` */
  readonly url: string
  readonly device: string
  readonly password: string | null
  /** Stands in every id, so that two runs never say the same. */
  readonly run: string
  readonly troubles: HandheldTroubles
  /** For TLS and the like. */
  readonly client?: IClientOptions
}

/** What happened to it, in its own words: the other side's account is compared with this one. */
export interface HandheldRecord {
  /** Ids of messages whose PUBACK came, backlog elements each. */
  readonly acknowledged: Set<string>
  /** Ids that were handed to the network and have no PUBACK yet. */
  readonly pending: Set<string>
  readonly lost: Set<string>
  duplicatesSent: number
  /** Notices by id, as they came first. */
  readonly notices: Map<string, DownMessage>
  /** Notices that came again and were ignored. */
  repeatedNotices: number
}

type Numbered = { readonly id?: string | number | null }

/** One handheld with MQTT 3.1.1, a persistent session and QoS 1; it comes back by itself when its link is lost. */
export class Handheld {
  readonly record: HandheldRecord = {
    acknowledged: new Set(),
    pending: new Set(),
    lost: new Set(),
    duplicatesSent: 0,
    notices: new Map(),
    repeatedNotices: 0,
  }
  readonly #options: HandheldOptions
  readonly #random: () => number
  readonly #backlog = new Map<UpName, Numbered[]>()
  #client: MqttClient | null = null
  #stopped = signal()
  #offline = false
  #count = 0
  #underWay = 0

  constructor(options: HandheldOptions) {
    this.#options = options
    this.#random = seeded(options.troubles.seed)
  }

  get device(): string {
    return this.#options.device
  }

  /** Resolves when it is connected, subscribed to its notices and has said that it is online. */
  async start(): Promise<void> {
    const { url, device, password } = this.#options
    const will = { topic: upTopic(device, 'presence'), payload: JSON.stringify({ state: 'offline' }), qos: 1 as const }
    const client = await mqtt.connectAsync(url, {
      protocolVersion: 4,
      clientId: `${device}-handheld`,
      clean: false,
      username: device,
      ...(password === null ? {} : { password }),
      reconnectPeriod: 200,
      will: { ...will, payload: Buffer.from(will.payload), retain: false },
      ...this.#options.client,
    })
    this.#client = client
    this.#stopped = signal()
    client.on('error', () => {})
    client.on('message', (topic, payload) => this.#notice(topic, payload))
    await client.subscribeAsync(downFilter(device), { qos: 1 })
    await this.presence('online')
  }

  /** The time by its own clock. */
  now(): string {
    return new Date(Date.now() + this.#options.troubles.clockSkewMs).toISOString()
  }

  /** Resolves with the PUBACK, or at once when the position was lost or joined the backlog. */
  async position(place: PlacePayload, battery: number | null = null): Promise<void> {
    const payload = { id: this.#nextId(), time: this.now(), ...place, battery }
    if (this.#random() < this.#options.troubles.lossRate) this.record.lost.add(payload.id)
    else await this.#say('position', payload)
  }

  async report(report: ReportPayload): Promise<string> {
    const id = this.#nextId()
    await this.#say('report', { time: this.now(), ...report, id })
    return id
  }

  async presence(state: UpPayloads['presence']['state']): Promise<void> {
    await this.#say('presence', { id: this.#nextId(), time: this.now(), state })
  }

  /** Walks points one after the other until there are no more or `until` ends it. */
  async walk(points: Iterable<PlacePayload>, everyMs: number, until?: AbortSignal): Promise<void> {
    for (const point of points) {
      if (until?.aborted) return
      await this.position(point)
      await delay(everyMs, undefined, until === undefined ? {} : { signal: until }).catch(() => undefined)
    }
  }

  /** Out of coverage: what it has to say gathers. */
  goOffline(): void {
    this.#offline = true
  }

  /** Back in coverage: the backlog goes out, one array a topic. */
  async goOnline(): Promise<void> {
    this.#offline = false
    const waiting = [...this.#backlog]
    this.#backlog.clear()
    for (const [name, payloads] of waiting) await this.#publish(encodeBacklog(this.device, name, payloads), payloads)
  }

  /**
   * Says goodbye; with `abruptly` the link breaks and the broker speaks its will. What has no PUBACK yet stays pending in
   * the record, and whoever waits for it goes on.
   */
  async stop(abruptly = false): Promise<void> {
    const client = this.#client
    this.#client = null
    this.#stopped.resolve()
    if (client === null) return
    if (abruptly) client.stream.destroy()
    await client.endAsync(abruptly || !client.connected)
  }

  async #say<Name extends UpName>(name: Name, payload: UpPayloads[Name] & Numbered): Promise<void> {
    if (this.#offline) this.#backlog.set(name, [...(this.#backlog.get(name) ?? []), payload])
    else await this.#publish(encodeUp(this.device, name, payload), [payload])
  }

  async #publish({ topic, payload }: Publish, said: readonly Numbered[]): Promise<void> {
    const client = this.#client
    if (client === null) return
    const ids = said.map(({ id }) => String(id))
    const { maxDelayMs, duplicateRate } = this.#options.troubles
    this.#underWay++
    for (const id of ids) this.record.pending.add(id)
    try {
      if (maxDelayMs > 0) await delay(this.#random() * maxDelayMs)
      const again = this.#random() < duplicateRate
      const sending = (again ? [1, 2] : [1]).map(() => this.#untilTaken(client, topic, payload))
      await Promise.race([Promise.all(sending), this.#stopped.promise])
      // mqtt.js leaves the publishes of a client that was ended unsettled for ever.
      if (this.#client !== client) return
      if (again) this.record.duplicatesSent++
      for (const id of ids) this.#acknowledged(id)
    } finally {
      this.#underWay--
    }
  }

  // mqtt.js resends what was on its way when a link was lost, but gives back what was said while it was resending.
  async #untilTaken(client: MqttClient, topic: string, payload: Buffer): Promise<void> {
    for (;;) {
      try {
        await client.publishAsync(topic, payload, { qos: 1 })
        return
      } catch (error) {
        if (this.#client !== client) throw error
        await delay(50)
      }
    }
  }

  #acknowledged(id: string): void {
    this.record.pending.delete(id)
    this.record.acknowledged.add(id)
  }

  /** Publishes without a PUBACK yet. */
  get underWay(): number {
    return this.#underWay
  }

  #notice(topic: string, payload: Buffer): void {
    const notice = decodeDown(topic, payload)
    if (this.record.notices.has(notice.id)) {
      this.record.repeatedNotices++
      return
    }
    this.record.notices.set(notice.id, notice)
    const receipt: ReceiptPayload = { id: this.#nextId(), time: this.now(), noticeId: notice.id, state: 'read' }
    this.#say('receipt', receipt).catch(() => undefined)
  }

  #nextId(): string {
    this.#count++
    return `${this.#options.device}-${this.#options.run}-${this.#count}`
  }
}

function signal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve: () => resolve() }
}

/** The payloads of one topic were made by `#say` for that topic. */
function encodeBacklog(device: string, name: UpName, payloads: readonly Numbered[]): Publish {
  return { topic: upTopic(device, name), payload: Buffer.from(JSON.stringify(payloads)) }
}
