import { z } from 'zod'
import { byteSize, duration, file, secret } from '../../config/fields.ts'
import { webhookFields } from '../../gateway/web/webhook-options.ts'
import { timesOf } from '../../gateway/web/zoned-time.ts'

/** What both kinds need to say whose alarm it is, and when. */
const readingFields = {
  /**
   * The register's ids of cameras, by what an alarm says of itself: a recorder's channel `3`, an address `10.1.2.3`, a
   * recorder's `10.1.2.9/3`, a MAC address `44:19:b6:6d:24:85` or `44:19:b6:6d:24:85/3`.
   */
  cameras: z
    .record(z.string().min(1).max(100), z.string().min(1).max(200))
    .transform((given) => new Map(Object.entries(given).map(([name, id]) => [name.toLowerCase(), id])))
    .prefault({}),
  /** Of a device that is one camera: who it is, whatever it says. */
  camera: z.string().min(1).max(200).nullable().default(null),
  /** Whose wall clock a time without an offset shows (`Asia/Shanghai`); `null`: such a time is no time. */
  timeZone: z.string().refine(isZone, 'must be a time zone such as Asia/Shanghai').nullable().default(null),
} as const

function isZone(name: string): boolean {
  try {
    return timesOf(name) !== null
  } catch {
    return false
  }
}

export interface ReadingOptions {
  readonly cameras: ReadonlyMap<string, string>
  readonly camera: string | null
  readonly timeZone: string | null
}

/** `kind: hikvision-stream`: the gateway asks a camera or recorder for its stream of alarms. */
export const streamOptions = z.strictObject({
  /** `http://10.1.2.3` or `https://…:8443`: the device's own web server. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => URL.canParse(text) && new URL(text).username === '', 'must have no user'),
  username: z.string().min(1).max(100),
  password: secret(),
  path: z.string().startsWith('/').default('/ISAPI/Event/notification/alertStream'),
  /** https: whose certificates are believed (a device's own, too), and the name that is in it. */
  ca: file().nullable().default(null),
  servername: z.string().min(1).nullable().default(null),
  ...readingFields,
  /** Without a heartbeat or an alarm for so long the link is down. Firmware sends heartbeats every 0.3 to 10 s. */
  idle: duration({ least: '100ms', most: '1h' }).prefault('60s'),
  connectTimeout: duration({ least: '10ms', most: '5m' }).prefault('10s'),
  /** A wrong password is not tried again for so long: a device locks the account after a few tries. */
  loginPause: duration({ least: '0s', most: '1d' }).prefault('5m'),
  /** A longer part of the stream is a dead letter. */
  maxPart: byteSize().prefault('4MiB'),
  /** Messages that are being stored at a time; the stream is not read beyond. */
  window: z.number().int().min(1).max(1000).default(64),
})

export type StreamOptions = z.output<typeof streamOptions>

/** `kind: hikvision-push`: devices post alarms to /ingest/<name> (HTTP host notification). */
export const pushOptions = z.strictObject({
  ...webhookFields,
  maxSize: byteSize().prefault('8MiB'),
  ...readingFields,
})

export type PushOptions = z.output<typeof pushOptions>
