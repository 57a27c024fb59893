import type { FastifyInstance } from 'fastify'
import { replayDeadLetter, replayEvents, replayMatching } from '../intake/replay.ts'
import { cursor, limit, text } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

export function addDeadLetters(app: FastifyInstance, { prisma, pool, desk, sources, posted }: RouteOptions): void {
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
