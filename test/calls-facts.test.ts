import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { factsOf, type LegFacts } from '../gateway/calls/facts.ts'
import { joinCall } from '../gateway/calls/join.ts'
import { legOf } from '../gateway/calls/leg.ts'
import { addFacts } from '../gateway/calls/rows.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { CallReport, Report } from '../gateway/report.ts'
import { defaultLimits } from '../gateway/triage/limits.ts'
import { answeredCall, caller, piece } from './call-stage.ts'
import { smallCity } from './small-city.ts'

const receivedAt = new Date('2026-11-25T04:00:00Z')
const at = new Date('2026-11-25T03:58:00Z')
const after = (seconds: number) => new Date(at.getTime() + seconds * 1000)

function laid(reports: readonly CallReport[]): LegFacts[] {
  const legs = new Map<string, LegFacts>()
  for (const [i, report] of reports.entries()) {
    const from = { messageId: `m${i % 3}`, receivedAt, adapter: 'pbx', channel: 'call' }
    addFacts(legs, factsOf(report, from, defaultLimits))
  }
  return [...legs.values()]
}

const joined = (...reports: CallReport[]) => joinCall(laid(reports), smallCity)

/** Without what depends on how many messages it was said in. */
const said = ({ evidence: _evidence, ...call }: ReturnType<typeof joined>) => call

/** Each field of a report in a report of its own. */
function split(report: CallReport): CallReport[] {
  const { kind, exchange, call, leg, heard, subject, deviceTime, ...fields } = report
  const bare = piece(leg, { exchange, call, heard, subject, deviceTime })
  const parts = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [{ ...bare, [name]: value }]))
  return [{ ...bare, kind }, ...parts]
}

t.test('whatever the order, the repetition and the splitting of its pieces, a call is the same', async (t) => {
  const { live, records } = answeredCall('a', at)
  const odd = [
    piece('a-b', { call: 'a', seat: '8002' }),
    piece('a-b', { call: 'a-b', seat: '8001' }),
    piece('a', { call: 'a', caller: 'tel:12345', digit: { order: '10', key: '#' } }),
    piece('c', { call: 'a-b', seat: '8003', startedAt: after(70), endedAt: after(75), ending: 'refused' }),
  ]
  const pieces = [...live, ...records, ...odd]
  const expected = said(joined(...pieces))
  for (let round = 0; round < 300; round++) {
    const some = pieces.flatMap((report) => (Math.random() < 0.4 ? split(report) : [report]))
    const twice = some.flatMap((report) => (Math.random() < 0.4 ? [report, report] : [report]))
    const shuffled = twice.map((report) => ({ report, by: Math.random() })).sort((x, y) => x.by - y.by)
    const call = said(joined(...shuffled.map(({ report }) => report)))
    if (round === 0) t.strictSame(call, expected)
    else if (JSON.stringify(call) !== JSON.stringify(expected)) return t.strictSame(call, expected)
  }
  t.match(expected, { call: 'a', seat: '8001', seats: [{ seat: '8001' }, { seat: '8003', ending: 'refused' }] })
})

t.test("the record's word holds, the live one fills what it leaves out, and both are remembered", async (t) => {
  const call = joined(
    piece('a', { caller: 'tel:110', called: '12319', seat: '8002', answeredAt: after(9) }),
    piece('a', {
      heard: 'record',
      caller,
      seat: '8001',
      answeredAt: after(20),
      endedAt: after(30),
      ending: 'answered',
    }),
  )
  t.match(call, {
    caller,
    called: '12319',
    seat: '8001',
    answeredAt: after(20).toISOString(),
    heard: 'both',
    talkS: 10,
  })
  t.strictSame(call.remarks.map(({ detail }) => detail.split(':')[0]).sort(), ['answeredAt', 'caller', 'seat'])
})

t.test('digits are sorted by their order, and are none of the digits 10 before 9', async (t) => {
  const press = (order: number, key: string) => piece('a', { digit: { order: String(order), key } })
  t.equal(joined(press(10, '#'), press(9, '2'), press(2, '1')).digits, '12#')
  t.equal(joined(press(1, ' ')).digits, ' ')
  t.equal(joined(piece('a', { heard: 'record', digits: '' })).digits, '')
  t.equal(joined(piece('a')).digits, null)
})

