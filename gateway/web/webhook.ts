import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AdapterContext, Inbound, Receipt, Received } from '../adapter.ts'
import { GatewayError } from '../errors.ts'
import type { WebhookOptions } from './webhook-options.ts'
import { type Objection, WebhookProof } from './webhook-proof.ts'

/** One request as the adapter sees it. */
export interface Delivery {
  /** Behind `/ingest/<name>`: `/`, `/cdr`. */
  readonly path: string
  /** Of a request above the limit, its first bytes. */
  readonly body: Buffer
  readonly headers: IncomingHttpHeaders
  readonly contentType: string
  readonly query: Readonly<Record<string, string>>
  readonly peer: string
  /** Standard Webhooks' id: the same one on every attempt; `null` where requests are not signed. */
  readonly id: string | null
}

/** `receipt`: it is durable. The others: nothing was stored. `reason` is what `decode` says of a dead letter. */
export type Outcome =
  | { readonly is: 'taken'; readonly receipt: Receipt; readonly reason: string | null }
  | { readonly is: 'too-large' }
  | { readonly is: 'busy' }
  | { readonly is: 'objected'; readonly objection: Objection }

export interface WebhookAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly type?: string
  readonly body?: string
}

export interface WebhookRoute {
  readonly method: 'POST' | 'PUT' | 'GET'
  readonly path: string
  /** Makes the message, with its key. Pure; must not throw. */
  inbound(delivery: Delivery): Inbound
  /** In the protocol's own words; absent: JSON as `plainAnswer` has it. */
  answer?(outcome: Outcome, delivery: Delivery | null): WebhookAnswer
}

/** Of a request above the limit so much is kept, for whoever looks for its sender. */
const keptOfTooLarge = 64 * 1024
const tooLarge = 'tooLarge'
/** The same one again within this time is kept once. */
const tooLargeHoldsMs = 60_000

/**
 * The door for peers that post to /ingest/<name>: proof of who they are before a byte of the body is read, bounds on size
 * and number, acknowledged after the commit, 503 with Retry-After when nothing was stored.
 */
export class Webhook {
  readonly #context: AdapterContext
  readonly #options: WebhookOptions
  readonly #proof: WebhookProof
  readonly #decode: (message: Received) => unknown
  readonly #underWay = new Set<Promise<unknown>>()
  #requests = 0
  #open = false

  /** `decode`: the kind's, to say why something is a dead letter. Must be made in the adapter's constructor: routes are added. */
  constructor(
    context: AdapterContext,
    options: WebhookOptions,
    routes: readonly WebhookRoute[],
    decode: (message: Received) => unknown,
  ) {
    this.#context = context
    this.#options = options
    this.#proof = new WebhookProof(options)
    this.#decode = decode
    const { http } = context
    http.removeAllContentTypeParsers()
    http.addContentTypeParser('*', { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, payload, done) =>
      done(null, payload),
    )
    for (const route of routes)
      http.route({
        method: route.method,
        url: route.path,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: { hide: true },
        handler: (request, reply) => this.#handle(route, request, reply),
      })
  }

  open(): void {
    this.#open = true
    this.#context.report({ state: 'listening', at: `/ingest/${this.#context.name}` })
  }

