import type { FastifyInstance } from 'fastify'
import { joinCall } from '../calls/join.ts'
import { callFigures, formsOfCall, legsOfCall, settledWith } from '../store/calls.ts'
import { cursor, limit, text, time } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

const endings = ['answered', 'refused', 'lost', 'busy', 'failed'] as const
const span = { from: time, to: time } as const

interface Query {
  after: string
  limit: number
  ending?: (typeof endings)[number]
  from?: string
  to?: string
}

/** Calls: a record each, whether or not a seat made a case of it. */
export function addCalls(app: FastifyInstance, { pool, prisma, desk }: RouteOptions): void {
  app.get<{ Querystring: Query }>(
    '/calls',
    {
      schema: {
        summary: 'Calls in the order they were settled first, after a cursor',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { ...{ after: cursor, limit, ...span }, ending: { enum: endings } },
        },
      },
    },
    async ({ query }) => {
      const { ending, from, to } = query
      const rows = await prisma.call.findMany({
        where: {
          seq: { gt: BigInt(query.after) },
          mergedInto: null,
          ...(ending && { ending }),
          startedAt: { ...(from && { gte: new Date(from) }), ...(to && { lt: new Date(to) }) },
        },
        orderBy: { seq: 'asc' },
        take: query.limit,
        select: { seq: true, revision: true, settledAt: true, data: true },
      })
      const calls = rows.map(({ seq: _seq, data, ...row }) => ({ ...(data as object), ...row }))
      return { calls, next: String(rows.at(-1)?.seq ?? query.after) }
    },
  )
  app.get<{ Querystring: { from?: string; to?: string } }>(
    '/calls/figures',
    {
      schema: {
        summary:
          'How many calls began in a time, by ending, by how they were heard and by district; how many have forms',
        querystring: { type: 'object', additionalProperties: false, properties: span },
      },
    },
    ({ query: { from, to } }) =>
      callFigures(pool, from === undefined ? null : new Date(from), to === undefined ? null : new Date(to)),
  )
  app.get<{ Params: { exchange: string; id: string } }>(
    '/calls/:exchange/:id',
    {
      schema: {
        summary:
          'One call by any id of it: its legs, what shows it, and the intents of its forms; while it goes on, too',
        params: { type: 'object', properties: { exchange: text, id: text }, required: ['exchange', 'id'] },
      },
    },
    async ({ params: { exchange, id } }, reply) => {
      const legs = await legsOfCall(pool, exchange, [id])
      if (legs.length === 0) return reply.code(404).send({ error: `no call ${id} of ${exchange}` })
      const call = joinCall(legs, desk.understanding().city)
      const ids = [...new Set([call.call, ...legs.map(({ leg }) => leg)])]
      const [intents, settled] = await Promise.all([
        formsOfCall(pool, exchange, ids),
        settledWith(pool, exchange, call.call),
      ])
      const evidence = call.evidence.map((message) => ({ id: message, raw: `/v1/messages/${message}/raw` }))
      return { call, settled, evidence, intents }
    },
  )
}
