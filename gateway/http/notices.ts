import type { FastifyInstance } from 'fastify'
import { idParams, text, time } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

export function addNotices(app: FastifyInstance, { office, prisma }: RouteOptions): void {
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
