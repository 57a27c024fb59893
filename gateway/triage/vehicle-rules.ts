import type { City, Subject, VehicleRule } from '../city/city.ts'
import { metresBetween } from './distance.ts'
import { speedKmhBetween } from './filters.ts'
import type { TriageLimits } from './limits.ts'
import { minuteOfDay, withinShift } from './local-time.ts'
import type { RememberedFix, RuleState } from './memory.ts'

/** A rule that fires on this fix: it has held for long enough, and had not fired since it last was clear. */
export interface Fired {
  readonly rule: VehicleRule
  readonly value: number
  readonly sinceMs: number
}

/** The newest fix of a vehicle, and what a rule may measure it against. */
export interface VehicleFix {
  readonly vehicle: Subject
  readonly fix: RememberedFix
  readonly speedKmh: number | null
  /** The newest fix before this one. */
  readonly before: RememberedFix | null
}

type Measure =
  | { readonly holds: boolean; readonly value: number; readonly anchor: RuleState['anchor']; readonly sinceMs: number }
  | 'unknown'

const measures = { 'off-route': offRoute, standing, 'outside-shift': outsideShift } as const

/**
 * Evaluates every rule on one fix. Fixes at or before a rule's `untilMs` are ignored, so late and replayed data never
 * fire or clear anything. The states replace those before; states of rules the city no longer has are left behind.
 */
export function evaluateRules(
  vehicleFix: VehicleFix,
  before: Readonly<Record<string, RuleState>>,
  city: City,
  limits: TriageLimits,
): { readonly states: Readonly<Record<string, RuleState>>; readonly fired: readonly Fired[] } {
  const states: Record<string, RuleState> = {}
  const fired: Fired[] = []
  for (const rule of city.vehicleRules) {
    const old = Object.hasOwn(before, rule.id) ? before[rule.id] : undefined
    const state = afterSilence(old ?? null, vehicleFix.fix[0], limits)
    const measure = isNews(state, vehicleFix.fix)
      ? measures[rule.what](rule, vehicleFix, state, city, limits)
      : 'unknown'
    if (measure === 'unknown') {
      if (old !== undefined) states[rule.id] = old
      continue
    }
    const next = step(rule, state, vehicleFix.fix[0], measure)
    states[rule.id] = next
    if (next.fired && state?.fired !== true)
      fired.push({ rule, value: Math.round(measure.value * 10) / 10, sinceMs: next.sinceMs ?? vehicleFix.fix[0] })
  }
  return { states, fired }
}

function isNews(state: RuleState | null, [atMs]: RememberedFix): boolean {
  return state === null || atMs > state.untilMs
}

/** Nobody knows what happened while nothing was heard: what was counted so far does not go on. */
function afterSilence(state: RuleState | null, atMs: number, { ruleGapMs }: TriageLimits): RuleState | null {
  if (state === null || atMs - state.untilMs <= ruleGapMs) return state
  return { ...state, sinceMs: null, clearSinceMs: null, anchor: state.fired ? state.anchor : null }
}

function step(
  rule: VehicleRule,
  state: RuleState | null,
  atMs: number,
  { holds, anchor, sinceMs }: Exclude<Measure, 'unknown'>,
): RuleState {
  const fired = state?.fired === true
  if (holds)
    return { untilMs: atMs, sinceMs, fired: fired || atMs - sinceMs >= rule.afterS * 1000, clearSinceMs: null, anchor }
  const clearSinceMs = fired ? (state.clearSinceMs ?? atMs) : null
  const cleared = clearSinceMs !== null && atMs - clearSinceMs >= rule.clearAfterS * 1000
  return { untilMs: atMs, sinceMs: null, fired: fired && !cleared, clearSinceMs: cleared ? null : clearSinceMs, anchor }
}

function plain(holds: boolean, value: number, state: RuleState | null, atMs: number): Measure {
  return { holds, value, anchor: null, sinceMs: state?.sinceMs ?? atMs }
}

/** A vehicle with a shift is on its way to or from the depot outside it: neither off its route nor standing. */
function onDuty(vehicle: Subject, atMs: number, city: City): boolean {
  const shift = vehicle.shiftId === null ? null : city.shift(vehicle.shiftId)
  return shift === null || withinShift(shift, minuteOfDay(atMs, city.timeZone))
}

function offRoute(
  rule: VehicleRule,
  { vehicle, fix: [atMs, latitude, longitude, accuracyM] }: VehicleFix,
  state: RuleState | null,
  city: City,
): Measure {
  const route = vehicle.routeId === null ? null : city.route(vehicle.routeId)
  if (route === null) return 'unknown'
  const apartM = route.distanceM({ latitude, longitude })
  const beyondM = apartM - route.toleranceM - rule.distanceM
  if (Math.abs(beyondM) < (accuracyM ?? 0)) return 'unknown'
  return plain(beyondM > 0 && onDuty(vehicle, atMs, city), apartM, state, atMs)
}

/** Until it fires, the place is where the vehicle last came to rest; after, it is the place it has to leave. */
function standing(
  rule: VehicleRule,
  { vehicle, fix: [atMs, latitude, longitude, accuracyM] }: VehicleFix,
  state: RuleState | null,
  city: City,
): Measure {
  const area = vehicle.workAreaId === null ? null : city.workArea(vehicle.workAreaId)
  if (area === null || (accuracyM ?? 0) > rule.distanceM) return 'unknown'
  const anchor = state?.anchor ?? null
  const inside = area.contains({ latitude, longitude }) && onDuty(vehicle, atMs, city)
  const strayedM = anchor === null ? 0 : metresBetween(anchor[0], anchor[1], latitude, longitude)
  if (state?.fired === true)
    return { holds: inside && strayedM <= rule.distanceM, value: strayedM, anchor, sinceMs: state.sinceMs ?? atMs }
  if (!inside) return { holds: false, value: 0, anchor: null, sinceMs: atMs }
  const stays = anchor !== null && strayedM <= rule.distanceM
  const sinceMs = stays ? (state?.sinceMs ?? atMs) : atMs
  return { holds: true, value: (atMs - sinceMs) / 1000, anchor: stays ? anchor : [latitude, longitude], sinceMs }
}

function outsideShift(
  rule: VehicleRule,
  { vehicle, fix, speedKmh, before }: VehicleFix,
  state: RuleState | null,
  city: City,
  limits: TriageLimits,
): Measure {
  const shift = vehicle.shiftId === null ? null : city.shift(vehicle.shiftId)
  if (shift === null) return 'unknown'
  const [atMs] = fix
  const near = before !== null && atMs - before[0] <= limits.ruleGapMs ? before : null
  const speed = speedKmh ?? (near === null ? null : speedKmhBetween(near, fix))
  if (speed === null) return 'unknown'
  const outside = !withinShift(shift, minuteOfDay(atMs, city.timeZone))
  return plain(outside && speed > rule.speedKmh, speed, state, atMs)
}
