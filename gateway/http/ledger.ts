import type { FastifyInstance } from 'fastify'
import { audit, readLedger } from '../store/ledger.ts'
import type { RouteOptions } from './route-options.ts'

export function addLedger(app: FastifyInstance, { pool, links }: RouteOptions): void {
  app.get('/ledger', { schema: { summary: 'What came in and what became of it, by adapter and destination' } }, () =>
    readLedger(pool),
  )
  app.get('/audit', { schema: { summary: 'The ledger held against the rows; slow' } }, () => audit(pool))
  app.get('/channels', { schema: { summary: 'Each listener and link, up or down, since when' } }, () => ({
    channels: links.map(({ name, link, since }) => ({ name, ...link, since })),
  }))
}
