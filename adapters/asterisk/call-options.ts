import { z } from 'zod'

/** What both kinds of one exchange must know to read what it says of calls. */
export const callShape = {
  /** Whose ids these are: the AMI link and the CDR file of one Asterisk share it. Default: the adapter's name. */
  exchange: z.string().min(1).max(100).optional(),
  /** Country code of national numbers, without `+`. */
  country: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a country code such as 86')
    .default('86'),
  /** The zone of the exchange's clock (an IANA name; `UTC` with `usegmtime`). Not given: times without zone are not known. */
  timeZone: z.string().refine(isZone, 'must be a time zone such as Asia/Shanghai').nullable().default(null),
  /** A regular expression on a channel's name; its first group is the seat. Others are trunks, and no seats. */
  seat: z
    .string()
    .refine(hasGroup, 'must be a regular expression with one group')
    .default('^[A-Za-z0-9]+/(\\d{2,8})(?:@[^;]*)?-[0-9a-f]{8}(?:;[12])?$'),
  /** Which contexts of the dial plan calls begin in, by direction. One that is named nowhere: the direction is not known. */
  contexts: z
    .strictObject({
      inbound: z.array(z.string().min(1)).default([]),
      outbound: z.array(z.string().min(1)).default([]),
      internal: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
} as const

const callOptions = z.strictObject(callShape)
export type CallOptions = z.output<typeof callOptions>

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== null
  } catch {
    return false
  }
}

function hasGroup(pattern: string): boolean {
  try {
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 0) > 1
  } catch {
    return false
  }
}
