import type { Attachment, ComponentState } from './report.ts'

/** A time and whose clock it is of. */
export interface Timestamp {
  /** RFC 3339, UTC */
  readonly at: string
  readonly origin: 'device' | 'gateway'
}

/** How a place was found, and how good it is. Always WGS-84; `original` is what the source said. */
export interface Location {
  readonly latitude: number
  readonly longitude: number
  readonly system: 'wgs84'
  readonly accuracyM: number | null
  /** `component`: the census' place of the component named. `last-fix`: where the sender was last seen, `staleS` before. `picture`: its EXIF. */
  readonly foundBy: 'gps' | 'cell' | 'fused' | 'component' | 'last-fix' | 'address' | 'picture' | 'camera' | 'sensor'
  /** The fix is older than the report by this much; `null` when they are of one moment. */
  readonly staleS: number | null
  readonly original: { readonly system: string; readonly latitude: number; readonly longitude: number } | null
  /** Both opinions, where there were two. */
  readonly gps: { readonly latitude: number; readonly longitude: number; readonly accuracyM: number | null } | null
  readonly cell: { readonly latitude: number; readonly longitude: number; readonly radiusM: number } | null
  readonly grid: string | null
  readonly gridAlternatives: readonly string[]
  readonly community: { readonly code: string; readonly name: string } | null
  readonly street: { readonly code: string; readonly name: string } | null
  readonly district: { readonly code: string; readonly name: string } | null
}

export interface CategoryCandidate {
  readonly code: string
  readonly zh: string
  readonly confidence: number
  /** The words or code that decided. */
  readonly because: string
}

/** `code` is `null` when unsure (未分类); then `candidates` say what it may be. */
export interface CategoryFinding {
  readonly scheme: string
  readonly kind: 'component' | 'event'
  readonly code: string | null
  readonly zh: string
  readonly confidence: number
  readonly candidates: readonly CategoryCandidate[]
}

/** A place that a text may mean; WGS-84. */
export interface PlaceCandidate {
  /** As the city writes it: `采莲街12号`, `听荷街与柳荫路路口`, `春园社区`. */
  readonly name: string
  readonly how: 'road-number' | 'crossing' | 'building' | 'compound' | 'landmark' | 'road' | 'area'
  readonly latitude: number
  readonly longitude: number
  /** Radius in metres. */
  readonly accuracyM: number
  /** `null` where the circle is too wide to name one, or lies outside the city. */
  readonly grid: string | null
  readonly confidence: number
  /** The words that decided, and what was done with them. */
  readonly because: string
}

/** Where a text says it is. `certain`: the first candidate may be relied on. */
export interface PlaceReading {
  readonly candidates: readonly PlaceCandidate[]
  readonly certain: boolean
}

/** What a text is about, the likeliest first, of one scheme. `certain`: the first candidate may be relied on. */
export interface CategoryReading {
  readonly candidates: readonly (CategoryCandidate & { readonly kind: 'component' | 'event' })[]
  readonly certain: boolean
}

export type IntentPurpose = 'report' | 'component-state' | 'sos' | 'inspection' | 'vehicle-rule' | 'alarm'
export type Urgency = 'normal' | 'urgent' | 'emergency'

/** 案卷意图: what the core is asked to consider. The gateway supplies facts and hints; the core decides. */
export interface CaseIntent {
  readonly id: string
  readonly purpose: IntentPurpose
  readonly kind: 'component' | 'event'
  readonly category: CategoryFinding
  readonly channel: string
  /** Problem source (问题来源) in the gateway's words: collector, leader, vehicle (its driver), vehicle-rule, citizen, department, camera, sensor; the site maps it to its codes. */
  readonly source:
    | 'collector'
    | 'leader'
    | 'vehicle'
    | 'vehicle-rule'
    | 'citizen'
    | 'department'
    | 'stranger'
    | 'camera'
    | 'sensor'
  readonly location: Location | null
  readonly address: string | null
  /** For texts: what the words say of the place; `null` where nobody wrote. */
  readonly place: PlaceReading | null
  readonly occurredAt: Timestamp
  readonly receivedAt: string
  readonly reporter: {
    readonly kind: 'collector' | 'vehicle' | 'leader' | 'citizen' | 'department' | 'stranger' | 'camera' | 'sensor'
    readonly id: string
    readonly name: string | null
    readonly company: { readonly code: string; readonly name: string } | null
  }
  readonly text: string | null
  readonly number: string | null
  /** The number that the reporter was given, and asks the state by; `null` where nobody was given one. */
  readonly queryNumber: string | null
  readonly component: { readonly id: string; readonly proposedState: ComponentState | null } | null
  readonly selfHandled: boolean | null
  readonly attachments: readonly (Omit<Attachment, 'content' | 'place'> & { readonly sizeBytes: number | null })[]
  readonly urgency: Urgency
  /** What was said but not believed, and why: a bad position, an impossible time, an unknown component. */
  readonly remarks: readonly { readonly reason: string; readonly detail: string }[]
  /** Ids of the messages that say so; `GET /v1/messages/{id}/raw`. */
  readonly evidence: readonly string[]
  /** Earlier intents that look like the same problem, the likeliest first; `score` from 0 to 1. */
  readonly related: readonly { readonly id: string; readonly because: string; readonly score: number }[]
  /** For purpose `vehicle-rule`: which rule, and the measured value that fired it. */
  readonly rule: { readonly id: string; readonly what: string; readonly value: number; readonly since: string } | null
  /** For what a seat filled in: the call it belongs to. */
  readonly call: { readonly exchange: string; readonly id: string; readonly seat: string | null } | null
  /** For purpose `alarm`: the incident, and the device's own word for it. `value` in `unit` for what is measured. */
  readonly incident: {
    readonly id: string
    readonly event: string
    readonly part: string | null
    readonly value: number | null
    readonly unit: string | null
  } | null
  /** Version of the city's base data it was made with. */
  readonly cityVersion: string
}
