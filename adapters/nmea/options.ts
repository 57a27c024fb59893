import { z } from 'zod'
import { duration, port } from '../../config/fields.ts'
import type { Listener } from '../../gateway/adapter.ts'

/** How a listener or link knows who is talking. An id is the vehicle's as the city knows it. */
const byFixed = z.strictObject({ by: z.literal('fixed'), id: z.string().min(1) })

/** By the address of the far end; one that is not named is turned away. */
const byPeer = z.strictObject({ by: z.literal('peer'), map: z.record(z.string().min(1), z.string().min(1)) })

/** By the source (`s:`) in the TAG block before each sentence; without a map the source is the id. */
const byTag = z.strictObject({
  by: z.literal('tag'),
  map: z.record(z.string().min(1), z.string().min(1)).nullable().default(null),
})

/** By the first line of the connection; the pattern's first group is the id, or its key in `map`. */
const byHello = z.strictObject({
  by: z.literal('hello'),
  pattern: z
    .string()
    .refine(hasGroup, 'must be a regular expression with one group')
    .default('^(?:IMEI[ :]*)?([A-Za-z0-9_-]{1,64})$'),
  map: z.record(z.string().min(1), z.string().min(1)).nullable().default(null),
  within: duration().prefault('10s'),
})

function hasGroup(pattern: string): boolean {
  try {
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 0) > 1
  } catch {
    return false
  }
}

const shared = {
  /** NMEA 0183 before 2.0 has no checksum. One that is there must hold in any case. */
  checksum: z.enum(['required', 'optional']).default('required'),
  /** After this much silence the epoch under way is complete. */
  quietAfter: duration().prefault('300ms'),
  /** While more messages than this of one link are being stored, it is not read. */
  window: z.number().int().min(1).max(4096).default(64),
}

const tcpServer = z.strictObject({
  transport: z.literal('tcp-server'),
  host: z.string().min(1).default('127.0.0.1'),
  port: port().default(10_110),
  maxConnections: z.number().int().min(1).default(10_000),
  /** A connection that says nothing for so long is taken for dead. */
  idleAfter: duration().prefault('5m'),
  subject: z.discriminatedUnion('by', [byFixed, byPeer, byTag, byHello]),
  ...shared,
})

const tcpClient = z.strictObject({
  transport: z.literal('tcp-client'),
  host: z.string().min(1),
  port: port().default(10_110),
  connectWithin: duration().prefault('10s'),
  idleAfter: duration().prefault('5m'),
  /** `raw` asks gpsd for the sentences of its receivers. */
  gpsdWatch: z.enum(['none', 'raw']).default('none'),
  subject: z.discriminatedUnion('by', [byFixed, byTag, byHello]),
  ...shared,
})

const udp = z.strictObject({
  transport: z.literal('udp'),
  host: z.string().min(1).default('127.0.0.1'),
  port: port().default(10_110),
  /** A sender that says nothing for so long is forgotten. */
  idleAfter: duration().prefault('5m'),
  maxPeers: z.number().int().min(1).default(4096),
  subject: z.discriminatedUnion('by', [byFixed, byPeer, byTag]),
  ...shared,
})

const serial = z.strictObject({
  transport: z.literal('serial'),
  path: z.string().min(1),
  /** NMEA 0183 is spoken at 4800 baud, its high-speed variant at 38400. */
  baudRate: z.number().int().min(300).default(4800),
  subject: z.discriminatedUnion('by', [byFixed, byTag]),
  ...shared,
})

export const nmeaOptions = z.discriminatedUnion('transport', [tcpServer, tcpClient, udp, serial])

export function nmeaListeners(options: NmeaOptions): Listener[] {
  if (options.transport !== 'tcp-server' && options.transport !== 'udp') return []
  const { host, port } = options
  return [{ transport: options.transport === 'udp' ? 'udp' : 'tcp', host, port, path: ['port'] }]
}

export type NmeaOptions = z.infer<typeof nmeaOptions>
export type TcpServerOptions = z.infer<typeof tcpServer>
export type TcpClientOptions = z.infer<typeof tcpClient>
export type UdpOptions = z.infer<typeof udp>
export type SerialOptions = z.infer<typeof serial>
export type SubjectRule = NmeaOptions['subject']
