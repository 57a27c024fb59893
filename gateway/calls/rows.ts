import type { BatchRows } from '../intake/rows.ts'
import type { CallFormReport } from '../report.ts'
import { indexable } from '../store/array-literal.ts'
import type { Findings } from '../triage/findings.ts'
import type { TriageLimits } from '../triage/limits.ts'
import { factsOf, type HeardFrom, type LegFacts, mergeFacts } from './facts.ts'
import type { JoinedCall } from './join.ts'

/** A form and the call that it names, by any id of it. */
export interface CallFormRow {
  readonly intentId: string
  readonly exchange: string
  readonly callId: string
  readonly seat: string | null
  readonly adapter: string
  readonly receivedAt: Date
  readonly report: CallFormReport
}

/** A call as it is settled, and the legs that were read for it, as they were then. */
export interface SettledRow {
  readonly legs: readonly { readonly exchange: string; readonly leg: string; readonly version: string }[]
  /** When they are looked at again without further news; `null`: never. */
  readonly dueAt: Date | null
  /** `null`: nothing new. */
  readonly calls: readonly CallRow[]
}

export interface CallRow {
  readonly call: JoinedCall
  readonly revision: number
  readonly settledAt: Date
  readonly mergedInto: string | null
  readonly ids: readonly string[]
}

export const legKey = (exchange: string, leg: string): string => `${exchange}\n${leg}`

/** Takes up what a message says of calls. */
export function enterCalls(
  { calls, callForms }: Pick<Findings, 'calls' | 'callForms'>,
  from: HeardFrom,
  limits: TriageLimits,
  rows: Pick<BatchRows, 'callLegs' | 'callForms'>,
): void {
  const { adapter, receivedAt } = from
  for (const report of calls) addFacts(rows.callLegs, factsOf(report, from, limits))
  for (const { report, intentId } of callForms) {
    const [exchange, callId] = [indexable(report.exchange), indexable(report.call)]
    rows.callForms.push({ ...{ intentId, exchange, callId, adapter, receivedAt, report }, seat: report.seat })
  }
}

export function addFacts(legs: Map<string, LegFacts>, facts: LegFacts): void {
  const key = legKey(facts.exchange, facts.leg)
  const known = legs.get(key)
  legs.set(key, known === undefined ? facts : mergeFacts(known, facts))
}
