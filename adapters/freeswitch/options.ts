import { z } from 'zod'
import { byteSize, countryCode, duration, port, secret, timeZone } from '../../config/fields.ts'
import { webhookFields } from '../../gateway/web/webhook-options.ts'

/** Names of channel variables, the first that says something counts; `a/b` joins two with a slash. */
const variables = (...names: string[]) =>
  z
    .array(z.string().regex(/^[\w.-]+(\/[\w.-]+)*$/, 'must be a channel variable, or several joined by a slash'))
    .max(20)
    .default(names)

const mapped = {
  /** Blocks that name one exchange share its calls; `null`: the adapter's name. */
  exchange: z.string().min(1).max(64).nullable().default(null),
  /** The country code of numbers that do not say theirs. */
  country: countryCode().default('86'),
  /** Of stamps without zone. They are used only where this is set, and only where no epoch is there. */
  timeZone: timeZone().nullable().default(null),
  fields: z
    .strictObject({
      /** On a leg that was made for another: the id of that one. */
      call: variables('cc_member_session_uuid', 'originator', 'originating_leg_uuid', 'call_uuid'),
      caller: variables(),
      /** The number that was dialled, where the first profile does not have it. */
      called: variables(),
      seat: variables('cc_agent', 'seat', 'dialed_user'),
      digits: variables('digits_dialed'),
      recording: variables('recording_file', 'cc_record_filename', 'record_path/record_name', 'record_path'),
    })
    .prefault({}),
} as const

export const cdrOptions = z.strictObject({
  ...webhookFields,
  ...mapped,
  /** A CDR has some 20 to 100 KiB; whoever collects them may post a list. */
  maxSize: byteSize().prefault('8MiB'),
})
export type CdrOptions = z.output<typeof cdrOptions>

export const eslOptions = z.strictObject({
  ...mapped,
  host: z.string().min(1).default('127.0.0.1'),
  port: port().default(8021),
  password: secret(),
  /** How events are written; both are read. */
  format: z.enum(['json', 'plain']).default('json'),
  /** From connecting until events are switched on. */
  connectWithin: duration({ least: '10ms', most: '10m' }).prefault('10s'),
  /** A link that was silent for so long is asked, and is down when as much time again brings nothing. */
  quietAfter: duration({ least: '10ms', most: '1h' }).prefault('30s'),
  /** Events that are being stored at a time; beyond it the link is not read. */
  window: z.number().int().min(1).max(10_000).default(256),
  /** The longest event. */
  maxEvent: byteSize().prefault('1MiB'),
})
export type EslOptions = z.output<typeof eslOptions>

/** What turns a leg into a report. */
export type Mapping = Pick<CdrOptions, 'country' | 'timeZone' | 'fields'>
