import type { FastifyInstance } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { NoticeRequest, To } from '../notices/request.ts'
import { type Resolution, resolutions } from '../notices/resolution.ts'
import { noticeStates } from '../notices/state.ts'
import { idParams, limit, text, uuid } from './fields.ts'
import { type NoticeBody, noticeBody } from './notice-body.ts'
import type { RouteOptions } from './route-options.ts'

/** Nothing before the first: ids are compared. */
const firstId = '00000000-0000-0000-0000-000000000000'

export function addNotices(app: FastifyInstance, { office, prisma }: RouteOptions): void {
  app.post<{ Headers: { 'idempotency-key': string }; Body: NoticeBody }>(
    '/notices',
    {
      schema: {
        summary:
          'Send something to a device, a subscriber, a collector or a department; repeated with the same Idempotency-Key it is sent once',
        headers: { type: 'object', properties: { 'idempotency-key': text }, required: ['idempotency-key'] },
        body: noticeBody,
      },
    },
    async ({ headers, body }, reply) => {
      const { id, ids, created } = await office.post(requestOf(headers['idempotency-key'], body))
      return reply
        .code(created ? 202 : 200)
        .header('location', `/v1/notices/${id}`)
        .send({ id, ids })
    },
  )
  app.get<{ Querystring: { state: string; after: string; limit: number } }>(
    '/notices',
    {
      schema: {
        summary:
          'Notices in a state; what an operator is to see to are those that no way was left for, and texts in doubt',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            state: { enum: noticeStates, default: 'listed' },
            after: { ...uuid, default: firstId },
            limit,
          },
        },
      },
    },
    async ({ query: { state, after, limit: take } }) => {
      const notices = await prisma.notice.findMany({
        where: { state, id: { gt: after } },
        orderBy: { id: 'asc' },
        take,
        omit: { fingerprint: true, claimedUntil: true, idempotencyKey: true, reviewAt: true },
        include: { states: { orderBy: { seq: 'desc' }, take: 1, omit: { noticeId: true, seq: true } } },
      })
      return {
        notices: notices.map(({ states: [last], ...notice }) => ({ ...notice, last: last ?? null })),
        next: notices.at(-1)?.id ?? after,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/notices/:id',
    { schema: { summary: 'A notice, every state it went through, and its parts at the centre', params: idParams } },
    async ({ params: { id } }, reply) => {
      const notice = await prisma.notice.findUnique({
        where: { id },
        omit: { fingerprint: true, claimedUntil: true, reviewAt: true },
        include: {
          states: { orderBy: { seq: 'asc' }, omit: { noticeId: true, seq: true } },
          submissions: { orderBy: [{ leg: 'asc' }, { part: 'asc' }], omit: { noticeId: true } },
        },
      })
      return notice ?? reply.code(404).send({ error: `no notice ${id}` })
    },
  )
  app.delete<{ Params: { id: string } }>(
    '/notices/:id',
    { schema: { summary: 'Cancel a notice that has not left, or take one off the list', params: idParams } },
    async ({ params: { id } }, reply) => {
      const cancelled = await office.cancel(id)
      if (cancelled === null) return reply.code(404).send({ error: `no notice ${id}` })
      if (!cancelled) throw new GatewayError('NOTICE_INVALID', 'it has left, or is leaving')
      return { id, outcome: 'cancelled' }
    },
  )
  app.post<{ Params: { id: string }; Body: { as: Resolution } }>(
    '/notices/:id/resolution',
    {
      schema: {
        summary: "The operator's word on a text in doubt, or on a notice that is listed",
        params: idParams,
        body: {
          type: 'object',
          additionalProperties: false,
          properties: { as: { enum: resolutions } },
          required: ['as'],
        },
      },
    },
    async ({ params: { id }, body: { as } }, reply) =>
      (await office.resolve(id, as)) ? { id, as } : reply.code(404).send({ error: `no notice ${id}` }),
  )
}

function requestOf(idempotencyKey: string, body: NoticeBody): NoticeRequest {
  return {
    idempotencyKey,
    to: addresseeOf(body),
    adapter: body.adapter ?? null,
    kind: body.kind ?? 'notice',
    body: body.body ?? null,
    text: body.text ?? null,
    template: body.template ?? null,
    fields: body.fields ?? {},
    urgent: body.urgent ?? false,
    expiresAt: body.expiresAt === undefined ? null : new Date(body.expiresAt),
    intentId: body.intentId ?? null,
    caseNumber: body.caseNumber ?? null,
    media: (body.media ?? []).map(({ sha256, name = null, mediaType = null }) => ({ sha256, name, mediaType })),
  }
}

/** `addressee` is a device, as `to` says it more plainly. */
function addresseeOf({ to, addressee, kind, text: words, template }: NoticeBody): To {
  if ((to === undefined) === (addressee === undefined))
    throw new GatewayError('NOTICE_WORDS', 'either to or addressee says whom it is for')
  const whom = to ?? { device: addressee ?? '' }
  if (!('device' in whom)) return whom
  if (kind === undefined) throw new GatewayError('NOTICE_WORDS', 'a device is told of which kind it is')
  if (words !== undefined || template !== undefined)
    throw new GatewayError('NOTICE_WORDS', 'a device is sent its body as it is, and neither text nor template')
  return whom
}
