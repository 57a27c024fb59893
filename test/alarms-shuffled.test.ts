import t from 'tap'
import type { AlarmReport } from '../gateway/report.ts'
import { AlarmStage, alarm } from './alarm-stage.ts'
import { after } from './triage-stage.ts'

/** The same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

interface Scene {
  readonly subject: string
  readonly signals: readonly AlarmReport[]
}

const styles = ['with ids', 'without ids', 'once'] as const

/** What one camera would say of one thing in its view, for up to a minute from there on. */
function scene(subject: string, part: string, atS: number, id: string, random: () => number): Scene {
  const style = styles[Math.floor(random() * styles.length)] ?? 'once'
  const occurrence = style === 'with ids' ? id : null
  const say = (s: number, phase: AlarmReport['phase']) =>
    alarm(subject, 'VMD', { part, occurrence, phase, deviceTime: after(atS + s) })
  const steps = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => i * 15)
  if (style === 'once') return { subject, signals: steps.map((s) => say(s, 'once')) }
  const last = (steps.at(-1) ?? 0) + 10
  return { subject, signals: [say(0, 'began'), ...steps.slice(1).map((s) => say(s, 'going-on')), say(last, 'ended')] }
}

/** Some twice, some late, in any order; of each scene at least one that says that something is there. */
function garbled({ signals }: Scene, random: () => number): AlarmReport[] {
  const twice = signals.flatMap((one) => (random() < 0.4 ? [one, one] : [one]))
  const kept = twice.filter(() => random() < 0.8)
  const tells = ({ phase, occurrence }: AlarmReport) => phase !== 'ended' || occurrence !== null
  const enough = kept.some(tells) ? kept : [...kept, ...signals.slice(0, 1)]
  return enough
    .map((one) => ({ one, by: random() }))
    .sort((a, b) => a.by - b.by)
    .map(({ one }) => one)
}

t.test('signals of one scene in any order, repeated and with gaps, are one incident, and none is missed', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed)
    const stage = new AlarmStage()
    const scenes = Array.from({ length: 12 }, (_, i) =>
      scene(`cam-${i % 2 === 0 ? 1 : 3}`, `p${i % 3}`, i * 1000, `o${i}`, random),
    )
    let atS = 20_000
    for (const one of scenes)
      for (const report of garbled(one, random)) {
        atS += random()
        stage.say(atS, report)
      }
    if (stage.intents.length !== scenes.length || stage.incidents.length !== scenes.length)
      t.fail(`seed ${seed}: ${stage.intents.length} intents, ${stage.incidents.length} incidents`)
  }
  t.pass('200 seeds')
})

t.test('scenes that are told all at once and mixed are told apart by the device’s clock', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed)
    const stage = new AlarmStage()
    const scenes = Array.from({ length: 6 }, (_, i) => scene('cam-1', 'p', i * 3600, `o${i}`, random))
    const all = scenes.flatMap((one) => garbled(one, random))
    const mixed = all.map((one) => ({ one, by: random() })).sort((a, b) => a.by - b.by)
    for (const { one } of mixed) stage.say(40_000, one)
    if (stage.intents.length < scenes.length) t.fail(`seed ${seed}: ${stage.intents.length} intents`)
    if (stage.intents.length > scenes.length + 2) t.fail(`seed ${seed}: ${stage.intents.length} intents of 6`)
  }
  t.pass('200 seeds')
})
