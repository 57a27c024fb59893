import type { AedesOptions, Client } from 'aedes'
import type { AdapterContext } from '../../gateway/adapter.ts'
import { quote } from '../../gateway/errors.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { Credentials } from './credentials.ts'
import type { Identity, Peer } from './peer.ts'
import type { PeersByName } from './peers-by-name.ts'
import { addresseeOf, deviceOf, isDeviceName, isOwn, notDeviceName, onlyNotices, readTopic } from './topics.ts'

/** An error that was already counted and logged as a refusal. */
export class Refused extends Error {
  /** A return code of CONNACK (MQTT 3.1.1, 3.2.2.3). */
  readonly returnCode: number

  constructor(reason: string, returnCode = 5) {
    super(reason)
    this.returnCode = returnCode
  }
}

const badUserNameOrPassword = 4
const notAuthorized = 5

export interface AccessParts {
  readonly options: BrokerOptions
  readonly context: AdapterContext
  readonly credentials: Credentials
  readonly peerOf: (client: Client) => Peer | null
  /** Grows by each filter that may take in what devices publish. */
  readonly audience: PeersByName
}

/** Who may connect, and which topics are whose. */
export class BrokerAccess {
  readonly #options: BrokerOptions
  readonly #context: AdapterContext
  readonly #credentials: Credentials
  readonly #peerOf: (client: Client) => Peer | null
  readonly #audience: PeersByName

  constructor(parts: AccessParts) {
    this.#options = parts.options
    this.#context = parts.context
    this.#credentials = parts.credentials
    this.#peerOf = parts.peerOf
    this.#audience = parts.audience
  }

  /** aedes answers a v5 CONNECT with return code 1 by itself, but says nothing to the operator. */
  readonly preConnect: NonNullable<AedesOptions['preConnect']> = (client, packet, callback) => {
    const peer = this.#peerOf(client)
    if (peer === null) return callback(new Error('closed'), false)
    peer.willTopic = packet.will?.topic ?? null
    if (packet.protocolVersion === 5) {
      this.#context.refused('an mqtt 5 client; the gateway speaks 3.1.1, use an existing broker and kind mqtt-client', {
        ...peer.fields(),
        clientId: quote(packet.clientId),
      })
    }
    callback(null, true)
  }

  readonly authenticate: NonNullable<AedesOptions['authenticate']> = (client, username, password, callback) => {
    const peer = this.#peerOf(client)
    if (peer === null) return callback(new Refused('closed'), false)
    this.#identify(peer, client.id, username, password)
      .then((identity) => {
        if (peer.willTopic !== null && !mayPublish(identity, peer.willTopic)) {
          throw new Refused(`a will on ${quote(peer.willTopic)}, which is not its own`)
        }
        peer.identity = identity
        // A client id is anybody's to choose: with its owner's name before it, nobody takes over another's session.
        client.id = `${identity.device}/${client.id}`
        callback(null, true)
      })
      .catch((error: unknown) => {
        const refusal = error instanceof Refused ? error : new Refused(String(error))
        this.#context.refused('an mqtt client that may not connect', {
          ...peer.fields(),
          user: quote(username ?? null),
          reason: refusal.message,
        })
        callback(refusal, false)
      })
  }

  async #identify(peer: Peer, clientId: string, username?: string, password?: Buffer): Promise<Identity> {
    const { certified } = peer.entrance
    if (certified !== null) return this.#byCertificate(certified, username)
    if (username !== undefined && password !== undefined) {
      const credential = await this.#credentials.verify(username, password)
      if (credential === null) throw new Refused('unknown user or wrong password', badUserNameOrPassword)
      return { device: username, role: credential.role }
    }
    if (this.#options.anonymous === 'loopback' && peer.entrance.loopback) {
      const device = username ?? clientId
      if (!isDeviceName(device)) throw new Refused(`${quote(device)} ${notDeviceName}`)
      return { device, role: 'device' }
    }
    throw new Refused('no credentials', notAuthorized)
  }

  async #byCertificate(device: string, username?: string): Promise<Identity> {
    if (!isDeviceName(device)) throw new Refused(`common name ${quote(device)} ${notDeviceName}`)
    if (username !== undefined && username !== device) {
      throw new Refused(`user ${quote(username)} with the certificate of ${quote(device)}`)
    }
    return { device, role: (await this.#credentials.find(device))?.role ?? 'device' }
  }

  /**
   * A refused filter is answered 0x80 (MQTT 3.1.1, 3.9.3). A bridge may listen for others, one device a filter, so that
   * it is known whose notices can be delivered.
   */
  readonly authorizeSubscribe: NonNullable<AedesOptions['authorizeSubscribe']> = (client, subscription, callback) => {
    const peer = this.#peerOf(client)
    const identity = peer?.identity ?? null
    if (peer === null || identity === null) return callback(new Error('closed'))
    const { topic: filter, qos } = subscription
    const addressee = addresseeOf(filter)
    const own = isOwn(filter, identity.device) || (identity.role === 'bridge' && addressee !== null)
    if (!own) {
      this.#context.refused('a subscription to what is not its own', { ...peer.fields(), filter: quote(filter) })
      return callback(null, null)
    }
    if (addressee !== null && qos > 0) peer.addressees.set(filter, addressee)
    else if (addressee !== null) {
      this.#context.refused('a subscription to notices at QoS 0, which cannot be acknowledged', {
        ...peer.fields(),
        filter: quote(filter),
      })
    }
    if (!onlyNotices(filter) && !peer.socket.destroyed) {
      peer.heard.add(deviceOf(filter))
      this.#audience.add(deviceOf(filter), peer)
    }
    callback(null, subscription)
  }
}

/** Whether a client may publish here at all; whether the topic means anything is the codec's affair. */
export function mayPublish(identity: Identity, topic: string): boolean {
  if (topic.includes('\0') || /[+#]/.test(topic)) return false
  if (isOwn(topic, identity.device)) return true
  if (identity.role !== 'bridge') return false
  const read = readTopic(topic)
  if (read === null || !isDeviceName(read.device)) return false
  return read.scheme === 'owntracks' || read.direction === 'up'
}
