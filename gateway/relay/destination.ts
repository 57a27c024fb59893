import type { EventType } from './cloud-event.ts'

/** What a destination asks for; an empty list asks for everything of that kind. */
export interface DestinationFilter {
  readonly types: readonly EventType[]
  /** Codes of districts; events without a place pass. */
  readonly districts: readonly string[]
  readonly purposes: readonly string[]
  readonly urgencies: readonly string[]
}

export interface Traits {
  readonly type: EventType
  readonly district: string | null
  readonly purpose: string | null
  readonly urgency: string | null
}

const passes = (wanted: readonly string[], value: string | null) =>
  wanted.length === 0 || value === null || wanted.includes(value)

export function wants(filter: DestinationFilter, event: Traits): boolean {
  return (
    filter.types.includes(event.type) &&
    passes(filter.districts, event.district) &&
    passes(filter.purposes, event.purpose) &&
    passes(filter.urgencies, event.urgency)
  )
}
