import type { CellSighting, CoordinateSystem, PositionReport, Whereabouts } from '../../gateway/report.ts'
import { asObject, integer, type JsonObject, list, number, text, time } from '../../gateway/web/json-fields.ts'
import { satelliteFix } from '../../gateway/web/json-fix.ts'

/** Where a handheld says to be; also the `place` of a report. Every field may be left out or null. */
export interface PlacePayload {
  /** degrees, in `system` */
  readonly lat?: number | null
  /** degrees, in `system` */
  readonly lon?: number | null
  /** `wgs84`, `gcj02`, `bd09` or `cgcs2000`; left out: what the city holds of this device. */
  readonly system?: CoordinateSystem | null
  readonly accuracyM?: number | null
  readonly speedKmh?: number | null
  /** degrees from true north */
  readonly headingDeg?: number | null
  readonly altitudeM?: number | null
  readonly satellites?: number | null
  readonly hdop?: number | null
  /** The receiver's own word on whether it has a fix. */
  readonly valid?: boolean | null
  /** When the fix was taken, where that is not `time`: RFC 3339 with offset, or milliseconds since 1970. */
  readonly fixTime?: string | number | null
  /** GSM, UMTS, LTE or NR cells, the serving one first; at most 32. */
  readonly cells?: readonly CellPayload[] | null
}

export interface CellPayload {
  /** `GSM`, `UMTS`, `LTE`, `NR` */
  readonly radio?: string | null
  readonly mcc: number
  readonly mnc: number
  /** location area code or tracking area code */
  readonly lac: number
  readonly cell: number
  readonly dbm?: number | null
}

/** `v1/{device}/up/position`. */
export interface PositionPayload extends PlacePayload {
  /** The handheld's own number of this message; any text. */
  readonly id?: string | null
  /** RFC 3339 with offset, or milliseconds since 1970; left out: the time of receipt. */
  readonly time?: string | number | null
  /** percent */
  readonly battery?: number | null
}

/** The most frequent message by far: read by hand, without a schema in between. */
export function positionReport(fields: JsonObject, subject: string): PositionReport {
  const { gps, cells } = whereabouts(fields)
  return {
    kind: 'position',
    subject,
    deviceTime: time(fields, 'time'),
    gps,
    cells,
    batteryPercent: number(fields, 'battery'),
  }
}

export const nowhere: Whereabouts = { gps: null, cells: [] }

export function placeOf(fields: JsonObject): Whereabouts {
  return fields.place === undefined || fields.place === null ? nowhere : whereabouts(asObject(fields.place, 'place'))
}

/** `lat: null` says that the receiver has no fix; no `lat` at all says that no receiver was asked. */
function whereabouts(fields: JsonObject): Whereabouts {
  const asked = fields.lat !== undefined || fields.lon !== undefined || fields.valid !== undefined
  return {
    gps: asked ? satelliteFix(fields) : null,
    cells: fields.cells === undefined ? nowhere.cells : list(fields, 'cells', 32, cellSighting),
  }
}

function cellSighting(cell: JsonObject, at: number): CellSighting {
  return {
    radio: text(cell, 'radio')?.toUpperCase() ?? null,
    mcc: integer(cell, 'mcc'),
    mnc: integer(cell, 'mnc'),
    lac: integer(cell, 'lac'),
    cell: integer(cell, 'cell'),
    signalDbm: number(cell, 'dbm'),
    serving: at === 0,
  }
}
