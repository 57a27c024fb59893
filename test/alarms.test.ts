import t from 'tap'
import type { City } from '../gateway/city/city.ts'
import type { AlarmReport, Attachment } from '../gateway/report.ts'
import { AlarmStage, alarm } from './alarm-stage.ts'
import { alarmRule, alarmRules, middle, smallCity } from './small-city.ts'
import { after, gps, Stage } from './triage-stage.ts'

const vmd = (phase: AlarmReport['phase'], more: Partial<AlarmReport> = {}) => alarm('cam-1', 'VMD', { phase, ...more })
const high = (phase: AlarmReport['phase'], value: string, event = 'high') =>
  alarm('level-1', event, { of: 'sensor', phase, part: 'level', detail: { value, unit: 'm' } })

const picture: Attachment = {
  name: 'p.jpg',
  mediaType: 'image/jpeg',
  claimedType: null,
  content: new Uint8Array([1]),
  sha256: 'ab',
  url: null,
}

/** What is said when, in seconds, and what comes of it: incidents, intents, and whether it still goes on. */
const scenes: readonly {
  readonly says: string
  readonly signals: readonly (readonly [atS: number, AlarmReport])[]
  readonly incidents: number
  readonly intents?: number
  readonly running?: boolean
}[] = [
  { says: 'one of once', signals: [[0, vmd('once')]], incidents: 1 },
  {
    says: 'a beginning and an end',
    signals: [
      [0, vmd('began')],
      [5, vmd('ended')],
    ],
    incidents: 1,
  },
  {
    says: 'beginnings without an end between them',
    signals: [0, 1, 2, 90].map((s) => [s, vmd('began')] as const),
    incidents: 1,
    running: true,
  },
  {
    says: 'again within the time that joins',
    signals: [
      [0, vmd('began')],
      [5, vmd('ended')],
      [60, vmd('began')],
      [65, vmd('ended')],
    ],
    incidents: 1,
  },
  {
    says: 'again after the time that joins',
    signals: [
      [0, vmd('began')],
      [5, vmd('ended')],
      [66, vmd('began')],
    ],
    incidents: 2,
    running: true,
  },
  { says: 'one that goes on and whose start was missed', signals: [[0, vmd('going-on')]], incidents: 1, running: true },
  { says: 'an end of nothing', signals: [[0, vmd('ended')]], incidents: 0 },
  {
    says: 'an end, by its id, of something whose start was missed',
    signals: [[0, vmd('ended', { occurrence: '7' })]],
    incidents: 1,
  },
  {
    says: 'an end before its beginning, by its id',
    signals: [
      [0, vmd('ended', { occurrence: '7' })],
      [1, vmd('began', { occurrence: '7' })],
    ],
    incidents: 1,
  },
  {
    says: 'an end before its beginning, by the device’s clock',
    signals: [
      [10, vmd('ended', { deviceTime: after(5) })],
      [11, vmd('began', { deviceTime: after(0) })],
    ],
    incidents: 1,
  },
  {
    says: 'an id that comes again late is no second one',
    signals: [
      [0, vmd('began', { occurrence: '7', deviceTime: after(0) })],
      [5, vmd('ended', { occurrence: '7', deviceTime: after(5) })],
      [300, vmd('began', { occurrence: '7', deviceTime: after(0) })],
      [7300, vmd('ended', { occurrence: '7' })],
    ],
    incidents: 1,
  },
  {
    says: 'an id that is used anew is a second one',
    signals: [
      [0, vmd('began', { occurrence: '7' })],
      [5, vmd('ended', { occurrence: '7' })],
      [300, vmd('began', { occurrence: '7' })],
    ],
    incidents: 2,
    running: true,
  },
  {
    says: 'two things in one scene, of which one leaves',
    signals: [
      [0, vmd('began', { occurrence: 'a' })],
      [3, vmd('began', { occurrence: 'b' })],
      [9, vmd('ended', { occurrence: 'a' })],
    ],
    incidents: 1,
    running: true,
  },
  {
    says: 'two words of one category',
    signals: [
      [0, vmd('began')],
      [1, alarm('cam-1', 'fielddetection', { phase: 'began' })],
      [3, vmd('ended')],
    ],
    incidents: 1,
    running: true,
  },
  {
    says: 'two parts of one view',
    signals: [
      [0, vmd('once', { part: 'left' })],
      [1, vmd('once', { part: 'right' })],
    ],
    incidents: 2,
  },
  {
    says: 'two cameras',
    signals: [
      [0, vmd('once')],
      [0, alarm('cam-3', 'VMD')],
    ],
    incidents: 2,
  },
  {
    says: 'three of a backlog, half an hour apart',
    signals: [
      [3600, vmd('once', { deviceTime: after(0) })],
      [3600, vmd('once', { deviceTime: after(1800) })],
      [3600, vmd('once', { deviceTime: after(3600) })],
    ],
    incidents: 3,
  },
  {
    says: 'a clock that stands still in the past',
    signals: [
      [7200, vmd('once', { deviceTime: after(0) })],
      [7205, vmd('once', { deviceTime: after(0) })],
      [9000, vmd('once', { deviceTime: after(0) })],
    ],
    incidents: 2,
  },
  { says: 'a word that the city does not map', signals: [[0, alarm('cam-1', 'bark')]], incidents: 1, intents: 0 },
  { says: 'a camera whose word is none here', signals: [[0, alarm('cam-2', 'VMD')]], incidents: 1, intents: 0 },
  { says: 'a condition that held before', signals: [[0, vmd('state-on')]], incidents: 0 },
  {
    says: 'a condition that held before, goes on and ends',
    signals: [
      [0, vmd('state-on')],
      [1, vmd('going-on')],
      [2, vmd('ended', { occurrence: '1' })],
    ],
    incidents: 0,
  },
  {
    says: 'a condition that held before, and begins anew',
    signals: [
      [0, vmd('state-on')],
      [2, vmd('ended')],
      [3, vmd('began')],
    ],
    incidents: 1,
    running: true,
  },
  {
    says: 'a link that comes back while one goes on',
    signals: [
      [0, vmd('began')],
      [200, vmd('state-on')],
      [450, vmd('state-on')],
      [460, vmd('ended')],
    ],
    incidents: 1,
  },
  {
    says: 'one that moves, and sees two things',
    signals: [
      [0, vmd('once', { where: gps(middle(0, 0)) })],
      [9, vmd('once', { where: gps(middle(0, 1)) })],
      [30, vmd('once', { where: gps(middle(0, 4)) })],
    ],
    incidents: 2,
  },
]

