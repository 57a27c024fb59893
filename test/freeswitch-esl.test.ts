import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import { FrameReader, frame } from '../adapters/freeswitch/esl-frame.ts'
import type { CallReport } from '../gateway/report.ts'
import { type Pbx, type PbxSetup, startPbx } from '../simulators/freeswitch-pbx.ts'
import { legsOf, type Stage, stage } from './freeswitch-stage.ts'

type Given = Partial<Parameters<typeof freeswitchEsl.options.parse>[0] & object>

async function linked(t: Test, given: Given = {}, setup: Partial<PbxSetup> = {}): Promise<{ pbx: Pbx; stood: Stage }> {
  const pbx = await startPbx({ eslPort: 0, cdr: null, ...setup })
  t.teardown(() => pbx.stop())
  const options = freeswitchEsl.options.parse({ port: pbx.eslPort, password: 'ClueCon', ...given })
  return { pbx, stood: await stage(t, freeswitchEsl, options) }
}

const down = ({ model }: Stage) => model.until('the link is down', () => model.links.at(-1)?.state === 'down')
const lastReason = ({ model }: Stage) => {
  const last = model.links.at(-1)
  return last?.state === 'down' ? last.reason : null
}

for (const format of ['json', 'plain'] as const)
  t.test(`a call is told while it happens, and ends as its record says (${format})`, async (t) => {
    const { pbx, stood } = await linked(t, { format })
    const cdrs = await stage(t, freeswitchCdr, freeswitchCdr.options.parse({ exchange: 'pbx' }))
    await cdrs.adapter.start()
    const recording = await startPbx({ eslPort: null, cdr: { url: cdrs.url } })
    t.teardown(() => recording.stop())
    await stood.adapter.start()
    // The same seed: the two exchanges make the same calls with the same ids.
    const outcomes = ['answered', 'refused', 'busy', 'no-answer', 'abandoned', 'menu'] as const
    const startedAt = new Date('2026-11-24T02:00:00Z')
    for (const outcome of outcomes) {
      await pbx.call({ outcome, startedAt, digits: '12#' })
      await recording.call({ outcome, startedAt, digits: '12#' })
    }
    await stood.model.until('all came', () => stood.model.stored.size === pbx.tally.eventsSent)
    const live = stood.reports()
    t.equal(live.filter(({ digit }) => digit !== null).length, 18)
    const merged = legsOf(live)
    const recorded = legsOf(cdrs.reports())
    t.equal(merged.size, pbx.tally.legs)
    t.strictSame([...merged.keys()].sort(), [...recorded.keys()].sort())
    const plain = ({ digit: _digit, heard: _heard, deviceTime: _at, ...report }: CallReport) => report
    for (const [leg, report] of merged) {
      const other = recorded.get(leg)
      t.ok(other !== undefined)
      if (other !== undefined) t.strictSame(plain(report), plain(other))
    }
    const keys = live.filter(({ digit }) => digit !== null).slice(0, 3)
    t.equal(
      keys
        .sort((a, b) => ((a.digit?.order ?? '') < (b.digit?.order ?? '') ? -1 : 1))
        .map(({ digit }) => digit?.key)
        .join(''),
      '12#',
    )
  })