  /** The path stays; who posts to it is told to come again. Waits for accepts under way. */
  async close(): Promise<void> {
    const was = this.#open
    this.#open = false
    await Promise.allSettled(this.#underWay)
    if (was) this.#context.report({ state: 'stopped' })
  }

  async #handle(route: WebhookRoute, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = { peer: request.ip, headers: request.headers, query: request.query as Record<string, unknown> }
    const objection = this.#proof.ofHead(asked, Date.now())
    if (objection !== null) return this.#turnAway(route, objection, request, reply)
    if (!this.#open || this.#requests >= this.#options.maxRequests)
      return answer(route, { is: 'busy' }, null, reply, true)
    this.#requests++
    reply.raw.once('close', () => this.#requests--)
    const read = await this.#read(request.raw)
    if (read === null) return reply.hijack()
    const { body, whole } = read
    const delivery: Delivery = {
      path: route.path,
      body,
      headers: request.headers,
      contentType: request.headers['content-type'] ?? '',
      query: Object.fromEntries(Object.entries(asked.query).map(([name, value]) => [name, String(value)])),
      peer: request.ip,
      id: this.#options.signingSecret === null ? null : String(request.headers['webhook-id']),
    }
    // What is larger than is read cannot be proven, and where proof is asked for it is not kept.
    if (!whole && this.#options.signingSecret !== null) {
      this.#context.refused('a signed request that is too large', { peer: request.ip })
      return answer(route, { is: 'too-large' }, null, reply, true)
    }
    const forged = this.#proof.ofBody(asked, body)
    if (forged !== null) return this.#turnAway(route, forged, request, reply)
    const taking = this.#take(route, delivery, whole)
    this.#underWay.add(taking)
    try {
      return answer(route, await taking, delivery, reply, !whole)
    } finally {
      this.#underWay.delete(taking)
    }
  }

  #turnAway(route: WebhookRoute, objection: Objection, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    this.#context.refused(objection.reason, { peer: request.ip })
    return answer(route, { is: 'objected', objection }, null, reply, true)
  }

  /**
   * Reads no further than the limit, whatever the peer says or goes on to send; `null` when the peer goes away meanwhile, or takes too long.
   * Not by iteration: leaving that would destroy the socket before the answer is written.
   */
  #read(payload: IncomingMessage): Promise<{ readonly body: Buffer; readonly whole: boolean } | null> {
    const { maxSize, bodyWithin } = this.#options
    return new Promise((resolve) => {
      const late = setTimeout(() => payload.destroy(), bodyWithin)
      const chunks: Buffer[] = []
      let size = 0
      payload.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxSize || chunks.length === 0) chunks.push(chunk)
        if (size <= maxSize) return
        payload.pause()
        clearTimeout(late)
        const kept = Math.min(keptOfTooLarge, maxSize)
        resolve({ body: Buffer.concat(chunks).subarray(0, kept), whole: false })
      })
      payload.once('end', () => {
        clearTimeout(late)
        resolve({ body: Buffer.concat(chunks), whole: true })
      })
      payload.once('error', () => resolve(null))
      payload.once('close', () => {
        clearTimeout(late)
        resolve(null)
      })
    })
  }

  async #take(route: WebhookRoute, delivery: Delivery, whole: boolean): Promise<Outcome> {
    const made = route.inbound(delivery)
    const inbound = whole ? made : this.#tooLarge(made, delivery)
    try {
      const receipt = await this.#context.accept(inbound)
      if (!whole) return { is: 'too-large' }
      const reason = receipt === 'dead-lettered' ? this.#reason(inbound) : null
      return { is: 'taken', receipt, reason }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      return { is: 'busy' }
    }
  }

  /** Under a key of its own: nobody has proven the id, and the request may come again when more is allowed. */
  #tooLarge(made: Inbound, { body, path }: Delivery): Inbound {
    const hash = createHash('sha256').update(path).update(body).digest('base64url')
    const envelope = { ...made.envelope, [tooLarge]: `more than ${this.#options.maxSize} bytes` }
    return { ...made, key: `too large ${hash}`, keyHoldsMs: tooLargeHoldsMs, envelope }
  }

  #reason(inbound: Inbound): string | null {
    try {
      this.#decode({ ...inbound, receivedAt: new Date() })
      return null
    } catch (error) {
      return error instanceof GatewayError ? error.message : null
    }
  }
}

/** At the head of every webhook's `decode`: a request of which only the first bytes were kept makes no sense. */
export function refuseTooLarge({ envelope }: Received): void {
  const detail = envelope[tooLarge]
  if (detail !== undefined) throw new GatewayError('DECODE_TOO_LARGE', `request of ${detail}`)
}

/** 200 for what is durable and understood, 422 with the reason for a dead letter, 401, 403, 413, and 503 for later. */
export function plainAnswer(outcome: Outcome): WebhookAnswer {
  if (outcome.is === 'busy') return json(503, { error: 'nothing was stored: send it again' }, { 'retry-after': '5' })
  if (outcome.is === 'too-large') return json(413, { error: 'the request is too large' })
  if (outcome.is === 'objected') {
    const { status, reason } = outcome.objection
    return json(status, { error: reason }, status === 401 ? { 'www-authenticate': 'Basic realm="ingest", Bearer' } : {})
  }
  const { receipt, reason } = outcome
  return json(receipt === 'dead-lettered' ? 422 : 200, reason === null ? { receipt } : { receipt, error: reason })
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WebhookAnswer {
  return { status, headers, type: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}

/** `last`: bytes of the request may be unread, so the connection cannot carry another. */
function answer(
  route: WebhookRoute,
  outcome: Outcome,
  delivery: Delivery | null,
  reply: FastifyReply,
  last: boolean,
): FastifyReply {
  const { status, headers = {}, type, body = '' } = route.answer?.(outcome, delivery) ?? plainAnswer(outcome)
  if (last) reply.header('connection', 'close')
  if (type !== undefined) reply.type(type)
  return reply.code(status).headers(headers).send(body)
}
