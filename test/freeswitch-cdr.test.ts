import t from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { type CdrWrapping, wrapCdr, writeJsonCdr, writeXmlCdr } from '../adapters/freeswitch/cdr-write.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { CallReport, Report } from '../gateway/report.ts'
import { courseOf } from '../simulators/freeswitch-call.ts'
import { startPbx } from '../simulators/freeswitch-pbx.ts'
import { legsOf, stage } from './freeswitch-stage.ts'

const options = freeswitchCdr.options.parse({ timeZone: 'Asia/Shanghai' })
const receivedAt = new Date('2026-11-25T04:00:00Z')

function decode(body: string | Buffer, given = options): Report[] {
  const envelope = { exchange: 'pbx' }
  return freeswitchCdr.decode({ key: '', raw: Buffer.from(body as string), envelope, receivedAt }, given)
}

function only(body: string | Buffer, given = options): CallReport {
  const [report] = decode(body, given)
  if (report?.kind !== 'call') throw new Error('no report of a call')
  return report
}

function codeOf(body: string | Buffer): string {
  try {
    decode(body)
    return 'none'
  } catch (error) {
    return error instanceof GatewayError ? error.code : 'another error'
  }
}

let next = 0
const making = { coreUuid: 'core', uuid: () => `u-${++next}`, sequence: () => ++next }
const plan = {
  caller: '13812345678',
  dnis: '12319',
  seat: '8001',
  digits: '12#',
  outcome: 'answered' as const,
  startedAt: new Date('2026-11-24T02:00:00.250Z'),
  ringS: 5,
  talkS: 60,
}
const json = (variables: Record<string, string>, more: Record<string, unknown> = {}) =>
  JSON.stringify({ variables: { uuid: 'a', direction: 'inbound', ...variables }, ...more })

t.test('every way the modules write one record says the same, and has the same key', async (t) => {
  const { records } = courseOf(plan, making)
  const stood = await stage(t, freeswitchCdr, options)
  await stood.adapter.start()
  for (const cdr of records) {
    const encoded = writeJsonCdr(cdr, true)
    const xml = writeXmlCdr(cdr)
    const wanted = only(writeJsonCdr(cdr, false))
    const bodies: [string, CdrWrapping][] = [
      [encoded, 'json'],
      [encoded, 'form'],
      [encoded, 'json-form'],
      [encoded, 'base64'],
      [writeJsonCdr(cdr, false), 'json-form'],
      [xml, 'textxml'],
      [xml, 'form'],
      [xml, 'base64'],
      [xml, 'plaintext'],
    ]
    for (const [record, wrapping] of bodies)
      t.strictSame(only(wrapCdr(record, wrapping).body), wanted, `${wrapping} of ${record.slice(0, 20)}`)
    t.strictSame(only(`cdr=${encodeURIComponent(xml).replaceAll('%20', '+')}`), wanted, 'posted by hand, spaces as +')
    const keys = stood.model.stored.size
    for (const wrapping of ['json', 'form', 'base64'] as const)
      await fetch(stood.url, { method: 'POST', ...wrapCdr(encoded, wrapping) })
    t.equal(stood.model.stored.size, keys + 1)
  }
})

t.test('a call is an A-leg and a leg to the seat, joined', async (t) => {
  const { uuid, seatUuid, records } = courseOf(plan, making)
  const [seat, caller] = records.map((cdr) => only(writeXmlCdr(cdr)))
  t.match(caller, {
    subject: 'tel:+8613812345678',
    exchange: 'pbx',
    call: uuid,
    leg: uuid,
    heard: 'record',
    direction: 'inbound',
    caller: 'tel:+8613812345678',
    called: '12319',
    seat: '8001',
    digits: '12#',
    startedAt: new Date('2026-11-24T02:00:00.250Z'),
    // Menu of 4 s, 5 s of ringing: the exchange's own answer after half a second is not the seat's.
    answeredAt: new Date('2026-11-24T02:00:09.250Z'),
    endedAt: new Date('2026-11-24T02:01:09.250Z'),
    ending: 'answered',
    cause: 'NORMAL_CLEARING',
    recording: null,
  })
  t.match(seat, {
    call: uuid,
    leg: seatUuid,
    direction: null,
    caller: 'tel:+8613812345678',
    called: null,
    seat: '8001',
    digits: null,
    ringingAt: new Date('2026-11-24T02:00:04.250Z'),
    answeredAt: new Date('2026-11-24T02:00:09.250Z'),
    ending: 'answered',
    recording: `/recordings/2026-11-24/${uuid}.wav`,
  })
})

