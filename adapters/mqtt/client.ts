import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import type { Adapter, AdapterContext, AdapterKind, Inbound, OutboundNotice, Sent } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { AckWindow } from './client-ack-window.ts'
import { type ClientOptions, clientOptions, connectOptions } from './client-options.ts'
import { publish } from './client-publish.ts'
import { decode, encodeDown } from './codec.ts'
import { bytesOf, inbound } from './inbound.ts'
import { contentKey } from './key.ts'
import { readTopic } from './topics.ts'

/** `kind: mqtt-client`: takes its share of what devices publish on a broker that is already there. */
export const mqttClient: AdapterKind<ClientOptions> = {
  kind: 'mqtt-client',
  channel: 'mqtt',
  options: clientOptions,
  decode: (message, options) =>
    decode(message, { maxElements: options.limits.elements, ownTracksSubject: options.ownTracksSubject }),
  create: (options, context) => new MqttLink(options, context),
}

/** One link to a broker. A new one is made at each start; the broker knows its session by the client id. */
export class MqttLink implements Adapter {
  readonly #options: ClientOptions
  readonly #context: AdapterContext
  #client: MqttClient | null = null
  #window: AckWindow | null = null
  /** Addressees that nobody was subscribed for; a word from one of them says that it is back. */
  readonly #absent = new Set<string>()

  constructor(options: ClientOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
  }

  async start(): Promise<void> {
    await this.stop()
    const client = mqtt.connect(this.#options.url, connectOptions(this.#options))
    const window = new AckWindow(this.#options.window, (messageId) => acknowledge(client, messageId))
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
      await this.stop()
      throw new GatewayError('LINK_CONNECT', `${this.#options.url}: ${describe(error)}`, { cause: error })
    }
    client.once('close', () => this.#down(client, 'the connection was lost'))
    if (!client.connected) this.#down(client, 'the connection was lost')
    else this.#context.report({ state: 'connected', to: this.#options.url })
  }

  async stop(): Promise<void> {
    const client = this.#client
    const window = this.#window
    this.#client = null
    this.#window = null
    await window?.drain()
    if (client !== null) await end(client)
  }

  /**
   * `delivered` means that the broker has it: it keeps the notice for a device whose session it keeps, and the device's
   * own receipt tells the rest. A broker that speaks MQTT 5 also says when nobody is subscribed: that is `absent`.
   */
  async send(notice: OutboundNotice): Promise<Sent> {
    const client = this.#client
    if (!client?.connected) throw new GatewayError('LINK_LOST', `${this.#options.url} is not connected`)
    const { topic, payload } = encodeDown(notice)
    const subscribed = await publish(client, topic, payload, this.#options.ackTimeout)
    if (!subscribed) this.#absent.add(notice.addressee)
    return subscribed ? 'delivered' : 'absent'
  }

  async #subscribe(client: MqttClient): Promise<void> {
    const { group, topics } = this.#options
    const filters = topics.map((topic) => (group === 'none' ? topic : `$share/${group}/${topic}`))
    for (const granted of await client.subscribeAsync(filters, { qos: 1 })) {
      if (granted.qos !== 1) throw new Error(`subscription to ${granted.topic} was answered ${granted.qos}`)
    }
  }

  #take(client: MqttClient, window: AckWindow, packet: IPublishPacket, next: (error?: Error) => void): void {
    if (!window.open) {
      next(held)
      return
    }
    const stored = this.#context.accept(this.#inbound(packet))
    this.#seen(packet.topic)
    window.add(packet.qos === 1 ? (packet.messageId ?? null) : null, stored, () => next(held))
    stored.catch((error: unknown) => {
      this.#context.log.warn({ err: error }, 'mqtt message not stored, link dropped')
      this.#down(client, 'a message was not stored')
    })
  }

  #inbound(packet: IPublishPacket): Inbound {
    // A broker is not bound to topics that PostgreSQL can keep.
    const topic = packet.topic.replaceAll('\0', '\ufffd')
    const message = inbound(bytesOf(packet.payload), {
      topic,
      bridge: null,
      will: false,
      maxPayloadBytes: this.#options.limits.payload,
    })
    if (!packet.retain) return message
    return { ...message, key: contentKey(topic, message.raw), envelope: { ...message.envelope, retained: 'true' } }
  }

  #seen(topic: string): void {
    if (this.#absent.size === 0) return
    const device = readTopic(topic)?.device
    if (device !== undefined && this.#absent.delete(device)) this.#context.arrived(device)
  }

  /** Drops the link without acknowledging what is held; the broker sends it again to the session or its group. */
  #down(client: MqttClient, reason: string): void {
    if (this.#client !== client) return
    this.#client = null
    this.#window?.close()
    client.end(true)
    this.#context.report({ state: 'down', reason })
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
