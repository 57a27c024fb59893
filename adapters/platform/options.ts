import { z } from 'zod'
import { byteSize, countryCode, duration, timeZone } from '../../config/fields.ts'
import { webhookFields } from '../../gateway/web/webhook-options.ts'

const fields = {
  ...webhookFields,
  /** Of times that come without an offset; `null`: such a time is refused, since nobody knows whose noon it is. */
  timeZone: timeZone().nullable().default(null),
  /** An array of more elements is refused whole. */
  maxElements: z.number().int().min(1).max(100_000).default(10_000),
} as const

export const callCentreOptions = z.strictObject({
  ...fields,
  /** Whose ids the calls have; `null`: the adapter's name. */
  exchange: z.string().min(1).max(63).nullable().default(null),
  /** Country code of numbers that do not say theirs. */
  country: countryCode().default('86'),
})

export const alarmPlatformOptions = z.strictObject({
  ...fields,
  maxSize: byteSize().prefault('8MiB'),
  /** Each alarm is judged beside its device's others: ten thousand in one request would hold up everybody for seconds. */
  maxElements: z.number().int().min(1).max(100_000).default(1000),
  /** Hosts that pictures are fetched from, with the port where it is not 80 or 443; empty: none are. */
  snapshotHosts: z
    .array(z.string().regex(/^[^/\s@]+$/, 'must be a host, or host:port, without https:// and path'))
    .default([]),
  privateAddresses: z.enum(['refused', 'allowed']).default('refused'),
  snapshotSize: byteSize().prefault('5MiB'),
  snapshotTimeout: duration({ least: '100ms', most: '5m' }).prefault('15s'),
})

export type CallCentreOptions = z.output<typeof callCentreOptions>
export type AlarmPlatformOptions = z.output<typeof alarmPlatformOptions>
