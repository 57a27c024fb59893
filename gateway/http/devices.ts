import type { FastifyInstance } from 'fastify'
import type { PrismaClient } from '../store/client/client.ts'
import { limit, text, time } from './fields.ts'

export function addDevices(app: FastifyInstance, prisma: PrismaClient): void {
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
        // Senders of texts in parts have a row, too; they are people, and not for this list.
        where: { subject: { gt: query.after }, NOT: { subject: { startsWith: 'tel:' } } },
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
