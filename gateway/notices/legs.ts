import type { Decision, LockedNotice } from '../store/notice-states.ts'
import { stateOfLeg } from './deliveries.ts'
import type { Entry } from './notice.ts'
import { advances, arrived, failures, type NoticeState } from './state.ts'
import type { Way } from './way.ts'

/** What a look at a notice needs to know beside it. */
export interface Surroundings {
  readonly at: Date
  /** Ways as the configuration has them now, for one that was sent on its way without any. */
  ways(notice: LockedNotice): readonly Way[]
  /** Whether an adapter of this name sends texts here. */
  sends(adapter: string): boolean
  /** Other gateways may have the adapters that this one has not. */
  readonly shared: boolean
}

/** So long is left to the gateway that has the adapter, before another way is looked for. */
const strayMs = 60_000

/** What becomes of a notice whose way failed, or has had its time. Pure. */
export function reviewed(notice: LockedNotice, around: Surroundings): Decision {
  const { at } = around
  const counted = notice.parts === 0 ? null : stateOfLeg(notice.partStates, notice.parts)
  const entries: Entry[] = []
  let state: NoticeState = notice.state
  if (counted !== null && advances(state, counted)) {
    state = counted
    entries.push({ state, at })
  }
  if (arrived(state) || state === 'listed' || state === 'in-doubt' || notice.audience === 'device')
    return { entries, ...(entries.length === 0 && { reviewAt: null }) }

  const planned = notice.routes.length > 0 ? null : planOf(notice, around)
  const routes = planned ?? notice.routes
  const rest = { ...(planned !== null && { routes: planned }) }
  if (failures.includes(state)) {
    // It was not to be sent after that anyhow.
    if (state === 'expired' && notice.expiresAt !== null && notice.expiresAt <= at)
      return { entries: entries.map((entry) => ({ ...entry, reviewAt: null })), reviewAt: null }
    return { entries: [...entries, next(notice, routes, at, null)], ...rest }
  }
  const { by, adapter, afterMs = null } = routes[notice.leg] ?? {}
  if (state === 'queued' && by === 'text' && adapter !== undefined && !around.sends(adapter)) {
    const since = notice.createdAt.getTime() + strayMs
    if (around.shared && at.getTime() < since) return { entries, ...rest, reviewAt: new Date(since) }
    return { entries: [...entries, next(notice, routes, at, `${adapter} sends no texts`)], ...rest }
  }
  if (afterMs === null || routes[notice.leg + 1] === undefined) return { entries, ...rest, reviewAt: null }
  const began = Math.max(notice.legBegan.getTime(), notice.notBefore?.getTime() ?? 0)
  const until = new Date(began + afterMs)
  if (until > at) return { entries, ...rest, reviewAt: until }
  return { entries: [...entries, next(notice, routes, at, `not delivered within ${afterMs / 1000} s`)], ...rest }
}

/** The way it is on, which nobody planned, and those that the configuration has after it. */
function planOf(notice: LockedNotice, around: Surroundings): readonly Way[] {
  const { adapter, addressee } = notice
  const ways = around.ways(notice)
  const same = ways.findIndex((way) => way.adapter === adapter && way.by === 'text')
  const current: Way = { by: 'text', adapter, addressee, afterMs: ways[same]?.afterMs ?? null }
  return [current, ...ways.filter((_, index) => index !== same)]
}

/** The next leg, or the operator's list. */
export function next(notice: LockedNotice, routes: readonly Way[], at: Date, why: string | null): Entry {
  const leg = notice.leg + 1
  const way = routes[leg]
  if (way === undefined) return { state: 'listed', at, detail: why ?? 'every way failed' }
  const reviewAt = way.afterMs === null ? null : new Date(at.getTime() + way.afterMs)
  return { state: 'queued', at, leg, way, reviewAt, detail: why }
}
