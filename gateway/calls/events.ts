import type { BatchRows } from '../intake/rows.ts'
import { type Posting, post } from '../relay/post.ts'
import { newId } from '../store/message-id.ts'
import type { CallRow } from './rows.ts'

/** A call was settled, or is known better. */
export function tellCall(
  { call, revision, settledAt, mergedInto }: CallRow,
  intents: readonly string[],
  how: Posting,
  rows: Pick<BatchRows, 'outbox' | 'tally'>,
): void {
  const { legs, ...whole } = call
  const data = { ...whole, legs: legs.length, revision, mergedInto, intents }
  const orderingKey = `call:${call.exchange}/${call.call}`
  const subject = call.caller ?? orderingKey
  const traits = { type: 'call', district: call.district?.code ?? null, purpose: null, urgency: null } as const
  post({ id: newId(), type: 'call', subject, orderingKey, time: call.startedAt, data }, traits, settledAt, how, rows)
}
