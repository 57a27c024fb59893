import { timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Adapter, AdapterContext, AdapterKind, TextSender } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { sourcesOf } from '../../gateway/web/networks.ts'
import { type Mm7Request, readRequest } from './mm7.ts'
import { fault, type HttpAnswer, mm7Status, refusedAsWrong, refusedForNow, successful } from './mm7-answer.ts'
import { type Mm7Options, mm7Options } from './mm7-options.ts'
import { decodeMm7, mm7Inbound } from './mm7-reports.ts'
import { Mm7Sender } from './mm7-sender.ts'

/** `kind: mm7`: an MMSC posts what subscribers send to /ingest/<name>, and takes what is sent to them. */
export const mm7: AdapterKind<Mm7Options> = {
  kind: 'mm7',
  channel: 'mms',
  options: mm7Options,
  decode: decodeMm7,
  create: (options, context) => new Mm7Listener(options, context),
}

type Readable = { readonly request: Mm7Request } | { readonly error: GatewayError }

export class Mm7Listener implements Adapter {
  readonly texts?: TextSender
  readonly #options: Mm7Options
  readonly #context: AdapterContext
  readonly #isSource: (address: string) => boolean
  readonly #sender: Mm7Sender | null
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #contentTypes = new WeakMap<FastifyRequest, string>()
  /** Requests whose body is being read, or stored. */
  #open = 0
  #listening = false

  constructor(options: Mm7Options, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#isSource = sourcesOf(options.sources)
    this.#sender = options.submit === 'off' ? null : new Mm7Sender(options.account, options.submit)
    if (this.#sender !== null) this.texts = this.#sender
    this.#addRoute()
  }

  async start(): Promise<void> {
    this.#listening = true
    this.#sender?.start()
    this.#context.report({ state: 'listening', at: `/ingest/${this.#context.name}` })
    if (this.#sender !== null) this.#context.arrived('')
  }

  /** The path stays; who posts to it is told to come again. */
  async stop(): Promise<void> {
    const was = this.#listening
    this.#listening = false
    await Promise.all([this.#sender?.stop(), Promise.allSettled(this.#underWay)])
    if (was) this.#context.report({ state: 'stopped' })
  }

  #addRoute(): void {
    const { http } = this.#context
    http.removeAllContentTypeParsers()
    const { maxSize } = this.#options
    http.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxSize }, (_request, body, done) =>
      done(null, body),
    )
    http.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      const code = status < 500 ? mm7Status.clientError : mm7Status.serverError
      return send(
        reply,
        fault({ status, headers: {}, who: status < 500 ? 'Client' : 'Server', code, transactionId: null }),
      )
    })
    http.post('/', {
      bodyLimit: maxSize,
      schema: { hide: true },
      onRequest: (request, reply) => this.#admit(request, reply),
      handler: (request, reply) => this.#take(request, reply),
    })
  }

  /** Before a byte of the body is read. */
  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const { sources, username, maxRequests } = this.#options
    if (sources.length > 0 && !this.#isSource(request.ip)) {
      this.#context.refused('an unknown source', { peer: request.ip })
      return send(
        reply,
        fault({ status: 403, headers: {}, who: 'Client', code: mm7Status.operationRestricted, transactionId: null }),
      )
    }
    if (username !== null && !this.#knows(request.headers.authorization ?? '')) {
      this.#context.refused('wrong username or password', { peer: request.ip })
      const headers = { 'www-authenticate': 'Basic realm="mm7"' }
      return send(
        reply,
        fault({ status: 401, headers, who: 'Client', code: mm7Status.operationRestricted, transactionId: null }),
      )
    }
    if (!this.#listening || this.#open >= maxRequests) return send(reply, refusedForNow(true, null))
    // fastify answers 415 to a content type that it cannot parse; here that is a message that cannot be read, and is kept.
    this.#contentTypes.set(request, request.headers['content-type'] ?? '')
    request.raw.headers['content-type'] = 'application/octet-stream'
    this.#open++
    reply.raw.once('close', () => this.#open--)
    return undefined
  }

  #knows(authorization: string): boolean {
    const { username, password } = this.#options
    const wanted = Buffer.from(`Basic ${Buffer.from(`${username}:${password?.reveal()}`).toString('base64')}`)
    const given = Buffer.from(authorization.replace(/^basic +/i, 'Basic '))
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  async #take(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
    const working = this.#answer(body, this.#contentTypes.get(request) ?? '')
    this.#underWay.add(working)
    try {
      return await send(reply, await working)
    } finally {
      this.#underWay.delete(working)
    }
  }

  async #answer(body: Uint8Array, contentType: string): Promise<HttpAnswer> {
    const read = readable(body, contentType)
    const request = 'request' in read ? read.request : null
    if (!this.#listening) return refusedForNow(true, request?.transactionId ?? null)
    try {
      await this.#context.accept(mm7Inbound(body, contentType, request))
    } catch (error) {
      const busy = error instanceof GatewayError && error.code.startsWith('STORE_')
      return refusedForNow(busy, request?.transactionId ?? null)
    }
    return 'request' in read ? successful(read.request) : refusedAsWrong(read.error, null)
  }
}

/** What must be known to answer. Of a request that cannot be read, its fault says what `decode` will say. */
function readable(body: Uint8Array, contentType: string): Readable {
  try {
    const request = readRequest(body, contentType)
    if (request.is === 'DeliverReq' && request.sender === null)
      return { error: new GatewayError('DECODE_FIELD', 'MM7: a DeliverReq without Sender') }
    return { request }
  } catch (error) {
    if (error instanceof GatewayError) return { error }
    throw error
  }
}

function send(reply: FastifyReply, { status, headers, body }: HttpAnswer): FastifyReply {
  return reply.code(status).headers(headers).type('text/xml; charset=utf-8').send(body)
}
