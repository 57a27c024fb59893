import type { FastifyInstance } from 'fastify'
import { linkIntents, reportersOfProblem, unlinkIntents } from '../store/relations.ts'
import { idParams, text, uuid } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

const pair = { type: 'object', properties: { id: uuid, other: uuid }, required: ['id', 'other'] } as const

/** Which intents are about one problem, and who told it first. */
export function addRelations(app: FastifyInstance, { pool, prisma }: RouteOptions): void {
  app.get<{ Params: { id: string } }>(
    '/intents/:id/reporters',
    {
      schema: {
        summary:
          'Everybody who told the same problem, in the order of first receipt; `firstValid` is the first whose report the core has not refused',
        params: idParams,
      },
    },
    async ({ params: { id } }, reply) => {
      const reporters = await reportersOfProblem(pool, id)
      return reporters.length === 0 ? reply.code(404).send({ error: `no intent ${id}` }) : { reporters }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/intents/:id/relations',
    { schema: { summary: 'Links of an intent to others, undone ones too', params: idParams } },
    async ({ params: { id } }) => ({
      relations: await prisma.relation.findMany({
        where: { OR: [{ intentId: id }, { otherId: id }] },
        orderBy: { createdAt: 'asc' },
      }),
    }),
  )
  app.put<{ Params: { id: string; other: string }; Body: { because: string } }>(
    '/intents/:id/relations/:other',
    {
      schema: {
        summary: 'Say that two intents are about the same problem',
        params: pair,
        body: { type: 'object', additionalProperties: false, properties: { because: text }, required: ['because'] },
      },
    },
    async ({ params: { id, other }, body: { because } }, reply) => {
      if (id.toLowerCase() === other.toLowerCase())
        return reply.code(400).send({ error: 'an intent is not related to itself' })
      const linked = await linkIntents(pool, id, other, because)
      return linked ? reply.code(204).send() : reply.code(404).send({ error: 'one of them is no intent' })
    },
  )
  app.delete<{ Params: { id: string; other: string } }>(
    '/intents/:id/relations/:other',
    { schema: { summary: 'Say that two intents are not about the same problem after all', params: pair } },
    async ({ params: { id, other } }, reply) =>
      (await unlinkIntents(pool, id, other))
        ? reply.code(204).send()
        : reply.code(404).send({ error: 'they are not linked' }),
  )
}
