import type { FastifyInstance } from 'fastify'
import type { PrismaClient } from '../store/client/client.ts'
import { cursor, idParams, limit, text, time } from './fields.ts'

const hidden = { dueAt: true } as const

interface Query {
  after: string
  limit: number
  state?: string
  subject?: string
  flag?: string
  from?: string
  to?: string
}

/** What the alarms of cameras and sensors were made into. */
export function addIncidents(app: FastifyInstance, prisma: PrismaClient): void {
  app.get<{ Querystring: Query }>(
    '/incidents',
    {
      schema: {
        summary: 'Incidents of cameras and sensors in the order they opened, after a cursor',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            ...{ after: cursor, limit, subject: text, from: time, to: time },
            state: { enum: ['open', 'cleared'] },
            flag: { enum: ['chattering', 'stuck', 'unmapped', 'storm'] },
          },
        },
      },
    },
    async ({ query }) => {
      const { state, subject, flag, from, to } = query
      const rows = await prisma.incident.findMany({
        where: {
          seq: { gt: BigInt(query.after) },
          ...(state && { state }),
          ...(subject && { subject }),
          ...(flag && { flags: { has: flag } }),
          openedAt: { ...(from && { gte: new Date(from) }), ...(to && { lte: new Date(to) }) },
        },
        orderBy: { seq: 'asc' },
        take: query.limit,
        omit: hidden,
      })
      return { incidents: rows.map(({ seq: _seq, ...row }) => row), next: String(rows.at(-1)?.seq ?? query.after) }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/incidents/:id',
    {
      schema: {
        summary: 'One incident: its timeline, what shows it, its intent and, of a storm, what became part of it',
        params: idParams,
      },
    },
    async ({ params: { id } }, reply) => {
      const row = await prisma.incident.findUnique({ where: { id }, omit: hidden })
      if (row === null) return reply.code(404).send({ error: `no incident ${id}` })
      const [timeline, merged, intent] = await Promise.all([
        prisma.incidentEntry.findMany({
          where: { incidentId: id },
          orderBy: { seq: 'asc' },
          take: 5000,
          omit: { incidentId: true, seq: true },
        }),
        prisma.incident.findMany({
          where: { mergedInto: id },
          orderBy: { seq: 'asc' },
          take: 1000,
          select: { id: true, subject: true, event: true, part: true, openedAt: true, state: true },
        }),
        row.intentId === null
          ? null
          : prisma.intent.findUnique({ where: { id: row.intentId }, select: { data: true } }),
      ])
      const { seq: _seq, ...incident } = row
      const evidence = row.evidence.map((message) => ({ id: message, raw: `/v1/messages/${message}/raw` }))
      return { incident, timeline, merged, evidence, intent: intent?.data ?? null }
    },
  )
}
