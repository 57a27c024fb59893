import type { ClientBase, Pool } from 'pg'
import type { CaseIntent } from '../case-intent.ts'
import type { BatchRows, IntentRow } from '../intake/rows.ts'
import type { Understanding } from '../intake/understand.ts'
import { legsOfCall } from '../store/calls.ts'
import { isInternational } from '../subscriber.ts'
import type { LegFacts } from './facts.ts'
import { type JoinedCall, joinCall } from './join.ts'
import { addFacts, type CallFormRow } from './rows.ts'

type Rows = Pick<BatchRows, 'intents' | 'callLegs' | 'callForms' | 'correspondences' | 'tally'>

/**
 * What the call says is added to the intents of its forms: who called, which district's number, since when. A form for a
 * call that nothing is known of is an intent like any other, with a remark: the call's record may still come.
 */
export async function completeForms(rows: Rows, how: Understanding, pool: Pool | ClientBase): Promise<void> {
  for (const form of rows.callForms) {
    const at = rows.intents.findIndex(({ intent }) => intent.id === form.intentId)
    const row = rows.intents[at]
    if (row === undefined) continue
    const legs = await legsWith(form, rows.callLegs, pool)
    const call = legs.length === 0 ? null : joinCall(legs, how.city)
    rows.intents[at] = completed(row, form, call, how)
    rows.tally.add(
      form.receivedAt,
      form.adapter,
      row.intent.channel,
      'call-form',
      call === null ? 'unknown-call' : 'joined',
    )
    owe(rows.intents[at], form, call, rows)
  }
}

/** What is stored of the call, and what of it comes in this very batch. */
async function legsWith(
  { exchange, callId }: CallFormRow,
  fresh: ReadonlyMap<string, LegFacts>,
  pool: Pool | ClientBase,
): Promise<LegFacts[]> {
  const ids = new Set([callId])
  const own = [...fresh.values()].filter((leg) => leg.exchange === exchange)
  for (let size = 0; size !== ids.size; ) {
    size = ids.size
    for (const { leg, call } of own) if (ids.has(leg) || ids.has(call)) ids.add(leg).add(call)
  }
  const legs = new Map<string, LegFacts>()
  for (const leg of await legsOfCall(pool, exchange, [...ids])) addFacts(legs, leg)
  for (const leg of own) if (ids.has(leg.leg)) addFacts(legs, leg)
  return [...legs.values()]
}

function completed(row: IntentRow, form: CallFormRow, call: JoinedCall | null, how: Understanding): IntentRow {
  const { intent } = row
  const remarks = [...intent.remarks]
  if (call === null) {
    remarks.push({ reason: 'unknown-call', detail: `${form.exchange}/${form.callId}` })
    return { ...row, intent: { ...intent, remarks } }
  }
  const { report } = form
  if (report.caller !== null && call.caller !== null && report.caller !== call.caller)
    remarks.push({ reason: 'caller-contradicts', detail: `the call came from ${call.caller}` })
  if (call.district !== null) remarks.push({ reason: 'sub-number', detail: `dialled ${call.district.name}` })
  const reporter = reporterOf(intent, report.caller === null ? call.caller : null, how)
  const known = { ...intent, reporter, source: reporter.kind, remarks } as CaseIntent
  const call_ = { exchange: call.exchange, id: call.call, seat: report.seat ?? call.seat }
  const occurredAt = { at: call.startedAt, origin: 'device' } as const
  return { ...row, intent: { ...known, call: call_, occurredAt }, orderingKey: intent.component?.id ?? reporter.id }
}

/** The form did not say who called, and the exchange does. */
function reporterOf({ reporter }: CaseIntent, caller: string | null, { city }: Understanding): CaseIntent['reporter'] {
  if (caller === null) return reporter
  const subject = city.subjectByPhone(caller)
  if (subject === null) return { ...reporter, id: caller }
  return { kind: subject.kind, id: subject.id, name: subject.name, company: subject.company }
}

/** Who called is owed an answer as who wrote is; the seat has already told them that they were heard. */
function owe(
  { intent }: IntentRow,
  { report, adapter, receivedAt }: CallFormRow,
  call: JoinedCall | null,
  { correspondences }: Rows,
): void {
  const subject = report.callBack ?? report.caller ?? call?.caller ?? null
  if (subject === null || !isInternational(subject) || intent.queryNumber === null) return
  const { id: intentId, queryNumber } = intent
  correspondences.push({
    intentId,
    queryNumber,
    subject,
    adapter,
    recipient: call?.called ?? null,
    receivedAt,
    addsTo: null,
  })
}