t.test('a wrong password, a closed door and a far end that says nothing are no link', async (t) => {
  const wrong = await linked(t, { password: 'guess' })
  await t.rejects(wrong.stood.adapter.start(), /the password was refused: "-ERR invalid"/)
  await wrong.stood.adapter.stop()

  const rude = await linked(t)
  rude.pbx.esl.rude = true
  await t.rejects(rude.stood.adapter.start(), /does not let this address in: "Access Denied/)

  const mute = await linked(t, { connectWithin: '50ms' })
  mute.pbx.esl.silent = true
  await t.rejects(mute.stood.adapter.start(), /no answer in time/)
  await mute.stood.adapter.stop()
  mute.pbx.esl.silent = false
  await mute.stood.adapter.start()
  t.equal(mute.stood.model.links.at(-1)?.state, 'connected')

  const nobody = await linked(t)
  await nobody.pbx.stop()
  await t.rejects(nobody.stood.adapter.start(), /ECONNREFUSED/)
})

t.test('a link that stalls is asked, and is down when it does not answer', async (t) => {
  const { pbx, stood } = await linked(t, { quietAfter: '30ms' })
  await stood.adapter.start()
  const asked = () => pbx.esl.commands.filter((command) => command === 'api status').length
  await stood.model.until('it was asked twice, and lives', () => asked() >= 2)
  t.equal(stood.model.links.at(-1)?.state, 'connected')
  pbx.esl.silent = true
  await down(stood)
  t.equal(lastReason(stood), 'silent for too long')
})

t.test('half an event and garbage end the link, as dead letters', async (t) => {
  const { pbx, stood } = await linked(t)
  const cases: [string, string | Uint8Array, RegExp][] = [
    ['half an event', 'Content-Length: 500\nContent-Type: text/event-json\n\n{"Event-Name":"CHAN', /closed/],
    ['garbage', `\x16\x03\x01 no header at all ${'x'.repeat(50)}\n\n`, /no header line/],
    ['headers without end', 'a: b\n'.repeat(200_000), /bytes of headers/],
    ['a length that is none', 'Content-Length: -5\nContent-Type: text/event-json\n\n', /Content-Length "-5"/],
    [
      'a length beyond all sense',
      'Content-Length: 99999999999\nContent-Type: text/event-json\n\n',
      /Content-Length 9999/,
    ],
  ]
  for (const [what, bytes, reason] of cases) {
    await stood.adapter.start()
    const dead = stood.model.deadLetters
    pbx.esl.write(bytes)
    if (what === 'half an event') pbx.esl.cut('')
    await down(stood)
    t.match(lastReason(stood), reason, what)
    await stood.adapter.stop()
    t.equal(stood.model.deadLetters, dead + 1, what)
  }
  await stood.adapter.start()
  await pbx.call({})
  await stood.model.until('the next call came', () => stood.model.good === pbx.tally.eventsSent)
})

t.test('an event of a megabyte is passed over, and the link goes on', async (t) => {
  const { pbx, stood } = await linked(t, { maxEvent: '64KiB' })
  await stood.adapter.start()
  pbx.esl.write(frame({ 'Content-Type': 'text/event-json' }, `{"Event-Name":"CUSTOM","x":"${'y'.repeat(1_000_000)}"}`))
  await pbx.call({})
  await stood.model.until('the next call came', () => stood.model.good === pbx.tally.eventsSent)
  t.equal(stood.model.deadLetters, 1)
  t.equal(stood.model.links.at(-1)?.state, 'connected')
})

t.test('calls that are going on are known after a link was made', async (t) => {
  const { pbx, stood } = await linked(t)
  const started = pbx.call({ caller: '13812345678', seat: '8001', startedAt: new Date('2026-11-24T02:00:00Z') })
  const course = await started
  pbx.esl.channels = () => [
    {
      uuid: course.uuid,
      direction: 'inbound',
      created_epoch: '1795000000',
      cid_num: '13812345678',
      dest: '5000',
      initial_dest: '12319',
      call_uuid: course.uuid,
    },
    {
      uuid: 'b',
      direction: 'outbound',
      created_epoch: '1795000005',
      cid_num: '13812345678',
      dest: '8001',
      call_uuid: course.uuid,
    },
    { direction: 'inbound' },
  ]
  await stood.adapter.start()
  await stood.model.until('the list came', () => stood.model.stored.size === 1)
  t.equal(stood.model.deadLetters, 1)
  t.match(stood.reports(), [
    {
      call: course.uuid,
      leg: course.uuid,
      called: '12319',
      caller: 'tel:+8613812345678',
      startedAt: new Date(1.795e12),
      ending: null,
    },
    { call: course.uuid, leg: 'b', called: null, seat: '8001' },
  ])
})

t.test('a far end that dropped events says so, and they are counted', async (t) => {
  const { pbx, stood } = await linked(t)
  await stood.adapter.start()
  pbx.esl.cut('killed listener because of lost events\n')
  await down(stood)
  t.strictSame(stood.refused, ['live events that the exchange dropped'])
  t.match(lastReason(stood), /killed listener/)
})

t.test('while too much is being stored the link is not read, and nothing is lost', async (t) => {
  const { pbx, stood } = await linked(t, { window: 4, quietAfter: '20ms' })
  await stood.adapter.start()
  stood.model.hold()
  // More than what the sockets of both sides hold.
  for (let i = 0; i < 2000; i++) await pbx.call({ digits: '' })
  t.ok(stood.model.waiting < pbx.tally.eventsSent / 4, `${stood.model.waiting} of ${pbx.tally.eventsSent} were read`)
  stood.model.letGo()
  await stood.model.until('all came', () => stood.model.stored.size === pbx.tally.eventsSent)
  t.equal(stood.model.links.at(-1)?.state, 'connected')
})

t.test('what the store does not take is offered again, then counted, and the link is made anew', async (t) => {
  const { pbx, stood } = await linked(t)
  await stood.adapter.start()
  let refusals = 0
  stood.model.refuse = () => refusals++ % 2 === 0
  await pbx.call({})
  await stood.model.until('all came', () => stood.model.stored.size === pbx.tally.eventsSent)
  t.strictSame(stood.refused, [])
  stood.model.refuse = () => true
  await pbx.call({ digits: '', outcome: 'menu' })
  await down(stood)
  await stood.adapter.stop()
  t.ok(
    stood.refused.length > 0 && stood.refused.every((reason) => reason === 'a live event that the store did not take'),
  )
})

t.test('frames are the same however the bytes are cut', async (t) => {
  const bytes = Buffer.concat([
    frame({ 'Content-Type': 'auth/request' }),
    Buffer.from('\n\r\nContent-Type: command/reply\r\nReply-Text: +OK accepted\r\n\r\n'),
    frame({ 'Content-Type': 'text/event-json' }, '{"Event-Name":"X"}\n\n'),
    frame({ 'Content-Type': 'text/event-plain' }, 'a'.repeat(300)),
    frame({ 'Content-Type': 'api/response' }, '井盖'),
  ])
  const read = (size: number) => {
    const reader = new FrameReader(200)
    const frames: string[] = []
    for (let at = 0; at < bytes.length; at += size)
      for (const { headers, body, cutFrom } of reader.push(bytes.subarray(at, at + size)))
        frames.push(`${[...headers].join('|')} ${body.toString()} ${cutFrom}`)
    return frames
  }
  const whole = read(bytes.length)
  t.equal(whole.length, 5)
  t.match(whole[3], / a{200} 300$/)
  for (const size of [1, 2, 3, 7, 64]) t.strictSame(read(size), whole)
})

t.test('the simulated Event Socket answers a plain client', async (t) => {
  const pbx = await startPbx({ eslPort: 0, cdr: null })
  t.teardown(() => pbx.stop())
  const socket = connect(pbx.eslPort ?? 0, '127.0.0.1')
  let heard = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('event plain ALL\n\nauth ClueCon\n\nnonsense\n\nexit\n\n')
  await closed
  t.match(
    heard,
    /auth\/request[\s\S]*-ERR command not found[\s\S]*\+OK accepted[\s\S]*-ERR[\s\S]*\+OK bye[\s\S]*disconnect-notice/,
  )
})

t.test('stopping while the far end is still to answer leaves nothing behind', async (t) => {
  const held = createServer(() => {})
  await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve))
  const { port } = held.address() as AddressInfo
  const stood = await stage(t, freeswitchEsl, freeswitchEsl.options.parse({ port, password: 'x' }))
  const starting = stood.adapter.start()
  await stood.adapter.stop()
  await t.rejects(starting, /the gateway is stopping/)
  await new Promise((resolve) => held.close(resolve))
})

