import { timingSafeEqual } from 'node:crypto'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Secret } from '../../config/fields.ts'
import { GatewayError, quote } from '../errors.ts'
import type { Metrics } from '../metrics.ts'

export interface HttpOptions {
  /** `null`: open to whoever reaches the address, which the configuration allows on loopback alone. */
  readonly apiToken: Secret | null
  readonly log: Logger
  readonly metrics: Metrics
  /** `null` when the gateway can store, else why it cannot. */
  readonly unready: () => Promise<string | null>
}

/** The gateway's HTTP server: health, metrics, the API document, and a place for `/v1` and the adapters' webhooks. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: 1024 * 1024,
    requestTimeout: 60_000,
    // `verbose` hands the schemas to `wording`.
    ajv: { customOptions: { removeAdditional: false, allErrors: true, verbose: true, keywords: [finite] } },
    schemaErrorFormatter: (errors, part) =>
      new Error([...new Set(errors.map((error) => wording(error, part)))].join('; ')),
  })
  app.setErrorHandler(answerError)
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'chengguan-gateway',
        version: '1',
        description: 'The gateway of a digital urban management system (数字城管)',
      },
    },
  })
  app.get('/healthz', { schema: { summary: 'The process is up' } }, () => ({ status: 'up', pid: process.pid }))
  app.get('/readyz', { schema: { summary: 'It can store' } }, async (_request, reply) => {
    const reason = await options.unready()
    if (reason === null) return { status: 'ready' }
    return reply.code(503).send({ status: 'unready', reason })
  })
  app.get('/metrics', { schema: { summary: 'Prometheus metrics' } }, async (_request, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  )
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  return app
}

/** Bearer token for everything below the scope it is added to. */
export function requireToken(scope: FastifyInstance, apiToken: Secret | null): void {
  if (apiToken === null) return
  const wanted = Buffer.from(`Bearer ${apiToken.reveal()}`)
  scope.addHook('onRequest', async (request, reply) => {
    const given = Buffer.from(request.headers.authorization ?? '')
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return
    await reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'a bearer token is needed' })
  })
}

// Ajv takes 1e400 for an integer, and leaves out minimum and maximum for what is not finite.
const finite = { keyword: 'x-finite', validate: (_schema: unknown, value: unknown) => Number.isFinite(value) }

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Record<string, unknown>
  readonly parentSchema?: { readonly description?: string }
}

/** What is wrong with a request, in words that whoever sent it can use. */
function wording(error: SchemaError, part: string): string {
  const { keyword, instancePath, message = 'is wrong', params, parentSchema } = error
  const at = `${part}${instancePath}`
  if (keyword === 'additionalProperties') return `${at}: ${quote(params.additionalProperty)} is unknown here`
  if (keyword === 'enum') return `${at} must be one of ${String(params.allowedValues)}`
  if (keyword === finite.keyword) return `${at} must be a finite number`
  const form = keyword === 'pattern' || keyword === 'format' ? parentSchema?.description : undefined
  return form === undefined ? `${at} ${message}` : `${at} must be ${form}`
}

const statusOf: Partial<Record<GatewayError['code'], number>> = {
  NOTICE_INVALID: 409,
  NOTICE_WORDS: 400,
  STORE_UNAVAILABLE: 503,
  STORE_STOPPING: 503,
  STORE_FULL: 503,
}

/** A database that is away is a matter of trying again; what cannot be written for its nesting is the asker's fault. */
function httpStatusOf(error: Error & { statusCode?: number }): number {
  if (error instanceof GatewayError) return statusOf[error.code] ?? 500
  if (error.statusCode !== undefined) return error.statusCode
  if (error instanceof RangeError && error.message.includes('call stack')) return 400
  return databaseIsAway(error) ? 503 : 500
}

/** Of the driver or of Prisma: no connection, or one that ended (SQLSTATE classes 08, 53, 57P). */
function databaseIsAway(error: Error): boolean {
  const code = String(Reflect.get(error, 'code') ?? '')
  if (/^(ECONN|EPIPE|ENOENT|ETIMEDOUT|08|53|57P|P1\d{3}$)/.test(code)) return true
  return /connection terminated|timeout exceeded when trying to connect|Can't reach database|ECONNREFUSED/i.test(
    error.message,
  )
}

function answerError(
  error: Error & { statusCode?: number; validation?: unknown },
  request: { log: { error(fields: object, message: string): void } },
  reply: { code(status: number): { send(body: unknown): unknown }; header(name: string, value: string): unknown },
): unknown {
  const status = httpStatusOf(error)
  if (status === 503) reply.header('retry-after', '5')
  if (status >= 500) request.log.error({ reason: error.message }, 'request failed')
  const code = error instanceof GatewayError ? error.code : undefined
  return reply
    .code(status)
    .send({ error: status === 500 ? 'the gateway failed; its log says why' : error.message, code })
}
