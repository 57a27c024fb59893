import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import type { MeasuredGateway } from './gateways.ts'

/** Parts of a gateway's configuration for the SMPP benchmarks. */

export interface Account {
  readonly bind: 'receiver' | 'transceiver'
  readonly perSecond: number
  readonly window: number
  /** Messages that are being stored at a time. */
  readonly unacknowledged?: number
}

export function adapterOf(port: number, { bind, perSecond, window, unacknowledged }: Account): Record<string, unknown> {
  return {
    name: 'sms',
    kind: 'smpp-esme',
    host: '127.0.0.1',
    port,
    systemId: 'bench',
    bind,
    source: { number: '10639812319' },
    // A centre may be slow to open.
    bindTimeout: '10m',
    window,
    // A receiver has no texts to hand in.
    perSecond: bind === 'receiver' ? 0 : perSecond,
    ...(unacknowledged !== undefined && { limits: { unacknowledged } }),
  }
}

/** A destination without a pace of its own; nobody checks its signature. */
export function destinationAt(port: number): Record<string, unknown> {
  return { name: 'core', url: `http://127.0.0.1:${port}/events`, secret: newSecret(), perSecond: 0 }
}

export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** A connection of one's own to a gateway's database. */
export async function connectTo({ folder, databaseUrl }: MeasuredGateway): Promise<pg.Client> {
  const embedded = { host: join(folder, 'data', 'postgres'), user: 'postgres', database: 'postgres' }
  const client = new pg.Client(databaseUrl === null ? embedded : { connectionString: databaseUrl })
  await client.connect()
  return client
}
