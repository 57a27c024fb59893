import type { CaseIntent, Location, Timestamp } from '../case-intent.ts'
import type {
  CallFormReport,
  CallReport,
  DatagramReport,
  DeliveryReport,
  PointReading,
  PresenceReport,
  ReceiptReport,
} from '../report.ts'
import type { FilterReason } from './filters.ts'
import type { IncidentChange, WantedSnapshot } from './incident-state.ts'

/** What triage made of one message. Every report that is not malformed is in exactly one of the lists. */
export interface Findings {
  readonly positions: readonly AcceptedPosition[]
  /** Those of vehicle rules stand beside the position that fired them. `related` is left empty. */
  readonly intents: readonly CaseIntent[]
  readonly answers: readonly TaskAnswer[]
  readonly presences: readonly PresenceReport[]
  readonly receipts: readonly ReceiptReport[]
  /** Reporters who wrote, and wait for an answer: one for each intent of a text. */
  readonly reporters: readonly WritingReporter[]
  readonly enquiries: readonly Enquiry[]
  readonly datagrams: readonly { readonly index: number; readonly report: DatagramReport }[]
  readonly deliveries: readonly DeliveryReport[]
  readonly filtered: readonly Filtered[]
  /** What became of incidents of cameras and sensors, in order; their intents stand in `intents`. */
  readonly incidents: readonly IncidentChange[]
  readonly snapshots: readonly WantedSnapshot[]
  /** What is said of legs of calls. */
  readonly calls: readonly CallReport[]
  /** Forms of seats, with their intents; what the call itself says is added by the intake. */
  readonly callForms: readonly { readonly report: CallFormReport; readonly intentId: string }[]
  readonly readings: readonly AcceptedReading[]
}

/** What a sensor measured, with what was wrong with each point then. */
export interface AcceptedReading {
  readonly subject: string
  readonly at: Date
  /** As the city's register has it; `null` where it does not know the sensor. */
  readonly sensor: { readonly name: string; readonly kind: string } | null
  readonly latitude: number | null
  readonly longitude: number | null
  /** Code of the unit grid. */
  readonly grid: string | null
  /** Code of the district. */
  readonly district: string | null
  readonly points: readonly (Omit<PointReading, 'limits'> & { readonly alarms: readonly string[] })[]
}

/** A reporter who is owed an answer and can be given one on the channel they wrote on. */
export interface WritingReporter {
  readonly intentId: string
  readonly queryNumber: string
  /** The number they wrote from. */
  readonly subject: string
  readonly recipient: string | null
  readonly receivedAt: Date
  /** The query number of an earlier report that this one adds to. */
  readonly addsTo: string | null
}

/** Somebody asks for the state of a report, or wrote something that cannot be used; `number` is `null` then. */
export interface Enquiry {
  readonly number: string | null
  readonly subject: string
  readonly recipient: string | null
}

export interface Filtered {
  /** Place of the report in the message, from 0. */
  readonly index: number
  readonly reason: FilterReason
  /** The value that was not believed. */
  readonly detail: string
}

/** A place where a subject was, WGS-84. */
export interface AcceptedPosition {
  readonly subject: string
  /** The fix's own time. */
  readonly at: Date
  readonly atOrigin: 'device' | 'gateway'
  readonly latitude: number
  readonly longitude: number
  readonly accuracyM: number | null
  readonly altitudeM: number | null
  readonly foundBy: 'gps' | 'cell' | 'fused'
  /** The fix was older than its report by this much; `null` when they are of one moment. */
  readonly staleS: number | null
  readonly speedKmh: number | null
  readonly headingDeg: number | null
  /** Code of the unit grid; `null` outside the city and where the accuracy allows no such claim. */
  readonly grid: string | null
  /** Code of the district. */
  readonly district: string | null
  readonly batteryPercent: number | null
  /** Older than a position accepted before it: part of the track, not where the subject is. */
  readonly late: boolean
}

/** A collector's answer to an order to verify (核实) or to check (核查). */
export interface TaskAnswer {
  readonly id: string
  readonly purpose: 'verify' | 'check'
  /** The core's number of the case, as the answer gives it. */
  readonly caseNumber: string | null
  readonly passed: boolean | null
  readonly text: string | null
  readonly number: string | null
  readonly location: Location | null
  readonly address: string | null
  readonly component: CaseIntent['component']
  readonly attachments: CaseIntent['attachments']
  readonly channel: string
  readonly reporter: CaseIntent['reporter']
  readonly occurredAt: Timestamp
  readonly receivedAt: string
  readonly remarks: CaseIntent['remarks']
  readonly evidence: readonly string[]
  readonly cityVersion: string
}
