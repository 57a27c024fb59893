import type { Inbound, Received } from '../adapter.ts'
import type { Report } from '../report.ts'

/** An adapter as the intake knows it. */
export interface Source {
  /** Its name in the configuration. */
  readonly adapter: string
  readonly channel: string
  /** What its keys are unique within. */
  readonly keyScope: string
  decode(message: Received): Report[]
}

/** A message between its arrival and its commit. */
export interface Arrival {
  /** UUIDv7 of the time of receipt. */
  readonly id: string
  readonly source: Source
  readonly message: Received
}

export type { Inbound }
