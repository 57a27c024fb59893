import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { text } from './fields.ts'
import type { RouteOptions } from './route-options.ts'

const mostStreams = 1000
const mostOfSeat = 8
/** So much waits for a slow reader, and no more. */
const mostWaitingBytes = 256 * 1024
const keepAliveMs = 15_000

/** The caller's pop-up for a seat (来电弹屏), as Server-Sent Events. */
export function addSeatCalls(app: FastifyInstance, { popUps }: RouteOptions): void {
  app.get<{ Params: { seat: string }; Headers: { 'last-event-id'?: string } }>(
    '/seats/:seat/calls',
    {
      schema: {
        summary: 'Calls at a seat while they happen: ring, answer and end, as Server-Sent Events that never end',
        params: { type: 'object', properties: { seat: text }, required: ['seat'] },
      },
    },
    (request, reply) => {
      const { seat } = request.params
      const { all, here } = popUps.listening(seat)
      if (all >= mostStreams || here >= mostOfSeat)
        return reply.code(503).header('retry-after', '5').send({ error: 'too many listen already' })
      reply.hijack()
      const { raw } = reply
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      raw.write('retry: 2000\n\n')
      const stop = popUps.listen(seat, request.headers['last-event-id'] ?? null, (cursor, popUp) =>
        tell(raw, `id: ${cursor}\nevent: ${popUp.what}\ndata: ${JSON.stringify(popUp)}\n\n`),
      )
      const beat = setInterval(() => tell(raw, ': still here\n\n'), keepAliveMs)
      raw.on('close', () => {
        clearInterval(beat)
        stop()
      })
      return reply
    },
  )
}

/** Who does not read is cut off, and comes again with the last id that it read. */
function tell(raw: ServerResponse, words: string): void {
  if (raw.destroyed) return
  raw.write(words)
  if (raw.writableLength > mostWaitingBytes) raw.destroy()
}