t.test('what is said becomes so many incidents and intents', async (t) => {
  for (const { says, signals, incidents, intents, running } of scenes) {
    const stage = new AlarmStage()
    for (const [atS, report] of signals) stage.say(atS, report)
    t.equal(stage.incidents.length, incidents, `${says}: incidents`)
    t.equal(stage.intents.length, intents ?? incidents, `${says}: intents`)
    const goesOn = (stage.incidents.at(-1)?.running.length ?? 0) > 0
    t.equal(goesOn, running ?? false, `${says}: goes on`)
  }
})

t.test('an intent says what, where, when and by which incident', async (t) => {
  const stage = new AlarmStage()
  stage.say(7, alarm('cam-2', 'smoke', { deviceTime: after(2), part: 'roof', attachments: [picture] }))
  const [intent] = stage.intents
  t.match(intent, {
    purpose: 'alarm',
    kind: 'event',
    category: { scheme: 'cjt214_2007', code: '0502', zh: '店外经营', confidence: 1 },
    channel: 'mqtt',
    source: 'camera',
    location: { foundBy: 'camera', grid: '32100200100177', accuracyM: null, district: { code: '321002' } },
    occurredAt: { at: after(2).toISOString(), origin: 'device' },
    receivedAt: after(7).toISOString(),
    reporter: { kind: 'camera', id: 'cam-2', name: '2号监控点', company: null },
    component: { id: '3210020102000007', proposedState: null },
    urgency: 'emergency',
    attachments: [{ name: 'p.jpg', sha256: 'ab', sizeBytes: 1 }],
    evidence: ['m1'],
    incident: { id: stage.incidents[0]?.id, event: 'smoke', part: 'roof', value: null, unit: null },
  })
})

t.test('a place of its own beats the register, and a bad one is not taken', async (t) => {
  const moving = new AlarmStage()
  moving.say(0, alarm('cam-1', 'VMD', { where: gps(middle(1, 1)) }))
  t.match(moving.intents, [{ location: { foundBy: 'gps', grid: '32100200100111' } }])
  const bad = new AlarmStage()
  bad.say(0, alarm('cam-1', 'VMD', { where: gps({ latitude: 0, longitude: 0 }) }))
  t.match(bad.intents, [{ location: { foundBy: 'camera', grid: '32100200100133' } }])
  const stranger = new AlarmStage()
  stranger.say(0, alarm('nobody', 'VMD'))
  t.match(stranger.intents, [{ location: null, reporter: { id: 'nobody', name: null } }])
})

