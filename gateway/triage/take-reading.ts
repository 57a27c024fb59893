import type { ReadingReport } from '../report.ts'
import { type AlarmDesk, takeAlarm } from './alarms.ts'
import type { AcceptedReading } from './findings.ts'
import { registeredPlace } from './incident-case.ts'
import { blankMemory } from './memory.ts'
import { judgeReading, type ReadingMemory } from './readings.ts'

export interface ReadingDesk extends AlarmDesk {
  readonly readings: AcceptedReading[]
}

/** One sensor's reading: judged against its limits, and what is wrong goes the way of every alarm. Never throws. */
export function takeReading(report: ReadingReport, index: number, desk: ReadingDesk): void {
  const { subject, deviceTime } = report
  const heardMs = desk.message.receivedAt.getTime()
  const latestMs = heardMs + desk.limits.futureMs
  const saidMs = deviceTime?.getTime() ?? heardMs
  const atMs = saidMs <= latestMs ? saidMs : heardMs
  const memory = desk.memories.get(subject) ?? blankMemory
  const judged = judgeReading(report, atMs, notAhead(memory.readings ?? null, latestMs, atMs))
  if (judged === null) {
    const detail = `${new Date(atMs).toISOString()}, not after ${new Date(memory.readings?.atMs ?? 0).toISOString()}`
    desk.filtered.push({ index, reason: 'old-reading', detail })
    return
  }
  desk.memories.set(subject, { ...memory, readings: judged.memory })
  // That an alarm is known already takes nothing from the reading.
  const alarmDesk = { ...desk, filtered: [] }
  for (const alarm of judged.alarms) takeAlarm(alarm, index, alarmDesk)
  desk.readings.push(accepted(report, new Date(atMs), judged.memory, desk))
}

/** A clock that was once years ahead must not keep the sensor out until then. */
function notAhead(before: ReadingMemory | null, latestMs: number, atMs: number): ReadingMemory | null {
  return before === null || before.atMs <= latestMs ? before : { ...before, atMs }
}

function accepted(
  { subject, points }: ReadingReport,
  at: Date,
  { points: known, whole }: ReadingMemory,
  { city, limits }: ReadingDesk,
): AcceptedReading {
  const sensor = city.sensor(subject)
  const place = registeredPlace(subject, 'sensor', city, limits)
  return {
    subject,
    at,
    sensor: sensor === null ? null : { name: sensor.name, kind: sensor.kind },
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
    grid: place?.grid ?? null,
    district: place?.district?.code ?? null,
    points: points.map(({ limits: _limits, ...reading }) => {
      const wrong = Object.entries(known[reading.point]?.wrong ?? {}).filter(([, { toldMs }]) => toldMs !== null)
      const alarms = [...wrong.map(([event]) => event), ...(whole === null || whole.toldMs === null ? [] : ['silent'])]
      return { ...reading, alarms }
    }),
  }
}
