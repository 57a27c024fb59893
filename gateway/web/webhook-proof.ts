import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { sourcesOf } from './networks.ts'
import type { WebhookOptions } from './webhook-options.ts'

/** Why a request is turned away; `status` as HTTP says it. */
export interface Objection {
  readonly status: 401 | 403
  readonly reason: string
}

interface Asked {
  readonly peer: string
  readonly headers: IncomingHttpHeaders
  readonly query: Readonly<Record<string, unknown>>
}

/** Checks what can be checked before the body is read, and then the body's signature. */
export class WebhookProof {
  readonly #options: WebhookOptions
  readonly #isSource: (address: string) => boolean

  constructor(options: WebhookOptions) {
    this.#options = options
    this.#isSource = sourcesOf(options.sources)
  }

  /** `nowMs` is compared with webhook-timestamp. */
  ofHead({ peer, headers, query }: Asked, nowMs: number): Objection | null {
    const { sources, username, password, key, signingSecret, replayWindow } = this.#options
    if (sources.length > 0 && !this.#isSource(peer)) return { status: 403, reason: 'an unknown source' }
    if (username !== null) {
      const wanted = `Basic ${Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64')}`
      const given = (headers.authorization ?? '').replace(/^basic +/i, 'Basic ')
      if (!same(wanted, given)) return { status: 401, reason: 'wrong username or password' }
    }
    if (key !== null && !this.#keysIn(headers, query).some((given) => same(key.reveal(), given)))
      return { status: 401, reason: 'a wrong key' }
    if (signingSecret === null) return null
    const seconds = Number(one(headers['webhook-timestamp']) ?? Number.NaN)
    if (!Number.isFinite(seconds) || one(headers['webhook-id']) === null || one(headers['webhook-signature']) === null)
      return { status: 401, reason: 'no signature' }
    if (Math.abs(nowMs - seconds * 1000) > replayWindow)
      return { status: 401, reason: 'a signature from outside the replay window' }
    return null
  }

  /** Standard Webhooks: `v1,` and the HMAC-SHA-256 of id, timestamp and body; several signatures may stand side by side. */
  ofBody({ headers }: Asked, body: Uint8Array): Objection | null {
    const { signingSecret } = this.#options
    if (signingSecret === null) return null
    const id = one(headers['webhook-id']) ?? ''
    const timestamp = one(headers['webhook-timestamp']) ?? ''
    const mac = createHmac('sha256', signingSecret.key).update(`${id}.${timestamp}.`).update(body).digest('base64')
    const given = (one(headers['webhook-signature']) ?? '').split(' ')
    return given.some((signature) => same(`v1,${mac}`, signature))
      ? null
      : { status: 401, reason: 'a signature that does not match' }
  }

  #keysIn(headers: IncomingHttpHeaders, query: Readonly<Record<string, unknown>>): string[] {
    const bearer = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]
    return [bearer, one(headers['x-api-key']), query.key].filter((given) => typeof given === 'string')
  }
}

const one = (header: string | string[] | undefined): string | null =>
  (Array.isArray(header) ? header[0] : header) ?? null

function same(wanted: string, given: string): boolean {
  const a = Buffer.from(wanted)
  const b = Buffer.from(given)
  return a.length === b.length && timingSafeEqual(a, b)
}
