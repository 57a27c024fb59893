import type { MalformedReport } from '../report.ts'
import { newId } from '../store/message-id.ts'
import type { Findings } from '../triage/triage.ts'
import type { Arrival } from './arrival.ts'
import type { ErrandRow } from './rows.ts'
import type { Understanding } from './understand.ts'

/**
 * Datagrams become errands of the adapter that takes their port; where none does, each is a dead letter. Pictures that
 * an incident wants are errands of the adapter that the alarm came by, with the incident's id.
 */
export function errandsOf(
  { datagrams, snapshots }: Findings,
  arrival: Arrival,
  how: Understanding,
): { readonly rows: readonly ErrandRow[]; readonly untaken: readonly MalformedReport[] } {
  const rows: ErrandRow[] = []
  const untaken: MalformedReport[] = []
  for (const { index, report } of datagrams) {
    const adapter = how.portTakers.get(report.port)
    const { receivedAt } = arrival.message
    const { subject, content, port } = report
    if (adapter === undefined) {
      const detail = `a datagram to port ${port}, which no adapter takes`
      untaken.push({ kind: 'malformed', index, code: 'DECODE_UNSUPPORTED', detail })
    } else rows.push({ id: newId(), adapter, subject, content, messageId: arrival.id, receivedAt })
  }
  for (const { incidentId, subject, snapshot } of snapshots) {
    const { receivedAt } = arrival.message
    const content = Buffer.from(snapshot, 'utf8')
    rows.push({ id: incidentId, adapter: arrival.source.adapter, subject, content, messageId: arrival.id, receivedAt })
  }
  return { rows, untaken }
}
