import { z } from 'zod'
import { byteSize, duration, secret } from '../../config/fields.ts'

const word = z.string().min(1).max(200)

/** A host, or a host and its port. */
const host = z
  .string()
  .regex(/^[\w.-]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/, 'must be a host such as 10.1.3.7 or nvr.example:8000')

const snapshots = z.strictObject({
  /** Hosts beside the device's own that a picture may be fetched from. */
  hosts: z.array(host).max(20).default([]),
  maxSize: byteSize().prefault('8MiB'),
  /** For one picture as a whole, questions to the device included. */
  timeout: duration({ least: '1ms', most: '80s' }).prefault('20s'),
})

/** Whose alarms these are. */
export const cameraFields = {
  /** The camera as the city's register names it; of a recorder, the one whose source `cameras` does not name. */
  camera: word,
  /** Of a recorder or a device with several views: its tokens (VideoSourceToken …) and the cameras they are. */
  cameras: z.record(z.string().min(1), word).default({}),
} as const

/** How a device is spoken to. */
export const deviceFields = {
  /** Its device service. Nothing but this host is spoken to, whatever the device says of its addresses. */
  url: z.url({ protocol: /^https?$/ }),
  username: z.string().min(1).max(100).nullable().default(null),
  password: secret().nullable().default(null),
  /** HTTP Basic shows the password to whoever listens: over http it is only given where it is `allowed`. */
  basic: z.enum(['refused', 'allowed']).default('refused'),
  /** Topics as ONVIF's filter has them: `tns1:RuleEngine//.`; empty: all. */
  topics: z.array(word).max(50).default([]),
  /** How long a subscription is asked for; it is renewed at half of it. */
  lifetime: duration({ least: '10s', most: '1d' }).prefault('10m'),
  /** A subscription that brings nothing for so long is replaced. */
  renewAfterSilence: duration({ least: '1ms', most: '7d' }).prefault('15m'),
  /** For an answer, beyond what a pull may be held. */
  answerWithin: duration({ least: '1ms', most: '2m' }).prefault('10s'),
  /** The longest answer. */
  maxSize: byteSize().prefault('4MiB'),
  /** Pictures of alarms that open an incident. `off`: none are fetched. */
  snapshots: z.union([z.literal('off'), snapshots]).prefault({}),
} as const

const device = z.strictObject(deviceFields)

export type DeviceOptions = Omit<z.infer<typeof device>, 'snapshots'>
export type SnapshotOptions = z.infer<typeof snapshots>

export const loginGiven = ({ username, password }: { username: string | null; password: unknown }): boolean =>
  (username === null) === (password === null)
export const loginProblem = { path: ['password'], error: 'username and password are given together or not at all' }
