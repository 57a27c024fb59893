import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Pool } from 'pg'
import type { Source } from '../intake/arrival.ts'
import type { Desk } from '../intake/commit.ts'
import { explainMessage, type StoredMessage } from '../intake/explain.ts'
import { replayDeadLetter, replayEvents, replayMatching } from '../intake/replay.ts'
import type { NoticeOffice } from '../notices/office.ts'
import type { PrismaClient } from '../store/client/client.ts'
import { audit, readLedger } from '../store/ledger.ts'
import { aroundId } from '../store/message-id.ts'
import type { Supervisor } from '../supervisor.ts'

export interface RouteOptions {
  readonly pool: Pool
  readonly prisma: PrismaClient
  readonly desk: Desk
  readonly sources: ReadonlyMap<string, Source>
  readonly office: NoticeOffice
  readonly links: readonly Supervisor[]
  /** Events were put back in line. */
  posted(): void
}

const limit = { type: 'integer', minimum: 1, maximum: 1000, default: 100, 'x-finite': true } as const
const cursor = { type: 'string', pattern: '^[0-9]{1,18}$', description: 'a number', default: '0' } as const
// PostgreSQL's text takes no NUL, and `%00` in a path or query is one.
const text = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000]+$',
  description: 'text without NUL',
} as const
// Not `format: uuid`, which lets `urn:uuid:` pass.
const uuid = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  description: 'a UUID',
} as const
// Narrower than `format: date-time`, which lets leap seconds and offsets pass that are no time to JavaScript.
const time = {
  type: 'string',
  pattern: '^(19|20|21)\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$',
  format: 'date-time',
  description: 'a time as 2026-11-23T08:00:00Z or 2026-11-23T16:00:00+08:00',
} as const
const idParams = { type: 'object', properties: { id: uuid }, required: ['id'] } as const

/** `/v1`: what a core, an operator's tool or the console asks the gateway. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  addIntents(app, options.prisma)
  addMessages(app, options)
  addAttachments(app, options)
  addDevices(app, options.prisma)
  addLedger(app, options)
  addDeadLetters(app, options)
  addNotices(app, options)
}

function addIntents(app: FastifyInstance, prisma: PrismaClient): void {
  app.get<{ Querystring: { after: string; limit: number; district?: string; purpose?: string } }>(
    '/intents',
    {
      schema: {
        summary: 'Case intents in the order they were stored, after a cursor',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            after: cursor,
            limit,
            district: text,
            purpose: text,
          },
        },
      },
    },
    async ({ query }) => {
      const { district, purpose } = query
      const rows = await prisma.intent.findMany({
        where: { seq: { gt: BigInt(query.after) }, ...(district && { district }), ...(purpose && { purpose }) },
        orderBy: { seq: 'asc' },
        take: query.limit,
        select: { seq: true, data: true },
      })
      return { intents: rows.map(({ data }) => data), next: String(rows.at(-1)?.seq ?? query.after) }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/intents/:id',
    { schema: { summary: 'One case intent, its evidence and where it was delivered', params: idParams } },
    async ({ params: { id } }, reply) => {
      const row = await prisma.intent.findUnique({ where: { id }, select: { data: true, messageId: true } })
      if (row === null) return reply.code(404).send({ error: `no intent ${id}` })
      const [messages, deliveries] = await Promise.all([
        prisma.message.findMany({ where: { id: row.messageId, ...aroundId(row.messageId) }, omit: { raw: true } }),
        prisma.outbox.findMany({
          where: { eventId: id },
          select: { destination: true, state: true, attempts: true, lastError: true, settledAt: true },
        }),
      ])
      const evidence = messages.map((message) => ({ ...message, raw: `/v1/messages/${message.id}/raw` }))
      return { intent: row.data, evidence, deliveries }
    },
  )
}

function addMessages(app: FastifyInstance, { prisma, desk, sources }: RouteOptions): void {
  app.get<{ Params: { id: string } }>(
    '/messages/:id/explanation',
    { schema: { summary: 'How a message is understood, step by step, as text', params: idParams } },
    async ({ params: { id } }, reply) => {
      const row = await prisma.message.findFirst({ where: { id, ...aroundId(id) } })
      if (row === null) return reply.code(404).send({ error: `no message ${id}` })
      const { city, limits } = desk.understanding()
      return reply.type('text/plain; charset=utf-8').send(explainMessage(row as StoredMessage, sources, city, limits))
    },
  )
  app.get<{ Params: { id: string } }>(
    '/messages/:id/raw',
    { schema: { summary: 'The bytes of a message as they came', params: idParams } },
    async ({ params: { id } }, reply) => {
      const row = await prisma.message.findFirst({ where: { id, ...aroundId(id) }, select: { raw: true } })
      if (row === null) return reply.code(404).send({ error: `no message ${id}` })
      return foreign(reply, id).send(Buffer.from(row.raw))
    },
  )
}

function addAttachments(app: FastifyInstance, { desk }: RouteOptions): void {
  const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$', description: '64 hexadecimal digits' } as const
  app.get<{ Params: { sha256: string } }>(
    '/attachments/:sha256',
    {
      schema: {
        summary: 'A file that came inside a form, by the SHA-256 of its bytes',
        params: { type: 'object', properties: { sha256 }, required: ['sha256'] },
      },
    },
    async ({ params }, reply) => {
      const path = desk.attachments.path(params.sha256)
      const size = await stat(path).then(
        (found) => found.size,
        () => null,
      )
      if (size === null) return reply.code(404).send({ error: `no attachment ${params.sha256}` })
      return foreign(reply, params.sha256).header('content-length', size).send(createReadStream(path))
    },
  )
}

/** Foreign bytes: never let a browser take them for a page. */
function foreign(reply: FastifyReply, name: string): FastifyReply {
  return reply
    .header('content-disposition', `attachment; filename="${name}.bin"`)
    .header('x-content-type-options', 'nosniff')
    .type('application/octet-stream')
}

