import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import type { PositionReport } from '../gateway/report.ts'
import { assemble, type Landed, land, noon } from './nmea-stage.ts'

/**
 * Recorded bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what the decoder
 * says now into expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/nmea/`
const record = process.env.CHENGGUAN_RECORD === '1'

interface GpsdFix {
  readonly time: string
  readonly mode: number
  readonly lat: number
  readonly lon: number
}

export function landedCase(name: string): Landed[] {
  return assemble([readFileSync(`${folder}${name}/input.nmea`)]).map((message) => land(message))
}

function told(landed: readonly Landed[]): unknown {
  const outcome = landed.map(({ message, reports, code }) => ({
    bytes: message.raw.length,
    date: message.envelope.date ?? null,
    code,
    reports,
  }))
  return JSON.parse(JSON.stringify(outcome))
}

function places(landed: readonly Landed[]): PositionReport[] {
  return landed
    .flatMap(({ reports }) => reports)
    .filter((report) => report.kind === 'position')
    .filter(({ gps }) => gps?.latitude != null)
}

const timeOfDay = (date: Date) => date.getTime() % 86_400_000

for (const name of readdirSync(folder).filter((entry) => !entry.startsWith('.'))) {
  t.test(`recorded: ${name}`, async (t) => {
    const landed = landedCase(name)
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(told(landed), null, 1)}\n`)
    t.strictSame(told(landed), JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')

    for (const { subject, deviceTime, gps } of places(landed)) {
      t.ok(subject.length > 0 && Math.abs(gps?.latitude ?? 99) <= 90 && Math.abs(gps?.longitude ?? 999) <= 180)
      t.ok(deviceTime !== null && deviceTime.getUTCFullYear() > 1979)
      for (const value of Object.values(gps ?? {})) t.notOk(typeof value === 'number' && !Number.isFinite(value))
    }
  })

  // gpsd moves dates by whole GPS weeks to its own idea of the year, so the time of day is what is compared.
  t.test(`gpsd sees the same places: ${name}`, async (t) => {
    const fixes: GpsdFix[] = JSON.parse(readFileSync(`${folder}${name}/gpsd.json`, 'utf8'))
    let compared = 0
    for (const { deviceTime, gps } of places(landedCase(name))) {
      if (deviceTime === null || gps?.latitude == null || gps.longitude === null) continue
      const theirs = fixes.filter(({ time }) => timeOfDay(new Date(time)) === timeOfDay(deviceTime))
      if (theirs.length === 0) continue
      const { latitude, longitude } = gps
      const same = theirs.some(({ lat, lon }) => Math.abs(lat - latitude) < 1e-6 && Math.abs(lon - longitude) < 1e-6)
      if (!same) t.fail(`${deviceTime.toISOString()}: ${latitude} ${longitude}, gpsd says ${JSON.stringify(theirs)}`)
      compared++
    }
    t.equal(compared > 0, fixes.length > 0, `${compared} positions compared, gpsd has ${fixes.length}`)
  })
}

t.test('a case is received at noon of one day', async (t) => {
  t.equal(noon.toISOString(), '2026-05-31T12:00:00.000Z')
})
