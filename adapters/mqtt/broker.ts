import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { Aedes, type Client } from 'aedes'
import type { Adapter, AdapterContext, AdapterKind, OutboundNotice, Sent } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import { BrokerAccess, Refused } from './broker-access.ts'
import { BrokerIntake } from './broker-intake.ts'
import { BrokerNotices } from './broker-notices.ts'
import { type BrokerOptions, brokerListeners, brokerOptions } from './broker-options.ts'
import { decode } from './codec.ts'
import { credentialCommand } from './credential-command.ts'
import { Credentials, tokenCredential } from './credentials.ts'
import { type Door, type Listener, openTcp, openTls, openWebSocket } from './listeners.ts'
import { type Entrance, Peer } from './peer.ts'
import { PeersByName } from './peers-by-name.ts'
import { sessionStore } from './session-store.ts'
import { deviceOf } from './topics.ts'

/** `kind: mqtt-broker`: devices connect to the gateway itself, with MQTT 3.1.1 over TCP, TLS or WebSocket. */
export const mqttBroker: AdapterKind<BrokerOptions> = {
  kind: 'mqtt-broker',
  channel: 'mqtt',
  options: brokerOptions,
  listeners: brokerListeners,
  commands: [credentialCommand],
  decode: (message, options) =>
    decode(message, { maxElements: options.limits.elements, ownTracksSubject: options.ownTracksSubject }),
  create: (options, context) => new MqttBroker(options, context),
}

export class MqttBroker implements Adapter {
  readonly #options: BrokerOptions
  readonly #context: AdapterContext
  readonly #access: BrokerAccess
  readonly #intake: BrokerIntake
  readonly #notices: BrokerNotices
  /** Outlives a restart of the listeners: a device that comes back finds its session. */
  readonly #sessions = sessionStore()
  readonly #byClient = new WeakMap<Client, Peer>()
  readonly #peers = new Set<Peer>()
  /** Clients that listen to what devices publish. */
  readonly #audience = new PeersByName()
  #aedes: Aedes | null = null
  #listeners: Listener[] = []
  #up = false

  constructor(options: BrokerOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    const peerOf = (client: Client): Peer | null => this.#byClient.get(client) ?? null
    const inline = new Map(options.devices.map((d) => [d.name, tokenCredential(d.password.reveal(), d.role)]))
    const credentials = new Credentials(options.credentials ?? null, inline, (problems) =>
      context.log.error({ problems }, 'mqtt credentials file is faulty, the last good one stays in force'),
    )
    this.#access = new BrokerAccess({ options, context, credentials, peerOf, audience: this.#audience })
    this.#notices = new BrokerNotices(context, options.ackTimeout, peerOf)
    this.#intake = new BrokerIntake(context, options.limits, peerOf)
  }

