import { GatewayError, quote } from '../../gateway/errors.ts'
import type { PositionReport, Report } from '../../gateway/report.ts'
import { fault, type JsonObject, number, requiredText } from '../../gateway/web/json-fields.ts'

/**
 * What the OwnTracks app publishes on `owntracks/{user}/{device}` and below, as its booklet's chapter JSON has it
 * (owntracks.org/booklet/tech/json). Positions and last wills are read; the app's own housekeeping says nothing about
 * the city and makes no report.
 */
export function ownTracksReports(fields: JsonObject, subject: string): Report[] {
  const type = requiredText(fields, '_type')
  if (type === 'location' || type === 'transition') return [position(fields, subject)]
  // Its `tst` is when the app connected, not when it was lost, so the time of receipt stands in.
  if (type === 'lwt') return [{ kind: 'presence', subject, deviceTime: null, state: 'offline', softwareVersion: null }]
  if (housekeeping.has(type)) return []
  throw new GatewayError('DECODE_UNSUPPORTED', `OwnTracks _type ${quote(type)}`)
}

/** `encrypted` is not among them: a position that cannot be read is a fault of set-up that somebody must see. */
const housekeeping = new Set([
  'beacon',
  'card',
  'cmd',
  'configuration',
  'dump',
  'request',
  'status',
  'steps',
  'waypoint',
  'waypoints',
])

function position(fields: JsonObject, subject: string): PositionReport {
  return {
    kind: 'position',
    subject,
    deviceTime: seconds(fields, 'tst'),
    gps: {
      system: null,
      latitude: number(fields, 'lat'),
      longitude: number(fields, 'lon'),
      valid: null,
      fixedAt: null,
      accuracyM: unlessNegative(fields, 'acc'),
      altitudeM: number(fields, 'alt'),
      speedKmh: unlessNegative(fields, 'vel'),
      headingDeg: unlessNegative(fields, 'cog'),
      satellites: null,
      hdop: null,
    },
    cells: [],
    batteryPercent: unlessNegative(fields, 'batt'),
  }
}

/** iOS writes -1 for a speed, course, accuracy or battery that it does not know. */
function unlessNegative(fields: JsonObject, name: string): number | null {
  const value = number(fields, name)
  return value === null || value < 0 ? null : value
}

const endOfYear9999S = 253_402_300_799

function seconds(fields: JsonObject, name: string): Date | null {
  const value = number(fields, name)
  if (value === null) return null
  if (value >= 0 && value <= endOfYear9999S) return new Date(value * 1000)
  throw fault(name, 'seconds since 1970', value)
}
