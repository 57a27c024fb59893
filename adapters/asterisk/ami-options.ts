import { z } from 'zod'
import { duration, file, port, secret } from '../../config/fields.ts'
import { callShape } from './call-options.ts'

/** `kind: asterisk-ami`: one link to the manager interface of one Asterisk. */
export const amiOptions = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 5038; 5039 with TLS. */
  port: port().default(5038),
  /** `none`, or TLS (`tlsenable` in manager.conf). Without `ca` the system's authorities are trusted. */
  tls: z
    .union([z.literal('none'), z.strictObject({ ca: file().optional(), servername: z.string().min(1).optional() })])
    .default('none'),
  /** The section of manager.conf. */
  username: line(),
  secret: secret(),
  /** `md5`: the secret itself does not travel. `plain`: where the exchange or a proxy knows no challenge. */
  login: z.enum(['md5', 'plain']).default('md5'),
  /** Connecting and logging in, each. */
  loginTimeout: duration({ least: '100ms' }).prefault('10s'),
  /** After so much silence the exchange is asked whether it is there. */
  pingEvery: duration({ least: '100ms' }).prefault('15s'),
  /** Without any answer for so long the link is down. */
  pingTimeout: duration({ least: '100ms' }).prefault('10s'),
  /** `variable`: by VarSet, which brings every step of the dial plan over the link. `cdr`: only what the CDR says. */
  recording: z.enum(['variable', 'cdr']).default('variable'),
  /** While more messages than this are being stored the link is not read. */
  window: z.number().int().min(1).max(100_000).default(2048),
  ...callShape,
})

export type AmiOptions = z.output<typeof amiOptions>

/** A line break in it would be a field of its own, and another action. */
function line() {
  return z.string().regex(/^[^\r\n]{1,80}$/, 'must be one line of at most 80 characters')
}
