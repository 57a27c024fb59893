import type { FastifyInstance } from 'fastify'
import type { PrismaClient } from '../store/client/client.ts'
import { aroundId } from '../store/message-id.ts'
import { cursor, idParams, limit, text } from './fields.ts'

export function addIntents(app: FastifyInstance, prisma: PrismaClient): void {
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
