import { z } from 'zod'
import { byteSize, duration } from '../../config/fields.ts'

const timer = (fallback: `${number}s`) => duration({ least: '1ms', most: '80s' }).prefault(fallback)

/** A host, or a host and its port. */
const host = z
  .string()
  .refine(
    (text) => hostShape(text) !== null,
    'must be a host such as mmsc.example.net, or host:port; no scheme, no path',
  )

function hostShape(text: string): URL | null {
  const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : null
  const bare = url !== null && url.pathname === '/' && url.username === '' && url.search === '' && url.hash === ''
  return bare && !/[/@?#\s]/.test(text) ? url : null
}

export const retrieverOptions = z.strictObject({
  /**
   * Where an MMS may be fetched: host names or addresses, with a port where it is not 80 (http) or 443 (https). Nothing
   * else is fetched, whatever a notification or a redirect says.
   */
  hosts: z
    .array(host)
    .min(1)
    .transform((texts) => texts.map((text) => text.toLowerCase())),
  /** Whether a host's address may be of a private network or this machine (10.0.0.0/8, 127.0.0.0/8, fd00::/8 …). */
  privateAddresses: z.enum(['refused', 'allowed']).default('refused'),
  /** Where m-notifyresp-ind goes; `content-location`: where the MMS was fetched. */
  respondTo: z.union([z.literal('content-location'), z.url({ protocol: /^https?$/ })]).default('content-location'),
  /** The longest MMS, and the longest it may inflate to. */
  maxSize: byteSize().prefault('5MiB'),
  /** For a fetch as a whole, redirects and all, and for the answer; without a byte from the far end. */
  timeout: timer('60s'),
  idle: timer('10s'),
  userAgent: z
    .string()
    .regex(/^[\x20-\x7e]+$/)
    .default('chengguan-gateway'),
  /** URL of the profile that tells the centre which media and sizes to send; `none`: it is not told. */
  profile: z.union([z.literal('none'), z.url({ protocol: /^https?$/ })]).default('none'),
  /** Country code of numbers that do not say theirs. */
  country: z
    .string()
    .regex(/^\d{1,3}$/)
    .default('86'),
})

export type RetrieverOptions = z.infer<typeof retrieverOptions>

/** Whether a URL is http or https and of a host that is listed with its port. */
export function isAllowed(url: URL, hosts: readonly string[]): boolean {
  const scheme = { 'http:': 80, 'https:': 443 }[url.protocol]
  if (scheme === undefined || url.username !== '' || url.password !== '') return false
  const port = url.port === '' ? scheme : Number(url.port)
  return hosts.some((text) => {
    const listed = hostShape(text)
    if (listed === null || listed.hostname !== url.hostname) return false
    const withPort = /:(\d+)$/.exec(text)?.[1]
    // URL drops :80, which is what was asked for all the same.
    return withPort === undefined ? port === scheme : Number(withPort) === port
  })
}
