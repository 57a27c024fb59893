import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { describe, GatewayError } from '../errors.ts'
import { AckWindow } from './ack-window.ts'

export interface Subscribing {
  readonly url: string
  /** Asked for at each `open`: certificates change. */
  options(): IClientOptions
  /** Topic filters, subscribed at QoS 1. */
  readonly filters: readonly string[]
  /** Messages under way at a time. */
  readonly window: number
  /** Called for each message. Resolves when it may be acknowledged; rejects: the link is dropped without that. */
  take(packet: IPublishPacket): Promise<unknown>
  /** The link was lost, or dropped; once, and not after `close`. */
  down(reason: string): void
}

/**
 * A link to a broker that acknowledges a message only when it is stored. A new client is made at each `open`; the broker
 * knows its session by the client id, and sends again what was not acknowledged.
 */
export class MqttSubscription {
  readonly #asked: Subscribing
  #client: MqttClient | null = null
  #window: AckWindow | null = null

  constructor(asked: Subscribing) {
    this.#asked = asked
  }

  /** `null` while there is no link. */
  get client(): MqttClient | null {
    return this.#client
  }

  /** Rejects with LINK_CONNECT. */
  async open(): Promise<void> {
    await this.close()
    const { url, window: size } = this.#asked
    const client = mqtt.connect(url, this.#asked.options())
    const window = new AckWindow(size, (messageId) => acknowledge(client, messageId))
    this.#client = client
    this.#window = window
    // mqtt.js acknowledges when the callback of handleMessage is called without an error, one message after the other.
    // With an error it goes on to the next and leaves the PUBACK to us, so that messages of one commit travel together.
    client.handleMessage = (packet, next) => this.#take(client, window, packet, next)
    try {
      await connected(client)
      await this.#subscribe(client)
      if (this.#client !== client) throw new Error('stopped meanwhile')
    } catch (error) {
      await this.close()
      throw new GatewayError('LINK_CONNECT', `${url}: ${describe(error)}`, { cause: error })
    }
    client.once('close', () => this.#down(client, 'the connection was lost'))
    if (!client.connected) this.#down(client, 'the connection was lost')
  }

  /** Waits until all that was taken is stored and acknowledged, or not stored. Idempotent. */
  async close(): Promise<void> {
    const client = this.#client
    const window = this.#window
    this.#client = null
    this.#window = null
    await window?.drain()
    if (client !== null) await end(client)
  }

  async #subscribe(client: MqttClient): Promise<void> {
    for (const granted of await client.subscribeAsync([...this.#asked.filters], { qos: 1 })) {
      if (granted.qos !== 1) throw new Error(`subscription to ${granted.topic} was answered ${granted.qos}`)
    }
  }

  #take(client: MqttClient, window: AckWindow, packet: IPublishPacket, next: (error?: Error) => void): void {
    if (!window.open) {
      next(held)
      return
    }
    const stored = this.#asked.take(packet)
    window.add(packet.qos === 1 ? (packet.messageId ?? null) : null, stored, () => next(held))
    stored.catch(() => this.#down(client, 'a message was not stored'))
  }

  /** Drops the link without acknowledging what is held; the broker sends it again to the session or its group. */
  #down(client: MqttClient, reason: string): void {
    if (this.#client !== client) return
    this.#client = null
    this.#window?.close()
    client.end(true)
    this.#asked.down(reason)
  }
}

const held = new Error('acknowledged later')

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve())
    // Also keeps a later error from ending the process; every one of them is followed by `close`.
    client.on('error', reject)
    client.once('close', () => reject(new Error('closed before it was connected')))
  })
}

function acknowledge(client: MqttClient, messageId: number): void {
  // biome-ignore lint/complexity/useLiteralKeys: mqtt.js has no public word for it, and TypeScript lets this form pass.
  if (client.connected) client['_sendPacket']({ cmd: 'puback', messageId, reasonCode: 0 })
}

const endTimeoutMs = 1000

/** Says DISCONNECT where somebody listens; a far end that is gone is not waited for. */
function end(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => client.stream.destroy(), endTimeoutMs)
    client.end(!client.connected, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
