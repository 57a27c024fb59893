import { storableJson } from '../store/array-literal.ts'

/** What the gateway tells a core; the names on the wire are `chengguan.<type>.v1`. */
export const eventTypes = ['case-intent', 'position', 'delivery', 'answer', 'incident', 'call', 'reading'] as const
export type EventType = (typeof eventTypes)[number]

export interface EventDraft {
  /** Stable over every retry: the core knows a repetition by (source, id). */
  readonly id: string
  readonly type: EventType
  /** Whom or what it is about: the reporter, the device, the notice; of an incident the camera or sensor, of a call the caller. */
  readonly subject: string
  /** Events with the same key reach a destination in order. */
  readonly orderingKey: string
  readonly time: string
  readonly data: unknown
}

/** One CloudEvents 1.0 JSON event. Written once and stored as text, so that a retry repeats it to the byte. */
export function cloudEvent(draft: EventDraft, source: string): string {
  return storableJson({
    specversion: '1.0',
    id: draft.id,
    source,
    type: `chengguan.${draft.type}.v1`,
    subject: draft.subject,
    time: draft.time,
    datacontenttype: 'application/json',
    // CloudEvents' partitioning extension.
    partitionkey: draft.orderingKey,
    data: draft.data,
  })
}
