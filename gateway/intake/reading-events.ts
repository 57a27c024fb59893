import { type Posting, post } from '../relay/post.ts'
import { newId } from '../store/message-id.ts'
import type { Findings } from '../triage/triage.ts'
import type { Arrival } from './arrival.ts'
import type { BatchRows } from './rows.ts'

/** Events of readings, for a destination that asks for them: flood control computes with what the sensors say. */
export function announceReadings(
  { id, message }: Arrival,
  { readings }: Pick<Findings, 'readings'>,
  how: Posting,
  rows: Pick<BatchRows, 'outbox' | 'tally'>,
): void {
  if (!how.destinations.some(({ filter }) => filter.types.includes('reading'))) return
  for (const reading of readings) {
    const { subject, at, district } = reading
    const data = { ...reading, receivedAt: message.receivedAt, evidence: [id] }
    post(
      { id: newId(), type: 'reading', subject, orderingKey: subject, time: at.toISOString(), data },
      { type: 'reading', district, purpose: null, urgency: null },
      message.receivedAt,
      how,
      rows,
    )
  }
}