function addDevices(app: FastifyInstance, prisma: PrismaClient): void {
  app.get<{ Querystring: { after: string; limit: number } }>(
    '/devices',
    {
      schema: {
        summary: 'Every device that was heard of, its newest position and presence',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { after: { ...text, minLength: 0, pattern: '^[^\\u0000]*$', default: '' }, limit },
        },
      },
    },
    async ({ query }) => {
      const rows = await prisma.device.findMany({
        where: { subject: { gt: query.after } },
        orderBy: { subject: 'asc' },
        take: query.limit,
        omit: { memory: true, version: true },
      })
      return { devices: rows, next: rows.at(-1)?.subject ?? query.after }
    },
  )
  app.get<{ Params: { device: string }; Querystring: { from?: string; to?: string; limit: number } }>(
    '/tracks/:device',
    {
      schema: {
        summary: 'The accepted fixes of a device in order of their own time, a day unless told otherwise',
        params: { type: 'object', properties: { device: text }, required: ['device'] },
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            from: time,
            to: time,
            limit: { ...limit, maximum: 20_000, default: 5000 },
          },
        },
      },
    },
    async ({ params, query }) => {
      const to = query.to === undefined ? new Date() : new Date(query.to)
      const from = query.from === undefined ? new Date(to.getTime() - 86_400_000) : new Date(query.from)
      const rows = await prisma.position.findMany({
        where: { subject: params.device, at: { gte: from, lte: to } },
        orderBy: { at: 'asc' },
        take: query.limit,
        omit: { subject: true },
      })
      return { device: params.device, from, to, fixes: rows }
    },
  )
}

function addLedger(app: FastifyInstance, { pool, links }: RouteOptions): void {
  app.get('/ledger', { schema: { summary: 'What came in and what became of it, by adapter and destination' } }, () =>
    readLedger(pool),
  )
  app.get('/audit', { schema: { summary: 'The ledger held against the rows; slow' } }, () => audit(pool))
  app.get('/channels', { schema: { summary: 'Each listener and link, up or down, since when' } }, () => ({
    channels: links.map(({ name, link, since }) => ({ name, ...link, since })),
  }))
}

