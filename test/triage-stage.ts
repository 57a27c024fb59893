import type { City, Point } from '../gateway/city/city.ts'
import type { CellSighting, FormReport, PositionReport, Report, SatelliteFix } from '../gateway/report.ts'
import { blankMemory, type SubjectMemory } from '../gateway/triage/memory.ts'
import { defaultLimits, type Findings, type TriageLimits, triage } from '../gateway/triage/triage.ts'
import { smallCity } from './small-city.ts'

/** Ten in the morning in the small city. */
export const morning = new Date('2026-11-23T02:00:00Z')

export const after = (seconds: number): Date => new Date(morning.getTime() + seconds * 1000)

export function gps(point: Point, more: Partial<SatelliteFix> = {}): SatelliteFix {
  return {
    system: null,
    latitude: point.latitude,
    longitude: point.longitude,
    valid: null,
    fixedAt: null,
    accuracyM: 10,
    altitudeM: null,
    speedKmh: null,
    headingDeg: null,
    satellites: null,
    hdop: null,
    ...more,
  }
}

export function cell(id: number, more: Partial<CellSighting> = {}): CellSighting {
  return { radio: 'LTE', mcc: 460, mnc: 0, lac: 100, cell: id, signalDbm: null, serving: true, ...more }
}

export function position(subject: string, deviceTime: Date | null, more: Partial<PositionReport> = {}): PositionReport {
  return { kind: 'position', subject, deviceTime, gps: null, cells: [], batteryPercent: null, ...more }
}

export function form(subject: string, more: Partial<FormReport> = {}): FormReport {
  return {
    kind: 'form',
    subject,
    deviceTime: morning,
    gps: null,
    cells: [],
    purpose: 'report',
    number: null,
    caseKind: null,
    category: null,
    text: null,
    address: null,
    componentId: null,
    componentState: null,
    caseNumber: null,
    passed: null,
    selfHandled: null,
    attachments: [],
    ...more,
  }
}

/** A desk that remembers from one message to the next, as the intake's working set does. */
export class Stage {
  readonly memories = new Map<string, SubjectMemory>()
  readonly city: City
  readonly limits: TriageLimits
  #ids = 0

  constructor(more: Partial<TriageLimits> = {}, city: City = smallCity) {
    this.limits = { ...defaultLimits, ...more }
    this.city = city
  }

  take(receivedAt: Date, ...reports: Report[]): Findings {
    const message = { id: 'm1', receivedAt, channel: 'mqtt', adapter: 'handhelds' }
    return triage(message, reports, this.city, this.memories, () => `i${++this.#ids}`, this.limits)
  }

  memory(subject: string): SubjectMemory {
    return this.memories.get(subject) ?? blankMemory
  }
}