t.test('how a leg ended is told by cause, queue and who hung up', async (t) => {
  const table: [Record<string, string>, CallReport['ending']][] = [
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '1' }, 'answered'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '0', sip_hangup_disposition: 'recv_cancel' }, 'abandoned'],
    [{ hangup_cause: 'ORIGINATOR_CANCEL' }, 'abandoned'],
    [{ hangup_cause: 'CALL_REJECTED' }, 'refused'],
    [{ hangup_cause: 'USER_BUSY' }, 'busy'],
    [{ hangup_cause: 'NO_ANSWER' }, 'no-answer'],
    [{ hangup_cause: 'DESTINATION_OUT_OF_ORDER' }, 'failed'],
    [{ hangup_cause: 'ORIGINATOR_CANCEL', originator: 'b', answer_epoch: '0' }, 'abandoned'],
    [{ hangup_cause: 'LOSE_RACE', originator: 'b' }, 'no-answer'],
    [{ hangup_cause: 'CALL_REJECTED', originator: 'b' }, 'refused'],
    [{ hangup_cause: 'NORMAL_CLEARING', originator: 'b', answer_epoch: '5' }, 'answered'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', cc_queue: 'q', cc_cancel_reason: 'BREAK_OUT' }, 'abandoned'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', cc_queue: 'q', cc_cancel_reason: 'TIMEOUT' }, 'no-answer'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', cc_queue: 'q', cc_agent_bridged: 'true' }, 'answered'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', originate_disposition: 'CALL_REJECTED' }, 'refused'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', originate_disposition: 'USER_BUSY' }, 'busy'],
    [
      { hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', last_app: 'bridge', sip_hangup_disposition: 'recv_bye' },
      'abandoned',
    ],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '0', sip_hangup_disposition: 'send_refuse' }, 'refused'],
    [{ hangup_cause: 'NORMAL_CLEARING', answer_epoch: '5', last_app: 'bridge', last_bridge_to: 'b' }, 'answered'],
    [{ answer_epoch: '5' }, null],
  ]
  for (const [variables, ending] of table) t.equal(only(json(variables)).ending, ending, JSON.stringify(variables))
})

t.test('a stamp without a zone is read where a zone is configured', async (t) => {
  const at = (stamp: string, timeZone: string | null) =>
    only(json({ start_stamp: stamp }), freeswitchCdr.options.parse({ timeZone })).startedAt?.toISOString() ?? null
  t.equal(at('2026-11-24 10:00:00', null), null)
  t.equal(at('2026-11-24 10:00:00', 'Asia/Shanghai'), '2026-11-24T02:00:00.000Z')
  t.equal(at('2026-07-01 10:00:00', 'Europe/Berlin'), '2026-07-01T08:00:00.000Z')
  t.equal(only(json({ start_stamp: '2026-11-24 10:00:00', start_epoch: '1795000000' })).startedAt?.getTime(), 1.795e12)
  t.equal(codeOf(json({ start_stamp: '2026-02-30 10:00:00' })), 'DECODE_FIELD')
  t.equal(codeOf(json({ end_epoch: '-5' })), 'DECODE_FIELD')
  t.equal(only(json({ answer_epoch: '0', answer_uepoch: '0' })).answeredAt, null)
})

t.test('after a transfer the number that was dialled is the first one', async (t) => {
  const profile = (destination: string) => ({
    caller_profile: { caller_id_number: '051487654321', destination_number: destination, uuid: 'a' },
    times: { created_time: destination === '12319' ? '1795000000000000' : '1795000009000000' },
  })
  const report = only(json({}, { callflow: [profile('5000'), profile('12319')] }))
  t.equal(report.called, '12319')
  t.equal(report.caller, 'tel:+8651487654321')
  t.equal(report.startedAt?.getTime(), 1.795e12)
})

t.test('who withholds their number has none, and a seat that dials has no direction', async (t) => {
  const report = only(json({ caller_id_number: 'anonymous', sip_authorized: 'true' }))
  t.match(report, { caller: null, subject: 'call:pbx/a', direction: null })
  t.equal(only(json({ sip_authorized: 'true', call_direction: 'local' })).direction, 'internal')
})

t.test('names in GBK, escaped or bare, are read', async (t) => {
  const gbk = Buffer.from('d6d0b9fa', 'hex')
  const seat = (body: string | Buffer) => only(body, freeswitchCdr.options.parse({ fields: { seat: ['seat'] } })).seat
  t.equal(seat(json({ seat: '%D6%D0%B9%FA' })), '中国')
  t.equal(seat(json({ seat: '%E4%B8%AD%E5%9B%BD' })), '中国')
  const bare = Buffer.concat([Buffer.from('{"variables":{"uuid":"a","seat":"'), gbk, Buffer.from('"}}')])
  t.equal(seat(bare), '中国')
  const xml = Buffer.from('<cdr><variables><uuid>a</uuid><seat>%D6%D0%B9%FA</seat></variables></cdr>')
  t.equal(seat(Buffer.concat([Buffer.from('cdr='), xml])), '中国')
})