function addDeadLetters(app: FastifyInstance, { prisma, pool, desk, sources, posted }: RouteOptions): void {
  app.get<{ Querystring: { after: string; afterEvent: string; limit: number; adapter?: string; code?: string } }>(
    '/dead-letters',
    {
      schema: {
        summary: 'What could not be understood, and events that a destination refused for good',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            after: cursor,
            afterEvent: cursor,
            limit,
            adapter: text,
            code: text,
          },
        },
      },
    },
    async ({ query: { after, afterEvent, limit: take, adapter, code } }) => {
      const [letters, events] = await Promise.all([
        prisma.deadLetter.findMany({
          where: { state: 'open', id: { gt: BigInt(after) }, ...(adapter && { adapter }), ...(code && { code }) },
          orderBy: { id: 'asc' },
          take,
        }),
        prisma.outbox.findMany({
          where: { state: 'dead', seq: { gt: BigInt(afterEvent) } },
          orderBy: { seq: 'asc' },
          take,
          select: { seq: true, destination: true, eventId: true, type: true, lastError: true, settledAt: true },
        }),
      ])
      return {
        messages: letters.map(({ id, ...letter }) => ({
          id: `m${id}`,
          ...letter,
          raw: `/v1/messages/${letter.messageId}/raw`,
        })),
        events: events.map(({ seq, ...event }) => ({ id: `e${seq}`, ...event })),
        next: String(letters.at(-1)?.id ?? after),
        nextEvent: String(events.at(-1)?.seq ?? afterEvent),
      }
    },
  )
  app.post<{ Params: { id: string } }>(
    '/dead-letters/:id/replay',
    {
      schema: {
        summary: 'Take one dead letter up again: m… a message, e… an event for a destination',
        params: {
          type: 'object',
          properties: { id: { type: 'string', pattern: '^[me][0-9]{1,18}$', description: 'm or e and a number' } },
          required: ['id'],
        },
      },
    },
    async ({ params: { id } }, reply) => {
      if (id.startsWith('e')) {
        const n = await replayEvents(pool, { destination: null, seq: id.slice(1), limit: 1 })
        posted()
        return n === 1 ? { id, outcome: 'replayed' } : reply.code(404).send({ error: `no dead event ${id}` })
      }
      const replayed = await replayDeadLetter(id.slice(1), sources, desk)
      posted()
      if (replayed.outcome === 'not-open') return reply.code(404).send({ error: `no open dead letter ${id}` })
      return reply.code(replayed.outcome === 'replayed' ? 200 : 422).send({ ...replayed, id })
    },
  )
  app.post<{ Body: { adapter?: string; code?: string; destination?: string; limit: number } }>(
    '/dead-letters/replay',
    {
      schema: {
        summary: 'Take up again every dead letter that the filter names: by adapter and code, or events by destination',
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            adapter: text,
            code: text,
            destination: text,
            limit: { ...limit, maximum: 10_000, default: 1000 },
          },
        },
      },
    },
    async ({ body }) => {
      const { adapter = null, code = null, destination = null } = body
      if (destination !== null) {
        const n = await replayEvents(pool, { destination, seq: null, limit: body.limit })
        posted()
        return { replayed: n, stillDead: [] }
      }
      const outcomes = await replayMatching({ adapter, code, limit: body.limit }, sources, desk)
      posted()
      return {
        replayed: outcomes.filter(({ outcome }) => outcome === 'replayed').length,
        stillDead: outcomes
          .filter(({ outcome }) => outcome === 'still-dead')
          .map((one) => ({ ...one, id: `m${one.id}` })),
      }
    },
  )
}

function addNotices(app: FastifyInstance, { office, prisma }: RouteOptions): void {
  app.post<{
    Headers: { 'idempotency-key': string }
    Body: {
      adapter?: string
      addressee: string
      kind: 'task' | 'notice' | 'parameters'
      body: unknown
      expiresAt?: string
    }
  }>(
    '/notices',
    {
      schema: {
        summary:
          'Send a task, notice or parameters to a device; repeated with the same Idempotency-Key it is sent once',
        headers: { type: 'object', properties: { 'idempotency-key': text }, required: ['idempotency-key'] },
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            adapter: text,
            addressee: text,
            kind: { enum: ['task', 'notice', 'parameters'] },
            body: { type: 'object' },
            expiresAt: time,
          },
          required: ['addressee', 'kind', 'body'],
        },
      },
    },
    async ({ headers, body }, reply) => {
      const { id, created } = await office.post({
        idempotencyKey: headers['idempotency-key'],
        adapter: body.adapter ?? null,
        addressee: body.addressee,
        kind: body.kind,
        body: body.body,
        expiresAt: body.expiresAt === undefined ? null : new Date(body.expiresAt),
      })
      return reply
        .code(created ? 202 : 200)
        .header('location', `/v1/notices/${id}`)
        .send({ id })
    },
  )
  app.get<{ Params: { id: string } }>(
    '/notices/:id',
    { schema: { summary: 'A notice and every state it went through', params: idParams } },
    async ({ params: { id } }, reply) => {
      const notice = await prisma.notice.findUnique({
        where: { id },
        omit: { fingerprint: true, claimedUntil: true },
        include: { states: { orderBy: { seq: 'asc' }, omit: { noticeId: true, seq: true } } },
      })
      return notice ?? reply.code(404).send({ error: `no notice ${id}` })
    },
  )
}
