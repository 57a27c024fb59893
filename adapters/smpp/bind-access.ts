import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../config/fields.ts'
import { commandId, textFields } from './session-pdus.ts'
import type { PeerOptions } from './smsc-options.ts'

/** Which way messages go on a session, seen from the peer (2.2). */
export type Direction = 'transmitter' | 'receiver' | 'transceiver'

const directions: ReadonlyMap<number, Direction> = new Map([
  [commandId.bind_transmitter, 'transmitter'],
  [commandId.bind_receiver, 'receiver'],
  [commandId.bind_transceiver, 'transceiver'],
])

/** `null` for what is no bind. */
export const directionOf = (id: number): Direction | null => directions.get(id) ?? null

export interface Introduction {
  readonly systemId: string
  readonly password: string
}

/** Who a bind says to be; `null` when it is cut off. */
export function introductionOf(bind: Buffer): Introduction | null {
  const fields = textFields(bind, ['system_id', 'password', 'system_type', 'address_range'])
  return fields && { systemId: fields.system_id, password: fields.password }
}

/**
 * The peer, or `null`. As much is done for a name that nobody has as for one with another password, so that the time it
 * takes tells nothing.
 */
export function admit(peers: readonly PeerOptions[], { systemId, password }: Introduction): PeerOptions | null {
  const named = peers.find((one) => one.systemId === systemId)
  const right = same(password, named?.password ?? null)
  return named !== undefined && right ? named : null
}

function same(given: string, secret: Secret | null): boolean {
  const expected = secret?.reveal() ?? 'nobody'
  return timingSafeEqual(digest(given), digest(expected)) && secret !== null
}

const digest = (text: string) => createHash('sha256').update(text, 'latin1').digest()
