import { randomBytes } from 'node:crypto'

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
    window,
    // A receiver has no texts to hand in.
    perSecond: bind === 'receiver' ? 0 : perSecond,
    ...(unacknowledged !== undefined && { limits: { unacknowledged } }),
  }
}

/** A destination without a pace of its own; nobody checks its signature. */
export function destinationAt(port: number): Record<string, unknown> {
  return {
    name: 'core',
    url: `http://127.0.0.1:${port}/events`,
    secret: `whsec_${randomBytes(32).toString('base64')}`,
    perSecond: 0,
  }
}