t.test('a clock of 1970 gets the time of receipt, with a remark, and is said once', async (t) => {
  const stage = new AlarmStage()
  for (const s of [0, 1, 2]) stage.say(s, vmd('once', { deviceTime: new Date(s * 1000) }))
  t.equal(stage.intents.length, 1)
  t.match(stage.intents[0], {
    occurredAt: { at: after(0).toISOString(), origin: 'gateway' },
    remarks: [{ reason: 'ancient-time', detail: '1970-01-01T00:00:00.000Z' }],
  })
  t.equal(stage.incidents[0]?.remarks.length, 1)
})

t.test('a repeat is filtered, and news are not', async (t) => {
  const stage = new AlarmStage()
  const reasons = [vmd('began'), vmd('began'), vmd('going-on'), vmd('ended'), vmd('ended'), vmd('state-on')].map(
    (report, s) => stage.say(s, report).filtered[0]?.reason ?? null,
  )
  t.strictSame(reasons, [null, 'repeated-alarm', 'repeated-alarm', null, 'nothing-to-end', 'state-not-alarm'])
  t.equal(new AlarmStage().say(0, vmd('ended')).filtered[0]?.reason, 'nothing-to-end')
})

t.test('what must last becomes a case when it has, by signals or by time alone', async (t) => {
  const loitering = (phase: AlarmReport['phase']) => alarm('cam-1', 'loitering', { phase })
  const short = new AlarmStage()
  short.say(0, loitering('began'))
  short.say(60, loitering('ended'))
  short.pass('cam-1', 500)
  t.equal(short.intents.length, 0)
  t.match(short.incidents, [{ cleared: { why: 'ended' }, intentId: null }])

  const repeated = new AlarmStage()
  for (const s of [0, 50, 100]) repeated.say(s, loitering('once'))
  t.equal(repeated.intents.length, 0)
  repeated.say(130, loitering('once'))
  t.equal(repeated.intents.length, 1)

  const long = new AlarmStage()
  long.say(0, loitering('began'))
  t.equal(long.pass('cam-1', 119).length, 0)
  t.match(long.pass('cam-1', 120), [{ intent: { incident: { event: 'loitering' } }, entries: [{ what: 'case' }] }])
  t.equal(long.pass('cam-1', 121).length, 0)
})

t.test('one is over when its end has stood, or when nothing is heard of it any more', async (t) => {
  const stage = new AlarmStage()
  stage.say(0, vmd('began'))
  stage.say(10, vmd('ended'))
  t.equal(stage.pass('cam-1', 69).length, 0)
  t.match(stage.pass('cam-1', 70), [{ state: { cleared: { why: 'ended' } }, entries: [{ what: 'cleared' }] }])
  stage.say(1000, vmd('began'))
  stage.say(1200, vmd('going-on'))
  t.equal(stage.pass('cam-1', 1499).length, 0)
  t.match(stage.pass('cam-1', 1500), [{ state: { cleared: { why: 'silent' } } }])
  t.equal(stage.intents.length, 2)
})

t.test('a level that rises is raised in one incident, and falls back to the level that holds', async (t) => {
  const stage = new AlarmStage()
  stage.say(0, high('began', '3.1'))
  stage.say(60, high('began', '4.2', 'very-high'))
  t.match(stage.intents, [{ source: 'sensor', urgency: 'normal', incident: { event: 'high', value: 3.1, unit: 'm' } }])
  t.match(stage.incidents, [{ event: 'very-high', urgency: 'urgent', value: 4.2 }])
  t.same(stage.lines, ['opened', 'case', 'raised', 'signals 1'])
  stage.say(600, high('ended', '3.8', 'very-high'))
  t.match(stage.incidents, [{ event: 'high', value: 3.8, cleared: null }])
  stage.say(900, high('ended', '2.5'))
  stage.pass('level-1', 911)
  t.match(stage.incidents, [{ cleared: { why: 'ended' }, value: 2.5 }])
  t.equal(stage.intents.length, 1)
})

t.test('a thing that is taken for another, by its id, becomes a case when that other is one', async (t) => {
  const stage = new AlarmStage()
  stage.say(0, alarm('cam-1', 'bark', { phase: 'began', occurrence: '7' }))
  stage.say(5, alarm('cam-1', 'smoke', { phase: 'going-on', occurrence: '7' }))
  t.match(stage.incidents, [{ event: 'smoke', flags: [], category: { code: '0502' }, urgency: 'emergency' }])
  t.match(stage.intents, [{ urgency: 'emergency', incident: { event: 'smoke' } }])
  stage.say(9, alarm('cam-1', 'bark', { phase: 'ended', occurrence: '7' }))
  t.match(stage.incidents, [{ event: 'smoke', running: [] }])
})

t.test('one that goes on for too long is flagged as stuck, once', async (t) => {
  const stage = new AlarmStage()
  for (let s = 0; s <= 7200; s += 60) stage.say(s, vmd('going-on'))
  t.match(stage.incidents, [{ flags: ['stuck'], signals: 121 }])
  t.equal(stage.changes.flatMap(({ entries }) => entries).filter(({ what }) => what === 'flagged').length, 1)
})

