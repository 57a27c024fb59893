import t from 'tap'
import type { CellSighting, FormReport, Report, SatelliteFix } from '../gateway/report.ts'
import type { Findings } from '../gateway/triage/triage.ts'
import { middle, smallCity } from './small-city.ts'
import { cell, form, gps, morning, position, Stage } from './triage-stage.ts'

/** mulberry32: the same reports in every run, and a seed to name when one fails. */
function generator(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const pick = <T>(...from: readonly [T, ...T[]]): T => from[Math.floor(next() * from.length)] ?? from[0]
  return { next, pick }
}

type Dice = ReturnType<typeof generator>

const oddNumbers = [null, Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e-7, 95, 360, 1e9] as const

function someNumber({ next, pick }: Dice, usual: number): number | null {
  return next() < 0.8 ? usual : pick<number | null>(...oddNumbers)
}

function someTime({ next, pick }: Dice, nowMs: number): Date | null {
  if (next() < 0.7) return new Date(nowMs - Math.floor(next() * 300_000))
  return pick<Date | null>(
    null,
    new Date(Number.NaN),
    new Date(0),
    new Date(8.64e15),
    new Date(nowMs + 7e5),
    new Date(-1),
  )
}

function someFix(dice: Dice, nowMs: number): SatelliteFix | null {
  const { next, pick } = dice
  if (next() < 0.1) return null
  const point = middle(Math.floor(next() * 12), Math.floor(next() * 12))
  const fix = gps(point, {
    latitude: someNumber(dice, point.latitude),
    longitude: someNumber(dice, point.longitude),
    system: pick(null, null, 'wgs84', 'gcj02', 'bd09', 'cgcs2000'),
    valid: pick(null, true, true, false),
    fixedAt: next() < 0.5 ? null : someTime(dice, nowMs),
    accuracyM: someNumber(dice, 15),
    speedKmh: someNumber(dice, 20),
    headingDeg: someNumber(dice, 90),
    altitudeM: someNumber(dice, 8),
    hdop: someNumber(dice, 1),
  })
  return next() < 0.02 ? Object.assign(fix, { convertedFrom: 'bd09' }) : fix
}

function someCells(dice: Dice): CellSighting[] {
  const { next, pick } = dice
  const count = next() < 0.5 ? 0 : Math.floor(next() * 4)
  return Array.from({ length: count }, (_, i) =>
    cell(pick(1, 2, 3, 9, 77, Number.NaN), { serving: i === 0, signalDbm: someNumber(dice, -80) }),
  )
}

function someForm(dice: Dice, subject: string, nowMs: number): FormReport {
  const { next, pick } = dice
  const words = pick(null, '', '井盖', '暴露垃圾', '其他', '\u0000', '(.*)+[', '店外经营和暴露垃圾', 'x'.repeat(5000))
  const code = pick(null, '', '0102', '3210020103', '3210020102000007', '９９', '-1', '\u{1F6A8}')
  return form(subject, {
    deviceTime: someTime(dice, nowMs),
    gps: someFix(dice, nowMs),
    cells: someCells(dice),
    purpose: pick('report', 'component-state', 'verify', 'check', 'sos', 'inspection'),
    caseKind: pick(null, 'component', 'event'),
    category: next() < 0.3 ? null : { scheme: pick(null, 'cjt214_2007', 'gbt47678_5_2026', 'x'), code, words },
    text: pick(null, words),
    componentId: pick(null, '3210020102000007', '3210020101000099', '', '__proto__'),
  })
}

function someReport(dice: Dice, index: number, nowMs: number): Report {
  const { pick, next } = dice
  const subject = pick('c1', 'c2', 'l1', 'v1', 'v2', 'v3', 'v4', 'stranger', '__proto__')
  const deviceTime = someTime(dice, nowMs)
  const kind = next() < 0.6 ? 'position' : pick('form', 'form', 'presence', 'receipt', 'malformed')
  if (kind === 'position')
    return position(subject, deviceTime, {
      gps: someFix(dice, nowMs),
      cells: someCells(dice),
      batteryPercent: someNumber(dice, 50),
    })
  if (kind === 'form') return someForm(dice, subject, nowMs)
  if (kind === 'presence') return { kind, subject, deviceTime, state: 'online', softwareVersion: null }
  if (kind === 'receipt') return { kind, subject, deviceTime, noticeId: 'n', state: 'read', detail: null }
  return { kind: 'malformed', index, code: 'DECODE_FIELD', detail: 'x' }
}

