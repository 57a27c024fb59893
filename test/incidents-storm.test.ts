import t from 'tap'
import type { City } from '../gateway/city/city.ts'
import type { AlarmReport, Report } from '../gateway/report.ts'
import { audit } from '../gateway/store/ledger.ts'
import { alarm } from './alarm-stage.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { alarmRule, alarmRules, middle, smallCity } from './small-city.ts'

t.setTimeout(280_000)

const many = 10_000
const cameras = Array.from({ length: 118 }, (_, i) => {
  const place = middle(Math.floor(i / 12), Math.floor((i % 12) / 1.2))
  return { id: `c-${i}`, name: `${i}号`, owner: '城管局', grid: '', component: null, ...place }
})
const words = ['VMD', 'garbage', 'loiter', 'smoke'] as const
const codes = { VMD: '0502', garbage: '0102', loiter: '0501', smoke: '0403' } as const

/** Each of the four words is a category of its own; what else the cameras say is none. */
const city: City = {
  ...smallCity,
  camera: (id) => cameras.find((one) => one.id === id) ?? null,
  alarmRules: [
    ...words.map((word) =>
      alarmRule('camera', word, { category: { scheme: 'cjt214_2007', kind: 'event', code: codes[word] } }),
    ),
    alarmRule('camera', 'shadow', { category: null }),
    ...alarmRules.filter(({ subject }) => subject !== 'camera'),
  ],
}

/** 40 things that really happen, each with everything that its camera says of it; and what says nothing. */
function storm(): { readonly key: string; readonly report: AlarmReport }[] {
  const told = Array.from({ length: many }, (_, i) => {
    const truth = i % 40
    const word = words[truth % 4] ?? 'VMD'
    const subject = `c-${truth * 2}`
    const round = Math.floor(i / 40)
    const noise = round % 5
    if (noise === 3) return alarm(`c-${(i * 7) % 118}`, 'shadow', { phase: 'once' })
    if (noise === 4) return alarm(`c-${(i * 11) % 118}`, 'odd', { phase: round % 2 === 0 ? 'ended' : 'state-on' })
    const phase = (['began', 'going-on', 'ended'] as const)[noise] ?? 'going-on'
    const occurrence = truth % 3 === 0 ? `o${truth}` : null
    // Every tenth camera believes that it is 1970.
    const deviceTime = truth % 10 === 0 ? new Date(i) : null
    return alarm(subject, word, { phase: round === 0 ? 'began' : phase, occurrence, deviceTime })
  })
  return told.map((report, i) => ({ key: `k${i}`, report }))
}

t.test('10,000 alarms of 118 cameras that are 40 incidents are 40 intents, over a restart and with repetitions', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    await pool.query('TRUNCATE message, message_key, intent, outbox, tally, device, incident CASCADE')
    const all = storm()
    const send = async (stage: IntakeStage, from: number, to: number) => {
      for (let at = from; at < to; at += 500) {
        const part = all.slice(at, Math.min(to, at + 500))
        await Promise.all(part.map(({ key, report }) => stage.say(key, report as Report)))
      }
    }
    const first = await IntakeStage.open(t, database, { how: { city } })
    await send(first, 0, 5000)
    await first.intake.stop()
    const second = await IntakeStage.open(t, database, { gateway: 'two', how: { city } })
    // What was not acknowledged before the restart comes again.
    await send(second, 4000, many)

    const intents = await prisma.intent.findMany()
    t.ok(intents.length >= 40 && intents.length <= 48, `${intents.length} intents`)
    const told = new Set(intents.map(({ reporter, categoryCode }) => `${reporter} ${categoryCode}`))
    for (let truth = 0; truth < 40; truth++) {
      const word = words[truth % 4] ?? 'VMD'
      t.ok(told.has(`c-${truth * 2} ${codes[word]}`), `incident ${truth} was told`)
    }
    const { rows } = await pool.query<{ incidents: string; lines: string; most: string }>(
      `SELECT (SELECT count(*) FROM incident) AS incidents, (SELECT count(*) FROM incident_entry) AS lines,
        (SELECT max(length(memory::text)) FROM device) AS most`,
    )
    t.ok(Number(rows[0]?.incidents) < 40 + 118 * 2, `${rows[0]?.incidents} incidents, those of no case too`)
    t.ok(Number(rows[0]?.lines) < 1500, `${rows[0]?.lines} lines of 10,000 alarms`)
    t.ok(Number(rows[0]?.most) < 20_000, `a memory of ${rows[0]?.most} characters`)
    t.strictSame((await audit(pool)).faults, [])
  }),
)
