import t from 'tap'
import type { FormReport } from '../gateway/report.ts'
import { middle } from './small-city.ts'
import { after, cell, form, gps, morning, position, Stage } from './triage-stage.ts'

const here = middle(5, 5)
const year = (y: number) => new Date(Date.UTC(y, 0, 6))

t.test("a collector's report becomes an intent with everything that was said", async (t) => {
  const attachments = [
    {
      name: 'a.jpg',
      mediaType: 'image/jpeg',
      claimedType: 'image/png',
      content: new Uint8Array(7),
      sha256: 'ab',
      url: null,
    },
    { name: null, mediaType: null, claimedType: null, content: null, sha256: null, url: 'https://x/1' },
  ]
  const category = { scheme: null, code: '0103', words: null }
  const said = form('c1', {
    deviceTime: after(-5),
    gps: gps(here),
    caseKind: 'event',
    category,
    text: '桥下有渣土',
    address: '文昌路 1 号',
    number: 'R-17',
    selfHandled: true,
    attachments,
  })
  const { intents, filtered } = new Stage().take(morning, said)
  t.equal(filtered.length, 0)
  t.match(intents, [
    {
      id: 'i1',
      purpose: 'report',
      kind: 'event',
      category: { scheme: 'cjt214_2007', kind: 'event', code: '0103', zh: '积存垃圾渣土', confidence: 1 },
      channel: 'mqtt',
      source: 'collector',
      location: { ...here, system: 'wgs84', foundBy: 'gps', grid: '32100200100155', district: { code: '321002' } },
      address: '文昌路 1 号',
      occurredAt: { at: after(-5).toISOString(), origin: 'device' },
      receivedAt: morning.toISOString(),
      reporter: { kind: 'collector', id: 'c1', name: '王芳', company: { code: 'A', name: '甲采集公司' } },
      text: '桥下有渣土',
      number: 'R-17',
      component: null,
      selfHandled: true,
      urgency: 'normal',
      remarks: [],
      evidence: ['m1'],
      related: [],
      rule: null,
      cityVersion: '7',
    },
  ])
  t.strictSame(intents[0]?.attachments, [
    { name: 'a.jpg', mediaType: 'image/jpeg', claimedType: 'image/png', sha256: 'ab', url: null, sizeBytes: 7 },
    { name: null, mediaType: null, claimedType: null, sha256: null, url: 'https://x/1', sizeBytes: null },
  ])
})

/** What one form says, and what of its intent shows that it was understood. */
const forms: readonly [says: string, said: FormReport, intent: object][] = [
  ['an SOS is an emergency', form('c1', { purpose: 'sos' }), { purpose: 'sos', urgency: 'emergency', location: null }],
  ["a leader's inspection", form('l1', { purpose: 'inspection' }), { source: 'leader', urgency: 'urgent' }],
  ['an inspection by somebody else', form('c1', { purpose: 'inspection' }), { source: 'collector', urgency: 'normal' }],
  ["a driver's SOS", form('v1', { purpose: 'sos' }), { source: 'vehicle', reporter: { kind: 'vehicle' } }],
  [
    'a stranger',
    form('x', { text: '路灯不亮' }),
    { source: 'stranger', reporter: { kind: 'stranger', id: 'x', name: null } },
  ],
  [
    "a category with the site's emergency flag",
    form('c1', { category: { scheme: null, code: '0403', words: null } }),
    { urgency: 'emergency' },
  ],
  [
    "a component's state",
    form('c1', { purpose: 'component-state', componentId: '3210020102000007', componentState: 'lost' }),
    {
      purpose: 'component-state',
      kind: 'component',
      component: { id: '3210020102000007', proposedState: 'lost' },
      category: { code: '0102', zh: '污水井盖', kind: 'component' },
      remarks: [],
    },
  ],
  [
    'a component that the census does not have',
    form('c1', { purpose: 'component-state', componentId: '3210020101000099', componentState: 'damaged' }),
    { category: { code: '0101' }, remarks: [{ reason: 'unknown-component', detail: /3210020101000099/ }] },
  ],
  [
    'an unknown category',
    form('c1', { category: { scheme: null, code: '9999', words: null } }),
    { category: { code: null, zh: '未分类' }, kind: 'event' },
  ],
]

t.test('each kind of form becomes its intent', async (t) => {
  for (const [says, said, intent] of forms) t.match(new Stage().take(morning, said).intents, [intent], says)
})

t.test('a form is never dropped for its place: the remark says what was wrong with it', async (t) => {
  const bad = {
    'no-fix': gps(here, { valid: false }),
    'not-a-number': gps(here, { latitude: null }),
    'out-of-range': gps({ latitude: 95, longitude: 119 }),
    'null-island': gps({ latitude: 0, longitude: 0 }),
    'bad-accuracy': gps(here, { accuracyM: 9000 }),
    'ancient-time': gps(here, { fixedAt: year(1980) }),
    'future-time': gps(here, { fixedAt: year(2080) }),
  }
  for (const purpose of ['report', 'sos', 'component-state', 'inspection'] as const) {
    for (const [reason, fix] of Object.entries(bad)) {
      const alone = new Stage().take(morning, form('c1', { purpose, gps: fix }))
      t.match(alone, { intents: [{ location: null, remarks: [{ reason }] }], filtered: [] }, `${purpose}, ${reason}`)
      const withCell = new Stage().take(morning, form('c1', { purpose, gps: fix, cells: [cell(1)] }))
      t.match(withCell.intents, [{ location: { foundBy: 'cell', gps: null }, remarks: [{ reason }] }])
    }
  }
  t.strictSame(new Stage().take(morning, form('c1')).intents[0]?.remarks, [], 'saying nothing of a place is no fault')
  t.match(new Stage().take(morning, form('c1', { cells: [cell(77)] })).intents, [{ remarks: [{ reason: 'no-fix' }] }])
})

