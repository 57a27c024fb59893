import type { FastifyInstance } from 'fastify'
import { retryErrand } from '../store/errands.ts'
import { idParams, limit, uuid } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

export function addErrands(app: FastifyInstance, { prisma, pool }: RouteOptions): void {
  app.get<{ Querystring: { state: string; after?: string; limit: number } }>(
    '/errands',
    {
      schema: {
        summary:
          'Work that messages led to and that is not done: announced MMS and pictures of alarms that are to be fetched',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { state: { enum: ['pending', 'done', 'dead'], default: 'dead' }, after: uuid, limit },
        },
      },
    },
    async ({ query }) => {
      const errands = await prisma.errand.findMany({
        where: { state: query.state, ...(query.after !== undefined && { id: { gt: query.after } }) },
        orderBy: { id: 'asc' },
        take: query.limit,
        omit: { content: true, claimedUntil: true, subject: true },
      })
      return { errands, next: errands.at(-1)?.id ?? query.after ?? null }
    },
  )
  app.post<{ Params: { id: string } }>(
    '/errands/:id/retry',
    { schema: { summary: 'Try a dead errand again', params: idParams } },
    async ({ params: { id } }, reply) =>
      (await retryErrand(pool, id))
        ? reply.code(202).send({ id })
        : reply.code(404).send({ error: `no dead errand ${id}` }),
  )
}
