import type { City } from '../city/city.ts'
import type { LegFacts } from './facts.ts'
import { type Leg, legOf } from './leg.ts'

export type WholeEnding = 'answered' | 'refused' | 'lost' | 'busy' | 'failed'

/** A seat that a call rang at, in the order of ringing. */
export interface SeatOfCall extends Pick<Leg, 'seat' | 'ringingAt' | 'answeredAt' | 'endedAt' | 'ending'> {
  readonly leg: string
}

/** One call, its legs joined. Times are RFC 3339, UTC. */
export interface JoinedCall {
  readonly exchange: string
  readonly call: string
  readonly direction: Leg['direction']
  /** A-party; `null`: withheld, or not said. */
  readonly caller: string | null
  /** The number that was dialled (DNIS). */
  readonly called: string | null
  readonly district: { readonly code: string; readonly name: string } | null
  readonly digits: string | null
  /** The seat that answered. */
  readonly seat: string | null
  readonly seats: readonly SeatOfCall[]
  readonly startedAt: string
  readonly ringingAt: string | null
  readonly answeredAt: string | null
  readonly endedAt: string | null
  readonly talkS: number | null
  /** `null`: it is not over, as far as is known. */
  readonly ending: WholeEnding | null
  readonly cause: string | null
  readonly recording: string | null
  readonly heard: Leg['heard']
  readonly remarks: Leg['remarks']
  readonly legs: readonly Leg[]
  readonly evidence: readonly string[]
}

/**
 * The legs of one call, joined. The call is named by what its legs belong to that itself belongs to nothing else: with
 * FreeSWITCH the A-leg. `legs` is not empty.
 */
export function joinCall(facts: readonly LegFacts[], city: City): JoinedCall {
  const call = rootOf(facts)
  const legs = facts.map(legOf).sort((a, b) => (order(a, call) < order(b, call) ? -1 : 1))
  const a = legs.find(({ leg }) => leg === call) ?? legs.find(({ seat }) => seat === null) ?? legs[0]
  const first = <Name extends keyof Leg>(name: Name): Leg[Name] | null =>
    a?.[name] ?? legs.find((leg) => leg[name] !== null)?.[name] ?? null
  const seats = legs.flatMap(({ leg, seat, ringingAt, startedAt, answeredAt, endedAt, ending }) =>
    seat === null || (leg === a?.leg && legs.some((other) => other.leg !== leg && other.seat === seat))
      ? []
      : [{ leg, seat, ringingAt: ringingAt ?? startedAt, answeredAt, endedAt, ending }],
  )
  const reached = seats.filter(({ answeredAt, ending }) => answeredAt !== null || ending === 'answered')
  const endedAt = a?.endedAt ?? endOf(legs)
  const ending = endedAt === null && !over(legs) ? null : endingOf(a, legs, seats)
  // A menu or a queue answers before any seat does; nobody can be spoken to there.
  const menuAt = seats.some(({ leg }) => leg !== a?.leg) && ending === null ? null : (a?.answeredAt ?? null)
  const spokenAt = earliest(reached.map((seat) => seat.answeredAt)) ?? menuAt
  const answeredAt = ending === null || ending === 'answered' ? spokenAt : null
  const called = first('called')
  const place = called === null ? null : city.districtOfNumber(called)
  const heards = new Set(legs.map(({ heard }) => heard))
  return {
    exchange: facts[0]?.exchange ?? '',
    call,
    direction: a?.direction ?? first('direction'),
    caller: first('caller'),
    called,
    district: place === null ? null : { code: place.code, name: place.name },
    digits: joinedDigits(legs),
    seat: reached[0]?.seat ?? null,
    seats,
    startedAt:
      earliest(legs.flatMap((leg) => [leg.startedAt ?? leg.ringingAt ?? leg.answeredAt ?? leg.endedAt])) ??
      heardFirst(facts),
    ringingAt: earliest(legs.map(({ ringingAt }) => ringingAt)),
    answeredAt,
    endedAt,
    talkS:
      ending !== 'answered' || answeredAt === null || endedAt === null ? null : secondsBetween(answeredAt, endedAt),
    ending,
    cause: a?.cause ?? null,
    recording: first('recording'),
    heard: heards.size === 1 ? (legs[0]?.heard ?? 'live') : 'both',
    remarks: legs.flatMap(({ remarks }) => remarks),
    legs,
    evidence: [...new Set(facts.flatMap(({ evidence }) => evidence))].sort(),
  }
}

/** What is no leg of anything else; of legs that name each other in a ring, the least. */
function rootOf(facts: readonly LegFacts[]): string {
  const parent = new Map(facts.map(({ leg, call }) => [leg, call]))
  const roots = facts.map(({ call }) => call).filter((call) => (parent.get(call) ?? call) === call)
  const among = roots.length > 0 ? roots : facts.map(({ leg }) => leg)
  return [...among].sort()[0] ?? ''
}

const order = ({ leg, startedAt, ringingAt }: Leg, call: string): string =>
  `${leg === call ? 0 : 1} ${startedAt ?? ringingAt ?? '9'} ${leg}`

function earliest(times: readonly (string | null)[]): string | null {
  return times.filter((time) => time !== null).sort()[0] ?? null
}

const over = (legs: readonly Leg[]): boolean => legs.every(({ endedAt, ending }) => endedAt !== null || ending !== null)

/** The last end, once every leg has one. */
function endOf(legs: readonly Leg[]): string | null {
  if (!over(legs)) return null
  return (
    legs
      .flatMap(({ endedAt }) => endedAt ?? [])
      .sort()
      .at(-1) ?? null
  )
}

/**
 * The caller's leg says how it ended; but it is answered by a menu, too, and says nothing of seats that refused. So where
 * every seat is known to have been missed, an answer is none, and what all seats say holds.
 */
function endingOf(a: Leg | undefined, legs: readonly Leg[], seats: readonly SeatOfCall[]): WholeEnding {
  const ending = a?.ending ?? null
  const own = seats.filter(({ leg }) => leg !== a?.leg)
  const missed = own.length > 0 && own.every(({ answeredAt, ending }) => answeredAt === null && isMiss(ending))
  if (ending === 'abandoned') return 'lost'
  if (missed && (ending === null || ['answered', 'no-answer', 'failed'].includes(ending))) return ofSeats(own)
  if (ending === 'no-answer') return 'lost'
  if (ending !== null) return ending
  return legs.some((leg) => leg.ending === 'answered' || leg.answeredAt !== null) ? 'answered' : ofSeats(own)
}

const isMiss = (ending: Leg['ending']): boolean => ending !== null && ending !== 'answered'

function ofSeats(seats: readonly SeatOfCall[]): WholeEnding {
  const same = (['refused', 'busy', 'failed'] as const).find((one) => seats.every(({ ending }) => ending === one))
  return seats.length > 0 && same !== undefined ? same : 'lost'
}

/** Pressed by the caller: on the A-leg, else on whichever leg has any. */
const joinedDigits = (legs: readonly Leg[]): string | null => legs.find(({ digits }) => digits !== null)?.digits ?? null

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))

/** Nobody said a time: it was when the first word of it came. */
function heardFirst(facts: readonly LegFacts[]): string {
  return (
    facts
      .map(({ heardLiveAt, heardRecordAt, lastHeardAt }) => (heardLiveAt ?? heardRecordAt ?? lastHeardAt).toISOString())
      .sort()[0] ?? ''
  )
}