t.test('a form far from where its sender just was keeps its place, and the remark says so', async (t) => {
  const stage = new Stage()
  stage.take(morning, position('c1', morning, { gps: gps({ latitude: 33.4, longitude: 119.4 }) }))
  const { intents } = stage.take(after(10), form('c1', { deviceTime: after(10), gps: gps(here) }))
  t.match(intents, [{ location: { foundBy: 'gps' }, remarks: [{ reason: 'impossible-jump', detail: /km\/h/ }] }])
  t.equal(stage.memory('c1').last?.[1], 33.4, 'a form does not move its sender')
})

t.test('an impossible time on a form is the time of receipt, and the remark keeps what was said', async (t) => {
  const occurred = (deviceTime: Date | null) => new Stage().take(morning, form('c1', { deviceTime })).intents[0]
  const gateway = { at: morning.toISOString(), origin: 'gateway' }
  t.match(occurred(year(1980)), { occurredAt: gateway, remarks: [{ reason: 'ancient-time', detail: /^1980-/ }] })
  t.match(occurred(year(2080)), { occurredAt: gateway, remarks: [{ reason: 'future-time', detail: /^2080-/ }] })
  t.match(occurred(new Date(Number.NaN)), { occurredAt: gateway, remarks: [{ reason: 'not-a-number' }] })
  t.match(occurred(null), { occurredAt: gateway, remarks: [] })
  const monthsAgo = after(-90 * 86_400)
  t.match(occurred(monthsAgo), { occurredAt: { at: monthsAgo.toISOString(), origin: 'device' }, remarks: [] })
})

t.test('answers to verify and check orders are answers, not intents', async (t) => {
  for (const purpose of ['verify', 'check'] as const) {
    const said = form('c1', { purpose, caseNumber: 'A-1', passed: false, text: '已清', gps: gps(here) })
    const { answers, intents, filtered } = new Stage().take(morning, said)
    t.match([intents.length, filtered.length], [0, 0])
    t.match(answers, [
      {
        id: 'i1',
        purpose,
        caseNumber: 'A-1',
        passed: false,
        text: '已清',
        location: { grid: '32100200100155' },
        reporter: { kind: 'collector', id: 'c1' },
        occurredAt: { at: morning.toISOString(), origin: 'device' },
        evidence: ['m1'],
      },
    ])
  }
  const bare = new Stage().take(morning, form('c1', { purpose: 'check', gps: gps(here, { valid: false }) }))
  t.match(bare.answers, [{ caseNumber: null, passed: null, location: null, remarks: [{ reason: 'no-fix' }] }])
})

t.test('presence and receipts go through as they are', async (t) => {
  const presence = {
    kind: 'presence',
    subject: 'c1',
    deviceTime: year(2080),
    state: 'on-duty',
    softwareVersion: null,
  } as const
  const receipt = {
    kind: 'receipt',
    subject: 'c1',
    deviceTime: null,
    noticeId: 'n',
    state: 'read',
    detail: null,
  } as const
  const { presences, receipts } = new Stage().take(morning, presence, receipt)
  t.strictSame([presences, receipts], [[presence], [receipt]])
})

t.test('a form without a place has that of the component it names', async (t) => {
  const stage = new Stage()
  const said = form('c1', { purpose: 'component-state', componentId: '3210020102000007', componentState: 'lost' })
  const { intents } = stage.take(morning, said)
  const [intent] = intents
  t.match(intent?.location, { foundBy: 'component', accuracyM: 71, grid: '32100200100155', gps: null, original: null })
  t.strictSame(intent?.location?.gridAlternatives, [])
})

t.test('an SOS without a place is where its sender was last seen, the wider the longer ago', async (t) => {
  const stage = new Stage()
  stage.take(morning, position('c1', morning, { gps: gps(here) }))
  const [soon] = stage.take(after(60), form('c1', { purpose: 'sos', deviceTime: after(60) })).intents
  t.match(soon?.location, { ...here, foundBy: 'last-fix', staleS: 60, accuracyM: 100, district: { code: '321002' } })
  const [later] = stage.take(after(600), form('c1', { purpose: 'sos', deviceTime: after(600) })).intents
  t.match(later?.location, { foundBy: 'last-fix', staleS: 600, accuracyM: 910, grid: null })
  const [tooLate] = stage.take(after(3600), form('c1', { purpose: 'sos', deviceTime: after(3600) })).intents
  t.equal(tooLate?.location, null)
  const [never] = stage.take(after(3600), form('c2', { purpose: 'sos' })).intents
  t.equal(never?.location, null)
})