t.test('one that comes again and again without a pause is stuck, too', async (t) => {
  const stage = new AlarmStage()
  for (let s = 0; s <= 3660; s += 30) stage.say(s, vmd('once'))
  t.match(stage.incidents, [{ flags: ['stuck'] }])
  const quiet = new AlarmStage()
  quiet.say(0, vmd('once'))
  quiet.pass('cam-1', 9999)
  t.match(quiet.incidents, [{ flags: [], cleared: { why: 'ended' } }])
})

t.test('a device that says for ever that all is well keeps nothing open', async (t) => {
  const stage = new AlarmStage()
  stage.say(0, vmd('began'))
  for (let s = 5; s <= 100; s += 5) stage.say(s, vmd('ended'))
  t.match(stage.incidents, [{ cleared: { why: 'ended' }, signals: 2 }])
})

t.test('a camera that alarms 200 times a second has one incident, a flag and few lines', async (t) => {
  const stage = new AlarmStage()
  for (let i = 0; i < 200 * 120; i++)
    stage.say(i / 200, vmd(i % 2 === 0 ? 'began' : 'ended', { attachments: [picture] }))
  t.equal(stage.intents.length, 1)
  t.match(stage.incidents, [{ flags: ['chattering'], signals: 24_000, cleared: null }])
  t.ok(stage.lines.length < 12, stage.lines.join(', '))
  t.ok(JSON.stringify(stage.memory('cam-1')).length < 3000)
})

t.test('a device that says something else every time keeps a memory of a bounded size', async (t) => {
  const stage = new AlarmStage()
  const long = 'x'.repeat(5000)
  for (let i = 0; i < 3000; i++) {
    const part = `${i} ${long}`
    stage.say(i / 100, vmd('began', { part, occurrence: part, detail: { [part]: part } }))
    stage.say(i / 100, alarm('cam-1', `${part}`, { phase: 'state-on' }))
  }
  t.ok(stage.incidents.length <= 42, `${stage.incidents.length} incidents`)
  t.ok(JSON.stringify(stage.memory('cam-1')).length < 200_000)
})

t.test('a picture finds its incident, even when that is over, and begins nothing', async (t) => {
  const stage = new AlarmStage()
  const asked = stage.say(0, vmd('once', { snapshot: 'http://cam/1.jpg' }))
  const id = stage.incidents[0]?.id ?? ''
  t.match(asked.snapshots, [{ incidentId: id, subject: 'cam-1', snapshot: 'http://cam/1.jpg' }])
  t.equal(stage.say(1, vmd('once', { snapshot: 'http://cam/2.jpg' })).snapshots.length, 0, 'asked for once')
  stage.pass('cam-1', 500)
  stage.say(4000, vmd('going-on', { attachments: [picture] }))
  t.match(stage.incidents, [{ attachments: [{ sha256: 'ab' }], cleared: { why: 'ended' } }])
  t.equal(stage.lines.at(-1), 'picture')

  const named = new AlarmStage()
  named.say(0, vmd('once', { snapshot: 'http://cam/1.jpg' }))
  named.say(
    0,
    alarm('cam-1', 'snapshot', { occurrence: named.incidents[0]?.id ?? '', phase: 'going-on', attachments: [picture] }),
  )
  t.match(named.incidents, [{ attachments: [{ sha256: 'ab' }], running: [], signals: 1 }])
  const none = new AlarmStage().say(0, alarm('cam-2', 'VMD', { snapshot: 'http://cam/1.jpg' }))
  t.equal(none.snapshots.length, 0, 'no picture of what is no case')
})

t.test('the most specific rule holds, and a city that changes it changes what comes next', async (t) => {
  const city = (...rules: ReturnType<typeof alarmRule>[]): City => ({ ...smallCity, alarmRules: rules })
  const stage = new Stage({}, city(alarmRule('cam-1', 'V*', { urgency: 'urgent' }), ...alarmRules))
  t.match(stage.take(after(0), vmd('once')).intents, [{ urgency: 'urgent' }])
  t.match(stage.take(after(0), alarm('cam-3', 'VMD')).intents, [{ urgency: 'normal' }])
  const none = new Stage({}, city())
  t.match(none.take(after(0), vmd('once')).incidents, [{ state: { flags: ['unmapped'] } }])
  const part = new Stage({}, city(alarmRule('*', '*', { part: 'gate' })))
  t.equal(part.take(after(0), vmd('once', { part: 'gate' }), vmd('once')).intents.length, 1)
})
