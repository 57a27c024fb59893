import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import mqtt, { type MqttClient } from 'mqtt'
import { type TrackedObject, writeFrigateEvent } from '../adapters/nvr/frigate-write.ts'

export interface FrigateTally {
  readonly events: number
  readonly pictures: number
  /** Pictures that were asked for by the API and given. */
  readonly fetched: number
}

/** How an object goes by; what Frigate leaves out now and then. */
export interface Passing {
  readonly camera: string
  readonly label: string
  readonly zones?: readonly string[]
  readonly updates?: number
  /** `new` never comes. */
  readonly missingStart?: boolean
  readonly missingEnd?: boolean
  /** Every message twice. */
  readonly repeated?: boolean
  /** It was not sure until the first update. */
  readonly unsureAtFirst?: boolean
  readonly at?: Date
}

/** Frigate: publishes what it tracks to a broker at QoS 1 and gives pictures by its API. It keeps its own tally. */
export class SimulatedFrigate {
  readonly #broker: string
  readonly #picture: Buffer
  readonly #prefix: string
  readonly #tally = { events: 0, pictures: 0, fetched: 0 }
  readonly #pictured = new Set<string>()
  readonly #api: Server
  #client: MqttClient | null = null

  constructor(broker: string, picture: Buffer, prefix = 'frigate') {
    this.#broker = broker
    this.#picture = picture
    this.#prefix = prefix
    this.#api = createServer((request, response) => {
      const id = /^\/api\/events\/([^/]+)\/snapshot\.jpg$/.exec(request.url ?? '')?.[1] ?? ''
      if (!this.#pictured.has(id)) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"success":false,"message":"not found"}')
        return
      }
      this.#tally.fetched++
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(this.#picture)
    })
  }

  get tally(): FrigateTally {
    return { ...this.#tally }
  }

  get api(): string {
    return `http://127.0.0.1:${(this.#api.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#api.listen(0, '127.0.0.1', resolve))
    const will = { topic: `${this.#prefix}/available`, payload: Buffer.from('offline'), qos: 1 as const, retain: true }
    this.#client = await mqtt.connectAsync(this.#broker, { will, reconnectPeriod: 0 })
    await this.#publish('available', 'online', true)
  }

  async stop(): Promise<void> {
    if (this.#client?.connected === true) await this.#publish('available', 'offline', true)
    await this.#client?.endAsync()
    this.#client = null
    this.#api.closeAllConnections()
    if (this.#api.listening) await new Promise((resolve) => this.#api.close(resolve))
  }

  /** One object from its beginning to its end; resolves with its id when the broker has all of it. */
  async pass(passing: Passing): Promise<string> {
    const { updates = 1, zones = [], at = new Date() } = passing
    const id = `${(at.getTime() / 1000).toFixed(6)}-${randomBytes(3).toString('hex')}`
    const state = (second: number, more: Partial<TrackedObject> = {}): TrackedObject => ({
      id,
      camera: passing.camera,
      label: passing.label,
      startTime: at,
      endTime: null,
      frameTime: new Date(at.getTime() + second * 1000),
      score: 0.78,
      falsePositive: false,
      stationary: false,
      currentZones: second === 0 ? [] : zones.slice(0, second),
      enteredZones: second === 0 ? [] : zones.slice(0, second),
      hasSnapshot: true,
      ...more,
    })
    this.#pictured.add(id)
    const unsure = passing.unsureAtFirst === true ? { falsePositive: true } : {}
    let before = state(0, unsure)
    const say = async (type: 'new' | 'update' | 'end', after: TrackedObject) => {
      for (let n = 0; n < (passing.repeated === true ? 2 : 1); n++)
        await this.event(writeFrigateEvent(type, before, after))
      before = after
    }
    if (passing.missingStart !== true) await say('new', before)
    for (let n = 1; n <= updates; n++) await say('update', state(n))
    if (passing.missingEnd !== true) {
      const end = state(updates + 1, { endTime: new Date(at.getTime() + (updates + 1) * 1000), currentZones: [] })
      await say('end', end)
    }
    return id
  }

  async event(payload: string): Promise<void> {
    this.#tally.events++
    await this.#publish('events', payload, false)
  }

  /** The best picture of an object of that kind, kept by the broker. */
  async picture(camera: string, label: string): Promise<void> {
    this.#tally.pictures++
    await this.#publish(`${camera}/${label}/snapshot`, this.#picture, true)
  }

  async #publish(topic: string, payload: string | Buffer, retain: boolean): Promise<void> {
    await this.#client?.publishAsync(`${this.#prefix}/${topic}`, payload, { qos: 1, retain })
  }
}
