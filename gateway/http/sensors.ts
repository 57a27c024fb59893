import type { FastifyInstance } from 'fastify'
import type { PrismaClient } from '../store/client/client.ts'
import type { SubjectMemory } from '../triage/memory.ts'
import { text } from './fields.ts'

export function addSensors(app: FastifyInstance, prisma: PrismaClient): void {
  app.get<{ Params: { sensor: string } }>(
    '/sensors/:sensor',
    {
      schema: {
        summary: 'The newest reading of each point of a sensor, and what is wrong with it',
        params: { type: 'object', properties: { sensor: text }, required: ['sensor'] },
      },
    },
    async ({ params }, reply) => {
      const row = await prisma.device.findUnique({ where: { subject: params.sensor } })
      const readings = (row?.memory as SubjectMemory | null | undefined)?.readings
      if (readings === undefined) return reply.code(404).send({ error: 'nothing was ever read of this sensor' })
      const since = (ms: number) => new Date(ms).toISOString()
      return {
        sensor: params.sensor,
        at: since(readings.atMs),
        silentSince: readings.whole === null ? null : since(readings.whole.sinceMs),
        points: Object.entries(readings.points).map(([point, { atMs, quality, value, unit, wrong }]) => ({
          ...{ point, at: since(atMs), quality, value: quality === 'good' ? value : null, lastValue: value, unit },
          alarms: Object.entries(wrong).flatMap(([event, { sinceMs, toldMs }]) =>
            toldMs === null ? [] : [{ event, since: since(sinceMs) }],
          ),
        })),
      }
    },
  )
}
