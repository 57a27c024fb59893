import type { CallEnding } from '../../gateway/report.ts'

/** What platforms post, as they write it. Times are RFC 3339, or local ones of the configured zone. */

/** `POST /calls`: a piece of what a call centre knows of one leg. Only `call` must be there. */
export interface CallPayload {
  readonly call: string | number
  /** This leg's id; left out: the call has one leg. */
  readonly leg?: string | number | null
  /** `live`: as it happens. `record` (left out): what is known in the end. */
  readonly heard?: 'live' | 'record' | null
  readonly direction?: 'inbound' | 'outbound' | 'internal' | null
  readonly caller?: string | number | null
  /** The number that was dialled: a district's sub-number. */
  readonly called?: string | number | null
  readonly seat?: string | number | null
  /** Pressed in the menu, in order. */
  readonly digits?: string | number | null
  readonly startedAt?: string | number | null
  readonly ringingAt?: string | number | null
  readonly answeredAt?: string | number | null
  readonly endedAt?: string | number | null
  readonly ending?: CallEnding | null
  readonly cause?: string | number | null
  readonly recording?: string | null
}

/** `POST /forms`: what a seat filled in. `call`, and something that it is about, must be there. */
export interface FormPayload {
  readonly call: string | number
  readonly number?: string | number | null
  readonly seat?: string | number | null
  readonly time?: string | number | null
  readonly caller?: string | number | null
  readonly callBack?: string | number | null
  readonly name?: string | null
  readonly text?: string | null
  readonly address?: string | null
  readonly kind?: 'component' | 'event' | null
  readonly category?: { scheme?: string | null; code?: string | number | null; words?: string | null } | null
  readonly componentId?: string | number | null
  /** A point that the seat set on a map: `lat`, `lon`, `system`. */
  readonly place?: Readonly<Record<string, unknown>> | null
  readonly urgent?: boolean | null
  readonly attachments?: readonly unknown[] | null
}

/** An alarm as another platform passes it on: one object, or an array. `device` and `event` must be there. */
export interface AlarmPayload {
  /** The camera or sensor, as the city's register names it. */
  readonly device: string
  /** The platform's own word for it; the city's alarm rules say what it means. */
  readonly event: string
  /** A rule, region or point that tells two of one device apart. */
  readonly part?: string | number | null
  /** Left out: `once`. */
  readonly phase?: 'began' | 'going-on' | 'ended' | 'once' | null
  /** The platform's own number of it: the same one when it begins, goes on and ends. */
  readonly occurrence?: string | number | null
  readonly time?: string | number | null
  readonly detail?: Readonly<Record<string, string | number | boolean>> | null
  /** For a camera that moves: `lat`, `lon`, `system`, `accuracyM`. */
  readonly place?: Readonly<Record<string, unknown>> | null
  readonly attachments?: readonly unknown[] | null
  /** Where a picture can be fetched. */
  readonly snapshot?: string | null
}
