import { z } from 'zod'
import { byteSize, duration, network, secret } from '../../config/fields.ts'

const word = z.string().min(1).max(100)

const submit = z.strictObject({
  /** Where the centre takes SubmitReq. */
  url: z.url({ protocol: /^https?$/ }),
  username: word.nullable().default(null),
  password: secret().nullable().default(null),
  vaspId: word,
  vasId: word,
  /** What subscribers see and answer to; a notice's extension is added to it. */
  sender: z.string().regex(/^\+?\d{2,20}$/),
  serviceCode: word.nullable().default(null),
  /** MM7 namespace and version that the centre speaks. */
  namespace: z.url().default('http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4'),
  version: word.default('6.8.0'),
  /** Messages a second that the account allows; 0: no limit. */
  perSecond: z.number().min(0).default(5),
  /** Messages that may be without an answer at a time. */
  window: z.number().int().min(1).max(100).default(4),
  timeout: duration({ least: '1ms', most: '10m' }).prefault('60s'),
})

export const mm7Options = z
  .strictObject({
    /** Who the centre says to be. */
    username: word.nullable().default(null),
    password: secret().nullable().default(null),
    /** Addresses that requests may come from; empty: any. Behind a proxy this is the proxy's. */
    sources: z.array(network()).default([]),
    /** The longest request. */
    maxSize: byteSize().prefault('5MiB'),
    /** Requests that are read or stored at a time; one more is asked to wait. */
    maxRequests: z.number().int().min(1).max(1000).default(16),
    /** Country code of numbers that do not say theirs. */
    country: z
      .string()
      .regex(/^\d{1,3}$/)
      .default('86'),
    /** Blocks of one account share its message ids and delivery reports. */
    account: word.default('mm7'),
    /** `off`: MMS are received and none are sent. */
    submit: z.union([z.literal('off'), submit]).default('off'),
  })
  .refine(({ username, password }) => (username === null) === (password === null), {
    path: ['password'],
    error: 'username and password are given together or not at all',
  })
  .refine(({ username, sources }) => username !== null || sources.length > 0, {
    path: ['username'],
    error: "anybody could report in a citizen's name: give username and password, or sources",
  })

export type Mm7Options = z.infer<typeof mm7Options>
export type SubmitOptions = z.infer<typeof submit>
