import type { CallReport } from '../report.ts'
import { indexable, storable } from '../store/array-literal.ts'
import type { TriageLimits } from '../triage/limits.ts'
import { timeFault } from '../triage/times.ts'

/**
 * What is said of a leg is a set of facts, and a set grows the same whatever the order of its pieces and however often
 * they come. What holds of facts that contradict each other is decided when they are read (`leg.ts`).
 */

/** A call's leg as pieces of it are stored: everything here merges without regard to order. */
export interface LegFacts {
  readonly exchange: string
  readonly leg: string
  /** What it belongs to, and how sure that is: 0 its record says so, 1 heard live, 2 itself for want of better. */
  readonly call: string
  readonly callRank: number
  readonly seat: string | null
  readonly facts: ReadonlySet<string>
  readonly heardLiveAt: Date | null
  readonly heardRecordAt: Date | null
  readonly lastHeardAt: Date
  readonly adapter: string
  readonly channel: string
  readonly evidence: readonly string[]
}

export type Heard = CallReport['heard']

const texts = ['direction', 'caller', 'called', 'seat', 'digits', 'ending', 'cause', 'recording'] as const
export const times = ['startedAt', 'ringingAt', 'answeredAt', 'endedAt'] as const
const longest = 500

/** A fact in one line; the value comes last and may have spaces. */
const fact = (heard: Heard, field: string, value: string) => `${heard} ${field} ${storable(value.slice(0, longest))}`

export interface HeardFrom {
  readonly messageId: string
  readonly receivedAt: Date
  readonly adapter: string
  readonly channel: string
}

/** A time that cannot be is kept as a remark: nobody believes it. */
export function factsOf(report: CallReport, from: HeardFrom, limits: TriageLimits): LegFacts {
  const { heard } = report
  const { receivedAt } = from
  const [exchange, leg, call] = [report.exchange, report.leg, report.call].map(indexable) as [string, string, string]
  const facts = new Set<string>()
  for (const field of texts) {
    const value = report[field]
    if (value !== null) facts.add(fact(heard, field, value))
  }
  if (report.digit !== null)
    facts.add(fact(heard, 'digit', `${report.digit.order.replaceAll(' ', '')} ${report.digit.key}`))
  for (const field of times) {
    const at = report[field]
    if (at === null) continue
    const wrong = timeFault(at.getTime(), receivedAt.getTime(), limits.oldestFormMs, limits.futureMs)
    if (wrong === null) facts.add(fact(heard, field, at.toISOString()))
    else facts.add(fact(heard, 'impossible', `${wrong.reason} ${field} ${wrong.detail}`))
  }
  return {
    ...{ exchange, leg, call, facts },
    callRank: call === leg ? 2 : heard === 'record' ? 0 : 1,
    seat: report.seat === null ? null : indexable(report.seat),
    heardLiveAt: heard === 'live' ? receivedAt : null,
    heardRecordAt: heard === 'record' ? receivedAt : null,
    lastHeardAt: receivedAt,
    adapter: from.adapter,
    channel: from.channel,
    evidence: [from.messageId],
  }
}

/** A leg has so much evidence listed at most; the messages are stored in any case. */
export const mostEvidence = 200

/** As the store merges them (`write-calls.ts`): in any order, any of them twice. */
export function mergeFacts(a: LegFacts, b: LegFacts): LegFacts {
  const surer = a.callRank < b.callRank || (a.callRank === b.callRank && a.call <= b.call) ? a : b
  const [adapter, channel] = a.adapter <= b.adapter ? [a.adapter, a.channel] : [b.adapter, b.channel]
  return {
    exchange: a.exchange,
    leg: a.leg,
    call: surer.call,
    callRank: surer.callRank,
    seat: least(a.seat, b.seat),
    facts: new Set([...a.facts, ...b.facts]),
    heardLiveAt: earlier(a.heardLiveAt, b.heardLiveAt),
    heardRecordAt: earlier(a.heardRecordAt, b.heardRecordAt),
    lastHeardAt: new Date(Math.max(a.lastHeardAt.getTime(), b.lastHeardAt.getTime())),
    ...{ adapter, channel },
    evidence: [...new Set([...a.evidence, ...b.evidence])].sort().slice(0, mostEvidence),
  }
}

function least(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a <= b ? a : b
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b
  return a <= b ? a : b
}
