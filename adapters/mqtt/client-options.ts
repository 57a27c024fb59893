import { readFileSync } from 'node:fs'
import type { IClientOptions } from 'mqtt'
import { z } from 'zod'
import { byteSize, duration, file, secret } from '../../config/fields.ts'

/** `kind: mqtt-client`: the devices are on a broker that is already there, and gateways take their share of it. */
export const clientOptions = z.strictObject({
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://` with host and port. */
  url: z
    .string()
    .regex(
      /^(mqtts?|wss?):\/\/[^/@]+(\/[^@]*)?$/,
      'must be mqtt://, mqtts://, ws:// or wss:// with a host, and no user',
    )
    .default('mqtt://127.0.0.1:1883'),
  /** 5 is worth having: it bounds what the broker sends ahead, and says why it refuses. */
  protocol: z.enum(['5', '3.1.1']).default('5'),
  /** Names the session that the broker keeps while the gateway is away: another for each gateway, the same after a restart. */
  clientId: z.string().min(1).max(128),
  username: z.string().min(1).optional(),
  password: secret().optional(),
  /** PEM files: whose broker certificates are believed, and the gateway's own. */
  ca: file().optional(),
  cert: file().optional(),
  key: file().optional(),
  /** Gateways of one group share the messages between them (`$share/<group>/…`); `none`: each gets every message. */
  group: z
    .string()
    .regex(/^[^/+#\s]+$/, 'must be one topic level')
    .default('chengguan-gateway'),
  topics: z.array(z.string().min(1)).min(1).default(['v1/+/up/+', 'owntracks/+/+', 'owntracks/+/+/event']),
  /** How long the broker keeps the session of a gateway that is away (MQTT 5; with 3.1.1 the broker decides). */
  sessionExpiry: duration().prefault('7d'),
  /** Messages the broker may send ahead of their acknowledgement (MQTT 5). */
  window: z.number().int().min(1).max(65_535).default(1000),
  keepalive: duration().prefault('30s'),
  connectTimeout: duration().prefault('10s'),
  /** How long the broker may take to acknowledge a notice. */
  ackTimeout: duration().prefault('10s'),
  limits: z
    .strictObject({
      /** A larger payload becomes a dead letter of which the first 64 KiB are kept. */
      payload: byteSize().prefault('8MiB'),
      /** A broker that speaks MQTT 5 is asked not to send a larger frame; from any other it ends the link. */
      frame: byteSize().prefault('16MiB'),
      /** An array of more elements becomes a dead letter. */
      elements: z.number().int().min(1).default(10_000),
    })
    .prefault({}),
  ownTracksSubject: z.enum(['user', 'user-device']).default('user'),
})

export type ClientOptions = z.output<typeof clientOptions>

/** The options as mqtt.js wants them. */
export function connectOptions(options: ClientOptions): IClientOptions {
  const { username, password, ca, cert, key } = options
  const v5 = options.protocol === '5'
  return {
    protocolVersion: v5 ? 5 : 4,
    clientId: options.clientId,
    clean: false,
    // The supervisor makes a new link; mqtt.js must not.
    reconnectPeriod: 0,
    connectTimeout: options.connectTimeout,
    keepalive: Math.max(1, Math.round(options.keepalive / 1000)),
    resubscribe: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(v5 ? { properties: sessionProperties(options) } : {}),
  }
}

function sessionProperties(options: ClientOptions) {
  return {
    sessionExpiryInterval: Math.round(options.sessionExpiry / 1000),
    receiveMaximum: options.window,
    maximumPacketSize: options.limits.frame,
  }
}