t.test('how a whole call ended', async (t) => {
  const over = { endedAt: after(9) } as const
  const b = (ending: CallReport['ending'], more: Partial<CallReport> = {}) =>
    piece(`b${ending}`, { call: 'a', seat: '8001', ...over, ending, ...more })
  const endings = (...reports: CallReport[]) => joined(...reports).ending
  for (const [leg, whole] of [
    ...[
      ['answered', 'answered'],
      ['refused', 'refused'],
      ['no-answer', 'lost'],
    ],
    ...[
      ['abandoned', 'lost'],
      ['busy', 'busy'],
      ['failed', 'failed'],
    ],
  ] as const)
    t.equal(endings(piece('a', { call: 'a', ...over, ending: leg as CallReport['ending'] })), whole)
  const menu = piece('a', { call: 'a', answeredAt: after(1), ...over, ending: 'answered' })
  t.match(joined(menu), { ending: 'answered', talkS: 8 }, 'a menu alone')
  t.match(joined(menu, b('no-answer')), { ending: 'lost', talkS: null, answeredAt: null }, 'a menu, and no seat')
  t.equal(endings(menu, b('refused')), 'refused')
  t.equal(endings(menu, b('refused'), b('busy')), 'lost')
  t.match(joined(menu, b('refused'), b('answered', { answeredAt: after(5) })), { ending: 'answered', talkS: 4 })
  t.equal(endings(menu, b(null)), 'answered', 'what became of the seat was lost')
  t.equal(endings(piece('a', { call: 'a', heard: 'record', ...over, ending: 'no-answer' }), b('refused')), 'refused')
  t.equal(endings(piece('a', { call: 'a', ...over, ending: 'abandoned' }), b('refused')), 'lost')
  const cdr = (ending: CallReport['ending'], end: number) =>
    piece('a', { heard: 'record', ending, startedAt: after(end - 5), endedAt: after(end) })
  t.match(joined(cdr('no-answer', 9), cdr('answered', 20)), {
    ...{ ending: 'answered', startedAt: after(4).toISOString(), endedAt: after(20).toISOString(), remarks: [] },
  })
  t.equal(endings(piece('a', { call: 'a', ...over }), b('refused')), 'refused')
  t.equal(endings(piece('a', { call: 'a', ...over }), b('refused'), b('busy')), 'lost')
  t.equal(endings(piece('a', { call: 'a', ...over }), b('answered', { answeredAt: after(5) })), 'answered')
  t.equal(endings(piece('a', { call: 'a', ...over })), 'lost')
  t.equal(endings(piece('a', { call: 'a' }), b('refused')), null, 'the caller is still there')
  t.match(joined(b('answered', { answeredAt: after(5) })), { call: 'a', ending: 'answered', talkS: 4 })
})

t.test('legs that name each other in a ring are one call all the same', async (t) => {
  t.match(joined(piece('x', { call: 'y' }), piece('y', { call: 'x' })), {
    call: 'x',
    legs: [{ leg: 'x' }, { leg: 'y' }],
  })
})

t.test("a caller's leg that names the seat it reached is no seat of its own", async (t) => {
  const call = joined(
    piece('a', { call: 'a', seat: '8001', answeredAt: after(1) }),
    piece('b', { call: 'a', seat: '8001', answeredAt: after(1) }),
  )
  t.match(call.seats, [{ leg: 'b', seat: '8001' }])
  t.match(joined(piece('a', { call: 'a', seat: '8001' })).seats, [{ leg: 'a', seat: '8001' }])
})

t.test('hostile words stay words', async (t) => {
  const words = ['a b', '', '\u0000', '\ud800', '__proto__', 'x'.repeat(5000), '说 话']
  for (const word of words) {
    const [facts] = laid([
      piece(word, { exchange: word, call: word, seat: word, caller: word, recording: word, digits: word }),
    ])
    if (facts === undefined) throw new Error('no leg came of it')
    t.doesNotThrow(() => JSON.stringify(joinCall([facts], smallCity)))
    if (word.length < 100 && word.isWellFormed() && word !== '\u0000')
      t.match(legOf(facts), { seat: word, digits: word })
  }
})

t.test('calls that a real exchange told are joined', async (t) => {
  const folder = `${packageRoot}test/cases/freeswitch/`
  const reports = (name: string) =>
    [JSON.parse(readFileSync(`${folder}${name}/expected.json`, 'utf8')) as Report]
      .flat(2)
      .filter((report): report is CallReport => (report as Report).kind === 'call')
      .map(revived)
  const queue = joined(...reports('json-cdr-abandoned-in-the-queue'), ...reports('json-form-seat-refused'))
  t.match(queue, {
    ending: 'lost',
    called: '12319',
    digits: '1',
    talkS: null,
    seats: [{ seat: '8003', ending: 'refused' }],
  })
  for (const name of readdirSync(folder)) {
    const all = reports(name)
    const calls = new Set(all.map(({ call }) => call))
    for (const id of calls) {
      const call = joined(...all.filter((report) => report.call === id))
      t.ok(call.legs.length > 0 && !Number.isNaN(Date.parse(call.startedAt)), `${name}: ${id}`)
    }
  }
})

function revived(report: CallReport): CallReport {
  const date = (value: unknown) => (typeof value === 'string' ? new Date(value) : null)
  const { deviceTime, startedAt, ringingAt, answeredAt, endedAt } = report
  return {
    ...report,
    ...{ deviceTime: date(deviceTime), startedAt: date(startedAt), ringingAt: date(ringingAt) },
    ...{ answeredAt: date(answeredAt), endedAt: date(endedAt) },
  }
}