t.test('a list of records is one message, and one that makes no sense is dead alone', async (t) => {
  const list = JSON.stringify([{ variables: { uuid: 'a' } }, { variables: {} }, 'x', { variables: { uuid: 'b' } }])
  t.strictSame(
    decode(list).map((report) => (report.kind === 'malformed' ? `${report.index} ${report.code}` : report.kind)),
    ['call', '1 DECODE_FIELD', '2 DECODE_FIELD', 'call'],
  )
})

t.test('bad bodies are dead with a reason, and the module is told that they are taken', async (t) => {
  const laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><cdr><variables><uuid>&b;</uuid></variables></cdr>'
  const bad: [string, string][] = [
    ['', 'DECODE_SYNTAX'],
    ['hello, world', 'DECODE_SYNTAX'],
    ['cdr=', 'DECODE_SYNTAX'],
    ['{"variables":', 'DECODE_SYNTAX'],
    ['{}', 'DECODE_FIELD'],
    [laughs, 'DECODE_UNSUPPORTED'],
    [`cdr=${encodeURIComponent(laughs)}`, 'DECODE_UNSUPPORTED'],
    [`<cdr>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</cdr>`, 'DECODE_SYNTAX'],
    ['<other/>', 'DECODE_SYNTAX'],
    ['<cdr/>', 'DECODE_SYNTAX'],
    [`[${'{},'.repeat(1000)}{}]`, 'DECODE_TOO_LARGE'],
    [json({ uuid: 'u'.repeat(201) }), 'DECODE_FIELD'],
    ['<cdr><variables><direction>inbound</direction></variables></cdr>', 'DECODE_FIELD'],
  ]
  const stood = await stage(t, freeswitchCdr, freeswitchCdr.options.parse({ maxSize: '64KiB' }))
  await stood.adapter.start()
  for (const [body, code] of bad) {
    t.equal(codeOf(body), code, body.slice(0, 60))
    const answered = await fetch(stood.url, { method: 'POST', body })
    t.equal(answered.status, 200, body.slice(0, 60))
    t.match(await answered.json(), { receipt: /dead-lettered|duplicate/ })
  }
  // The module keeps on its own disk what does not fit.
  const large = await fetch(stood.url, { method: 'POST', body: 'x'.repeat(70_000) })
  t.equal(large.status, 413)
  t.equal((await fetch(stood.url, { method: 'POST', body: json({}) })).status, 200, 'the next good one lands')
  t.equal(stood.model.good, 1)
})

t.test('the exchange and the gateway count the same calls, through repeats, refusals and a stop', async (t) => {
  const stood = await stage(t, freeswitchCdr, freeswitchCdr.options.parse({ username: 'fs', password: 'word' }))
  await stood.adapter.start()
  let refusals = 0
  stood.model.refuse = () => refusals++ % 3 === 1
  const pbx = await startPbx({ eslPort: null, cdr: { url: stood.url, cred: 'fs:word', retries: 3, delayMs: 1 } })
  t.teardown(() => pbx.stop())
  const outcomes = ['answered', 'refused', 'busy', 'no-answer', 'abandoned', 'menu'] as const
  for (let i = 0; i < 30; i++) await pbx.call({ outcome: outcomes[i % outcomes.length] ?? 'answered' })
  const { tally } = pbx
  t.equal(tally.cdrsPosted, tally.legs)
  t.equal(stood.model.stored.size, tally.legs)
  const callers = [...legsOf(stood.reports()).values()].filter(({ call, leg }) => call === leg)
  t.equal(callers.length, tally.calls)
  const count = (ending: string) => callers.filter((report) => report.ending === ending).length
  t.equal(count('answered'), tally.outcomes.answered + tally.outcomes.menu)
  for (const ending of ['refused', 'busy', 'no-answer', 'abandoned'] as const)
    t.equal(count(ending), tally.outcomes[ending], ending)

  await stood.adapter.stop()
  await pbx.call({})
  t.equal(tally.cdrsOnDisk, 2, 'while the gateway stops, records stay at the exchange')
  const wrong = await startPbx({ eslPort: null, cdr: { url: stood.url, cred: 'fs:wrong', retries: 0 } })
  await stood.adapter.start()
  await wrong.call({})
  t.equal(wrong.tally.cdrsOnDisk, 2)
  t.strictSame(stood.refused, ['wrong username or password', 'wrong username or password'])
})

t.test('a record that the exchange put right is another message of the same leg', async (t) => {
  const stood = await stage(t, freeswitchCdr, options)
  await stood.adapter.start()
  for (const hangup_cause of ['USER_BUSY', 'USER_BUSY', 'CALL_REJECTED'])
    await fetch(`${stood.url}?uuid=a_a`, { method: 'POST', body: json({ hangup_cause }) })
  t.strictSame(
    stood.reports().map(({ leg, ending }) => `${leg} ${ending}`),
    ['a busy', 'a refused'],
  )
})