  async start(): Promise<void> {
    await this.stop()
    this.#intake.open()
    this.#aedes = await this.#broker()
    try {
      for (const opening of this.#openings()) this.#listeners.push(await opening())
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#up = true
    this.#context.report({ state: 'listening', at: this.#listeners.map((listener) => listener.at).join(' ') })
  }

  /** What was taken is stored and acknowledged first. Wills stay unspoken: nobody was lost, the gateway left. */
  async stop(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close()
    await this.#intake.drain()
    // mqtt-packet writes a PUBACK at the end of the tick in which its message was settled.
    await new Promise((resolve) => setImmediate(resolve))
    const aedes = this.#aedes
    this.#aedes = null
    if (aedes === null) return
    await new Promise<void>((resolve) => aedes.close(() => resolve()))
    for (const { socket } of this.#peers) socket.destroy()
    if (this.#up) this.#context.report({ state: 'stopped' })
    this.#up = false
  }

  send(notice: OutboundNotice): Promise<Sent> {
    return this.#notices.send(notice)
  }

  *#openings(): Generator<() => Promise<Listener> | Listener> {
    const { tcp, tls, webSocket, limits } = this.#options
    const door: Door = {
      enter: (socket, entrance) => this.#enter(socket, entrance),
      refused: (reason, fields) => this.#context.refused(reason, fields),
      failed: (error) => this.#context.report({ state: 'down', reason: describe(error) }),
    }
    if (tcp !== 'off') yield () => openTcp(tcp, door)
    if (tls !== 'off') yield () => openTls(tls, door)
    if (webSocket !== 'off') yield () => openWebSocket(this.#context.http.server, webSocket.path, limits.frame, door)
  }

  #enter(socket: Duplex, entrance: Entrance): void {
    const aedes = this.#aedes
    const { limits } = this.#options
    if (aedes === null || this.#peers.size >= limits.connections) {
      const reason = aedes === null ? 'an mqtt connection while stopping' : 'too many mqtt connections'
      this.#context.refused(reason, { remote: entrance.remote, connections: this.#peers.size })
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const peer = new Peer(socket, entrance, limits, (reason, fields) => this.#context.refused(reason, fields))
    this.#peers.add(peer)
    socket.once('close', () => this.#left(peer))
    peer.client = aedes.handle(socket)
    this.#byClient.set(peer.client, peer)
  }

  #left(peer: Peer): void {
    this.#peers.delete(peer)
    this.#notices.left(peer)
    for (const device of peer.heard) this.#audience.remove(device, peer)
  }

  async #broker(): Promise<Aedes> {
    const aedes = await Aedes.createBroker({
      persistence: this.#sessions,
      connectTimeout: this.#options.limits.connectTimeout,
      // A client may send before its CONNACK (MQTT 3.1.1, 3.1.4): as much as one read of its socket holds.
      queueLimit: this.#options.limits.inFlight,
      // Each is kept whole until its PUBREL.
      maxInflightInbound: 64,
      preConnect: this.#access.preConnect,
      authenticate: this.#access.authenticate,
      authorizePublish: this.#intake.authorizePublish,
      authorizeSubscribe: this.#access.authorizeSubscribe,
    })
    aedes.on('subscribe', this.#notices.subscribed)
    aedes.on('unsubscribe', this.#notices.unsubscribed)
    aedes.on('clientReady', this.#notices.resumed)
    aedes.on('clientError', (client, error) => this.#closed(client, error))
    aedes.on('connectionError', (client, error) => this.#closed(client, error))
    // Its types do not tell of this event, which its session store raises.
    ;(aedes as EventEmitter).on('error', (error) => this.#context.report({ state: 'down', reason: describe(error) }))
    this.#spareUnheard(aedes)
    return aedes
  }

  /** Most of what devices say nobody subscribes to: looking for subscribers would be a sixth of each message's cost. */
  #spareUnheard(aedes: Aedes): void {
    const publish = aedes.publish.bind(aedes) as (...args: unknown[]) => void
    aedes.publish = (packet, ...rest: unknown[]) => {
      const [client, done] = rest
      const unheard = client instanceof Object && typeof done === 'function' && !packet.retain
      if (unheard && !this.#audience.has(deviceOf(packet.topic))) done(null)
      else publish(packet, ...rest)
    }
  }

  #closed(client: Client, error: Error & { code?: unknown }): void {
    const fields = { ...this.#byClient.get(client)?.fields(), reason: error.message }
    // Refusals are counted where they were made; an error with a code is the network's, and ordinary.
    if (error instanceof Refused || error.code !== undefined || ordinary.has(error.message)) {
      this.#context.log.debug(fields, 'mqtt link lost')
    } else if (error.message === silent) this.#context.refused('an mqtt client that never said who it is', fields)
    else this.#context.refused('an mqtt client that broke the protocol', fields)
  }
}

/** What aedes says when `connectTimeout` is over. */
const silent = 'connect did not arrive in time'

const ordinary = new Set(['keep alive timeout', 'connection closed', 'drain timeout', 'unacceptable protocol version'])
