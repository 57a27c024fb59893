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

t.test(
  'whatever devices say, each incident has one intent at most, and a restart at any moment changes nothing',
  async (t) => {
    const phases = ['began', 'going-on', 'ended', 'once', 'state-on'] as const
    const events = ['VMD', 'fieldx', 'smoke', 'loitering', 'odd', '__proto__', 'constructor', '', '*', 'a\nb']
    const details = [{}, { value: '3' }, { value: 'NaN', unit: 'm' }, { value: '' }, { value: '1e999' }]
    const picture = { name: null, mediaType: null, claimedType: null, content: null, sha256: null, url: 'u' }
    for (let seed = 1; seed <= 30; seed++) {
      const random = seeded(seed)
      const pick = <Each>(list: readonly Each[]): Each => list[Math.floor(random() * list.length)] as Each
      const [one, other] = [new AlarmStage(), new AlarmStage()]
      let atS = 0
      for (let i = 0; i < 300; i++) {
        atS += random() * pick([0, 1, 30, 400, 5000])
        const times = [null, after(atS - random() * 600), new Date(0), new Date(Number.NaN), after(atS + 1e9)]
        const report = alarm(pick(['cam-1', 'cam-2', 'level-1']), pick(events), {
          of: pick(['camera', 'sensor'] as const),
          phase: pick(phases),
          part: pick([null, null, 'p', '']),
          occurrence: pick([null, 'o1', 'o2', '', one.incidents.at(-1)?.id ?? null]),
          deviceTime: pick(times),
          detail: pick(details) as Record<string, string>,
          attachments: random() < 0.1 ? [picture] : [],
          snapshot: random() < 0.1 ? 'http://s' : null,
        })
        one.say(atS, report)
        other.say(atS, report)
        for (const [subject, memory] of other.stage.memories)
          other.stage.memories.set(subject, JSON.parse(JSON.stringify(memory)))
      }
      const told = one.intents.map(({ incident }) => incident?.id)
      if (new Set(told).size !== told.length) t.fail(`seed ${seed}: an incident with two intents`)
      if (JSON.stringify(one.incidents) !== JSON.stringify(other.incidents)) t.fail(`seed ${seed}: a restart matters`)
      for (const { cleared, intentId, running, category } of one.incidents) {
        if (cleared?.why === 'ended' && running.length > 0) t.fail(`seed ${seed}: over while it goes on`)
        if (category === null && intentId !== null) t.fail(`seed ${seed}: an intent of no category`)
      }
    }
    t.pass('30 seeds')
  },
)