t.test('what the live events lost the records tell, and the exchange knows what it lost', async (t) => {
  const { pbx: unused, stood } = await linked(t)
  await unused.stop()
  const cdrs = await stage(t, freeswitchCdr, freeswitchCdr.options.parse({ exchange: 'pbx' }))
  await cdrs.adapter.start()
  const pbx = await startPbx({ eslPort: unused.eslPort, cdr: { url: cdrs.url }, loseEvents: 0.3, loseCdrs: 0.1 })
  t.teardown(() => pbx.stop())
  await stood.adapter.start()
  const courses = []
  for (let i = 0; i < 40; i++) courses.push(await pbx.call({}))
  await stood.model.until('all came', () => stood.model.stored.size === pbx.tally.eventsSent)
  t.ok(pbx.tally.eventsLost > 50 && pbx.tally.cdrsLost > 0)
  t.equal(cdrs.model.stored.size, pbx.tally.legs - pbx.tally.cdrsLost)
  const live = legsOf(stood.reports())
  const unended = [...live.values()].filter(({ endedAt }) => endedAt === null)
  t.ok(unended.length > 0, 'some never ended, as far as the live events tell')
  const known = legsOf([...stood.reports(), ...cdrs.reports()])
  const legs = courses.flatMap(({ uuid, seatUuid }) => [uuid, ...(seatUuid === null ? [] : [seatUuid])])
  t.strictSame([...known.keys()].sort(), legs.sort())
  for (const { call, leg } of known.values())
    t.ok(courses.some(({ uuid, seatUuid }) => call === uuid && (leg === uuid || leg === seatUuid)))
})
