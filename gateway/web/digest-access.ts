import { createHash, randomBytes } from 'node:crypto'

/** Who a device knows the gateway as. */
export interface Login {
  readonly username: string
  readonly password: string
}

interface Asked {
  readonly method: string
  /** Path and query, as in the request line. */
  readonly target: string
}

/**
 * The `Authorization` that answers a `WWW-Authenticate` (HTTP Digest, RFC 7616, or Basic, RFC 7617): MD5 and SHA-256 with
 * qop=auth, and devices' RFC 2069 without qop. `null` when nothing of it can be answered. `count`: how often this nonce was
 * used, from 1. `cnonce` is chance, but for tests.
 */
export function authorizationFor(
  challenge: string,
  login: Login,
  asked: Asked,
  count = 1,
  cnonce = randomBytes(8).toString('hex'),
): string | null {
  const digests = challengesOf(challenge).filter(({ scheme }) => scheme === 'digest')
  const answered = digests.flatMap(({ fields }) => digest(fields, login, asked, count, cnonce) ?? [])
  const strongest = answered.find(({ algorithm }) => algorithm === 'SHA-256') ?? answered[0]
  if (strongest !== undefined) return strongest.header
  const basic = challengesOf(challenge).some(({ scheme }) => scheme === 'basic')
  return basic ? `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` : null
}

interface Challenge {
  readonly scheme: string
  readonly fields: ReadonlyMap<string, string>
}

/** Several challenges may stand in one header, with commas between them and within them. */
function challengesOf(header: string): Challenge[] {
  const starts = [...header.matchAll(/(?:^|,)\s*(digest|basic)(?=\s|,|$)/gi)]
  return starts.map((match, i) => {
    const text = header.slice(match.index + match[0].length, starts[i + 1]?.index)
    const fields = [...text.matchAll(/([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi)]
    return {
      scheme: (match[1] ?? '').toLowerCase(),
      fields: new Map(
        fields.map(([, name = '', quoted, bare]) => [
          name.toLowerCase(),
          quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
        ]),
      ),
    }
  })
}

const algorithms: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' }

function digest(
  fields: ReadonlyMap<string, string>,
  { username, password }: Login,
  { method, target }: Asked,
  count: number,
  cnonce: string,
): { readonly algorithm: string; readonly header: string } | null {
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase()
  const nonce = fields.get('nonce')
  const hashName = algorithms[algorithm]
  const offered = fields.get('qop')
  const qop = offered === undefined ? null : 'auth'
  if (nonce === undefined || hashName === undefined) return null
  if (offered !== undefined && !offered.split(/[,\s]+/).includes('auth')) return null
  const hash = (text: string) => createHash(hashName).update(text).digest('hex')
  const realm = fields.get('realm') ?? ''
  const who = hash(`${username}:${realm}:${password}`)
  const what = hash(`${method}:${target}`)
  const nc = count.toString(16).padStart(8, '0')
  const response =
    qop === null ? hash(`${who}:${nonce}:${what}`) : hash(`${who}:${nonce}:${nc}:${cnonce}:${qop}:${what}`)
  const opaque = fields.get('opaque')
  const parts = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target)}`,
    `response="${response}"`,
    ...(fields.has('algorithm') ? [`algorithm=${fields.get('algorithm')}`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop === null ? [] : [`qop=${qop}`, `nc=${nc}`, `cnonce="${cnonce}"`]),
  ]
  return { algorithm, header: `Digest ${parts.join(', ')}` }
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
