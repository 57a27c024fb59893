import type { FastifyInstance } from 'fastify'
import { emptyRows } from '../intake/rows.ts'
import { closeReporter, openReporters, reporterOf } from '../store/correspondence.ts'
import { writeBatch } from '../store/write-batch.ts'
import { maskedSubscriber } from '../subscriber.ts'
import { idParams, limit, text, time } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

/** 件件有回音: who still waits, and the core's word on what they reported. */
export function addReporters(app: FastifyInstance, { pool, desk }: RouteOptions): void {
  app.get<{ Querystring: { after?: string; limit: number; numbers: 'masked' | 'shown' } }>(
    '/reporters/open',
    {
      schema: {
        summary: 'Reporters who have no answer, or no result, or cannot be reached; who waits longest comes first',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            after: {
              type: 'string',
              pattern: '^[0-9]{1,15}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
              description: 'what `next` was',
            },
            limit,
            numbers: { enum: ['masked', 'shown'], default: 'masked' },
          },
        },
      },
    },
    async ({ query: { after, limit: most, numbers } }) => {
      const [ms = '', intentId = ''] = after?.split('_') ?? []
      const behind = after === undefined ? null : { receivedAt: new Date(Number(ms)), intentId }
      const reporters = await openReporters(pool, behind, most)
      const last = reporters.at(-1)
      return {
        reporters: reporters.map(({ subject, ...rest }) => ({
          ...rest,
          subject: numbers === 'shown' ? subject : maskedSubscriber(subject),
        })),
        next: last === undefined ? (after ?? null) : `${last.receivedAt.getTime()}_${last.intentId}`,
      }
    },
  )
  app.post<{ Params: { id: string }; Body: { why: string } }>(
    '/reporters/:id/close',
    {
      schema: {
        summary: 'Nothing more is owed to the reporter of this intent, and why',
        params: idParams,
        body: { type: 'object', additionalProperties: false, properties: { why: text }, required: ['why'] },
      },
    },
    async ({ params: { id }, body: { why } }, reply) =>
      (await closeReporter(pool, id, why))
        ? { id, why }
        : reply.code(404).send({ error: `no reporter of intent ${id}` }),
  )
  app.put<{
    Params: { id: string }
    Body: { caseNumber?: string; stage: string; text?: string; at?: string; feedback?: 'none' }
  }>(
    '/intents/:id/case',
    {
      schema: {
        summary: "The core's word on an intent: what its reporter is told who asks for the state",
        params: idParams,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            caseNumber: text,
            stage: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'a word such as closed' },
            text: { ...text, maxLength: 500 },
            at: time,
            feedback: { enum: ['none'] },
          },
          required: ['stage'],
        },
      },
    },
    async ({ params: { id }, body }, reply) => {
      if ((await reporterOf(pool, id)) === null) return reply.code(404).send({ error: `no reporter of intent ${id}` })
      const rows = emptyRows()
      rows.stages.push({
        intentId: id,
        stage: body.stage,
        text: body.text ?? null,
        at: body.at === undefined ? new Date() : new Date(body.at),
        caseNumber: body.caseNumber ?? null,
        closedWhy: body.feedback === 'none' ? `no feedback wanted: ${body.text ?? body.stage}` : null,
      })
      await writeBatch(pool, rows, desk.gateway)
      return { id, stage: body.stage }
    },
  )
}