/** Everything that JSON cannot say, found anywhere inside. */
function unsayable(value: unknown, path = ''): string[] {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return [`${path} is ${value}`]
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? [`${path} is no time`] : []
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) => unsayable(inner, `${path}.${key}`))
}

/** What holds for whatever was sent; the sentences of those that do not. */
function untrue(reports: readonly Report[], found: Findings): string[] {
  const wrong = unsayable({ ...found, presences: [], receipts: [] })
  const { positions, intents, answers, presences, receipts, filtered } = found
  const said = intents.filter(({ purpose }) => purpose !== 'vehicle-rule')
  const places = [...positions, ...intents.flatMap(({ location }) => location ?? [])]
  for (const { latitude, longitude } of places)
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) wrong.push(`place ${latitude}/${longitude}`)
  for (const { at, subject } of positions)
    if (!(at.getUTCFullYear() > 2000) || subject === '') wrong.push(`position of "${subject}" at ${at}`)
  for (const { occurredAt } of [...intents, ...answers])
    if (!(new Date(occurredAt.at).getUTCFullYear() > 2000)) wrong.push(`occurred at ${occurredAt.at}`)
  const count = (kind: Report['kind']) => reports.filter((report) => report.kind === kind).length
  if (positions.length + filtered.length !== count('position'))
    wrong.push('a position is neither accepted nor filtered')
  if (said.length + answers.length !== count('form')) wrong.push('a form is neither an intent nor an answer')
  if (presences.length !== count('presence') || receipts.length !== count('receipt')) wrong.push('a report got lost')
  for (const { index, detail } of filtered)
    if (reports[index]?.kind !== 'position' || detail === '') wrong.push(`report ${index} is filtered: "${detail}"`)
  if (new Set(filtered.map(({ index }) => index)).size !== filtered.length) wrong.push('a report is filtered twice')
  return wrong
}

t.test('whatever is sent: nothing throws, nothing is lost, and no number is nonsense', async (t) => {
  let accepted = 0
  let refused = 0
  let fired = 0
  for (let seed = 1; seed <= 40; seed++) {
    const dice = generator(seed)
    const stage = new Stage({ maxSpeedKmh: 2000 })
    let nowMs = morning.getTime()
    for (let n = 0; n < 50; n++) {
      nowMs += Math.floor(dice.next() * 120_000)
      const count = Math.floor(dice.next() * 5)
      const reports = Array.from({ length: count }, (_, index) => someReport(dice, index, nowMs))
      const before = new Map(
        [...stage.memories].map(([subject, memory]) => [subject, [memory, JSON.stringify(memory)] as const]),
      )
      const found = stage.take(new Date(nowMs), ...reports)
      const wrong = [...untrue(reports, found), ...[...stage.memories.values()].flatMap((memory) => unsayable(memory))]
      for (const [memory, text] of before.values())
        if (JSON.stringify(memory) !== text) wrong.push('an old memory was changed')
      if (wrong.length > 0) return t.strictSame(wrong, [], `seed ${seed}, message ${n}: ${JSON.stringify(reports)}`)
      accepted += found.positions.length
      refused += found.filtered.length
      fired += found.intents.filter(({ purpose }) => purpose === 'vehicle-rule').length
    }
  }
  t.ok(accepted > 200 && refused > 200 && fired > 3, `${accepted} accepted, ${refused} filtered, ${fired} fired`)
})

t.test('what is remembered of a subject stays small, however long it reports', async (t) => {
  const stage = new Stage()
  for (let i = 0; i < 500; i++) {
    const at = new Date(morning.getTime() + i * 10_000)
    stage.take(at, position('v1', at, { gps: gps(middle(i % 5, i % 7)) }))
  }
  t.ok(JSON.stringify(stage.memory('v1')).length < 1500, `${JSON.stringify(stage.memory('v1')).length} characters`)
})

t.test('the same messages in the same order give the same findings and memories', async (t) => {
  const run = () => {
    const dice = generator(99)
    const stage = new Stage()
    const found = Array.from({ length: 60 }, (_, n) => {
      const nowMs = morning.getTime() + n * 60_000
      return stage.take(new Date(nowMs), someReport(dice, 0, nowMs))
    })
    return JSON.stringify([found, [...stage.memories]])
  }
  t.equal(run(), run())
  t.ok(smallCity.vehicleRules.length > 0)
})
