import type { BatchRows } from '../intake/rows.ts'
import { indexable } from '../store/array-literal.ts'
import { cloudEvent, type EventDraft } from './cloud-event.ts'
import { type DestinationFilter, type Traits, wants } from './destination.ts'

/** A destination as far as posting to it needs. */
export interface Named {
  readonly name: string
  readonly filter: DestinationFilter
}

/** To whom events go, and in whose name. */
export interface Posting {
  readonly destinations: readonly Named[]
  /** CloudEvents `source` of what this gateway tells. */
  readonly eventSource: string
}

/** One outbox row for each destination that wants the event; returns their names. */
export function post(
  draft: EventDraft,
  traits: Traits,
  createdAt: Date,
  how: Posting,
  rows: Pick<BatchRows, 'outbox' | 'tally'>,
): string[] {
  const names = how.destinations.filter(({ filter }) => wants(filter, traits)).map(({ name }) => name)
  if (names.length === 0) return names
  const body = cloudEvent(draft, how.eventSource)
  for (const destination of names) {
    const { id: eventId, type } = draft
    const orderingKey = indexable(draft.orderingKey)
    rows.outbox.push({ destination, eventId, type, orderingKey, body, createdAt })
    rows.tally.add(createdAt, destination, 'core', 'outbox', type)
  }
  return names
}
