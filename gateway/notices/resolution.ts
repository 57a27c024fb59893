import type { Decision, LockedNotice } from '../store/notice-states.ts'
import { next } from './legs.ts'
import type { Way } from './way.ts'

/** The operator's word. */
export const resolutions = ['sent', 'failed', 'send-again'] as const
export type Resolution = (typeof resolutions)[number]

/**
 * In doubt: `sent`, and receipts may still say more; `failed`, and the next way is taken; `send-again`, by the same way,
 * whole. Listed: `sent` (it was said by other means), `failed` (it is given up), `send-again`, from the first way on. Pure.
 */
export function resolved(notice: LockedNotice, as: Resolution, at: Date): Decision {
  const { leg, routes, adapter, addressee } = notice
  const current: Way = routes[leg] ?? { by: 'text', adapter, addressee, afterMs: null }
  const before = Array.from({ length: leg + 1 }, (_, index) => routes[index] ?? current)
  const rest = routes.slice(leg + 1)
  const why = 'the operator says so'
  if (as === 'send-again') {
    const ways =
      notice.state === 'listed'
        ? [...before, ...(routes.length > 0 ? routes : [current])]
        : [...before, current, ...rest]
    return { entries: [next(notice, ways, at, why)], routes: ways }
  }
  if (notice.state === 'listed') return { entries: [{ state: as === 'sent' ? 'done' : 'refused', at, detail: why }] }
  if (as === 'sent') return { entries: [{ state: 'accepted', at, detail: why }] }
  const ways = [...before, ...rest]
  return { entries: [{ state: 'unknown', at, detail: why, reviewAt: null }, next(notice, ways, at, why)], routes: ways }
}
