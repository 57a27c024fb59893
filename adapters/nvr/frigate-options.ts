import { readFileSync } from 'node:fs'
import type { IClientOptions } from 'mqtt'
import { z } from 'zod'
import { byteSize, duration, file, secret } from '../../config/fields.ts'
import { webhookFields } from '../../gateway/web/webhook-options.ts'
import { cameraNames } from './camera-names.ts'

const mqttOptions = z.strictObject({
  /** `mqtt://10.1.2.3:1883` or `mqtts://…` */
  url: z.string().regex(/^mqtts?:\/\/[^/@]+$/, 'must be mqtt:// or mqtts:// with a host, and no user'),
  /** Names the session that the broker keeps while the gateway is away. */
  clientId: z.string().min(1).max(128),
  username: z.string().min(1).nullable().default(null),
  password: secret().nullable().default(null),
  ca: file().nullable().default(null),
  keepalive: duration({ least: '1s', most: '1h' }).prefault('30s'),
  connectTimeout: duration({ least: '100ms', most: '5m' }).prefault('10s'),
  /** Messages that the broker may send ahead of their acknowledgement. */
  window: z.number().int().min(1).max(65_535).default(100),
})

const apiOptions = z.strictObject({
  /** `http://10.1.2.3:5000`: where pictures are fetched, and nowhere else. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => URL.canParse(text) && new URL(text).username === '', 'must have no user'),
  /** `Authorization: Bearer …`, for a Frigate that asks for it. */
  token: secret().nullable().default(null),
  maxSize: byteSize().prefault('5MiB'),
  timeout: duration({ least: '10ms', most: '80s' }).prefault('20s'),
})

export const frigateOptions = z
  .strictObject({
    mqtt: mqttOptions.nullable().default(null),
    /** Who posts Frigate's JSON to /ingest/<name>/events. */
    webhook: z.strictObject(webhookFields).nullable().default(null),
    /** `mqtt.topic_prefix` of Frigate. */
    prefix: z
      .string()
      .regex(/^[^+#\s]+$/, 'must be a topic')
      .default('frigate'),
    /** What an alarm is: each tracked object (`events`), or what Frigate makes of them (`reviews`, from 0.14 on). */
    follow: z.enum(['events', 'reviews']).default('events'),
    api: apiOptions.nullable().default(null),
    /** `mqtt`: pictures that Frigate publishes; needs no `api`. */
    snapshots: z.enum(['api', 'mqtt', 'off']).default('api'),
    /** The register's ids of cameras by Frigate's names; without one it is the name. */
    cameras: cameraNames(),
    /** Who it is that is `offline` when Frigate is not there. */
    device: z.string().min(1).max(200).default('frigate'),
    /** A larger message is a dead letter of which the first 64 KiB are kept. */
    maxPayload: byteSize().prefault('4MiB'),
  })
  .refine(({ mqtt, webhook }) => mqtt !== null || webhook !== null, 'mqtt or webhook must be there')

export type FrigateOptions = z.output<typeof frigateOptions>
export type FrigateMqtt = z.output<typeof mqttOptions>

export function connectOptions({ clientId, username, password, ca, ...more }: FrigateMqtt): IClientOptions {
  return {
    protocolVersion: 4,
    clientId,
    clean: false,
    // The supervisor makes a new link; mqtt.js must not.
    reconnectPeriod: 0,
    connectTimeout: more.connectTimeout,
    keepalive: Math.max(1, Math.round(more.keepalive / 1000)),
    resubscribe: false,
    ...(username !== null && { username }),
    ...(password !== null && { password: password.reveal() }),
    ...(ca !== null && { ca: readFileSync(ca) }),
  }
}
