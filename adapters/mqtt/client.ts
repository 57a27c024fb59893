import type { IPublishPacket } from 'mqtt'
import type { Adapter, AdapterContext, AdapterKind, Inbound, OutboundNotice, Sent } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { MqttSubscription } from '../../gateway/web/mqtt-subscription.ts'
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

/** One link to a broker. */
export class MqttLink implements Adapter {
  readonly #options: ClientOptions
  readonly #context: AdapterContext
  readonly #subscription: MqttSubscription
  /** Addressees that nobody was subscribed for; a word from one of them says that it is back. */
  readonly #absent = new Set<string>()

  constructor(options: ClientOptions, context: AdapterContext) {
    const { url, group, topics, window } = options
    this.#options = options
    this.#context = context
    this.#subscription = new MqttSubscription({
      url,
      options: () => connectOptions(options),
      filters: topics.map((topic) => (group === 'none' ? topic : `$share/${group}/${topic}`)),
      window,
      take: (packet) => this.#take(packet),
      down: (reason) => context.report({ state: 'down', reason }),
    })
  }

  async start(): Promise<void> {
    await this.#subscription.open()
    if (this.#subscription.client !== null) this.#context.report({ state: 'connected', to: this.#options.url })
  }

  stop(): Promise<void> {
    return this.#subscription.close()
  }

  /**
   * `delivered` means that the broker has it: it keeps the notice for a device whose session it keeps, and the device's
   * own receipt tells the rest. A broker that speaks MQTT 5 also says when nobody is subscribed: that is `absent`.
   */
  async send(notice: OutboundNotice): Promise<Sent> {
    const { client } = this.#subscription
    if (!client?.connected) throw new GatewayError('LINK_LOST', `${this.#options.url} is not connected`)
    const { topic, payload } = encodeDown(notice)
    const subscribed = await publish(client, topic, payload, this.#options.ackTimeout)
    if (!subscribed) this.#absent.add(notice.addressee)
    return subscribed ? 'delivered' : 'absent'
  }

  async #take(packet: IPublishPacket): Promise<void> {
    const stored = this.#context.accept(this.#inbound(packet))
    this.#seen(packet.topic)
    try {
      await stored
    } catch (error) {
      this.#context.log.warn({ err: error }, 'mqtt message not stored, link dropped')
      throw error
    }
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
}
