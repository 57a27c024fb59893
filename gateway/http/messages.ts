import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Thumbnails } from '../attachments/thumbnails.ts'
import { explainMessage, type StoredMessage } from '../intake/explain.ts'
import { aroundId } from '../store/message-id.ts'
import { idParams } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

export function addMessages(app: FastifyInstance, { prisma, desk, sources }: RouteOptions): void {
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

export function addAttachments(app: FastifyInstance, { desk }: RouteOptions): void {
  const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$', description: '64 hexadecimal digits' } as const
  app.get<{ Params: { sha256: string } }>(
    '/attachments/:sha256',
    {
      schema: {
        summary: 'A file that came inside a message, by the SHA-256 of its bytes',
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
  const thumbnails = new Thumbnails((sha256) => desk.attachments.path(sha256))
  app.get<{ Params: { sha256: string } }>(
    '/attachments/:sha256/thumbnail',
    {
      schema: {
        summary: 'A JPEG of at most 320 pixels in width, upright, without what the camera wrote into the picture',
        params: { type: 'object', properties: { sha256 }, required: ['sha256'] },
      },
    },
    async ({ params }, reply) => {
      const small = await thumbnails.of(params.sha256)
      if (small === null) return reply.code(404).send({ error: `no attachment ${params.sha256} that is a picture` })
      return reply
        .type('image/jpeg')
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'private, max-age=86400, immutable')
        .send(Buffer.from(small))
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
