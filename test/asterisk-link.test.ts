import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startPbx } from '../simulators/asterisk-pbx.ts'
import { amiStage, type Shelf, secretWord, until } from './asterisk-stage.ts'

/** The link's bad days, against the simulated exchange and against bare sockets. */

async function pbxOf(t: Test, setup: Partial<Parameters<typeof startPbx>[0]> = {}) {
  const started = await startPbx({ secret: secretWord, ...setup })
  t.teardown(() => started.pbx.stop())
  return started
}

/** A far end that answers the login by rote and then says what the test wants. */
async function bare(t: Test, first: string): Promise<{ port: number; socket: () => Socket }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(first)
    socket.on('data', (chunk) => {
      const id = /ActionID: (\S+)/.exec(String(chunk))?.[1]
      if (/Action: Login/.test(String(chunk))) socket.write(`Response: Success\r\nActionID: ${id}\r\n\r\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    socket: () => {
      const last = sockets.at(-1)
      if (last === undefined) throw new Error('nobody came')
      return last
    },
  }
}

const banner = 'Asterisk Call Manager/5.0.4\r\n'
const down = (links: readonly { state: string }[]) => links.some(({ state }) => state === 'down')
const endings = (shelf: Shelf) =>
  shelf.calls.flatMap(({ ending, heard }) => (ending === null || heard === 'live' ? [] : [ending]))

t.test('calls of every ending: the tallies of both sides are equal', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, shelf, links } = amiStage(t, { port })
  await adapter.start()
  t.match(links, [{ state: 'connected' }])
  const kinds = ['answered', 'busy', 'refused', 'no-answer', 'abandoned', 'failed'] as const
  for (let n = 0; n < 60; n++)
    pbx.call({ from: `138001380${10 + n}`, to: '1231901', seat: '8001', ending: kinds[n % 6] ?? 'busy', digits: '12' })
  await until('all CDRs are here', () => shelf.count('cdr:') === 60)
  t.same(
    { calls: pbx.tally.calls, cdrs: pbx.tally.cdrs, dropped: pbx.tally.dropped },
    { calls: 60, cdrs: 60, dropped: 0 },
  )
  t.equal(new Set(shelf.calls.map(({ call }) => call)).size, 60)
  t.equal(shelf.calls.filter(({ digit }) => digit !== null).length, 120)
  t.equal(endings(shelf).length, 60)
  const live = (ending: string) =>
    shelf.calls.filter((one) => one.heard === 'live' && one.leg !== one.call && one.ending === ending).length
  t.same([live('answered'), live('busy'), live('refused'), live('failed')], [10, 10, 10, 10], 'seats, live')
  t.equal(shelf.calls.filter(({ heard, ending }) => heard === 'live' && ending === 'abandoned').length, 10)
  t.same(shelf.dead, [])
})

t.test('a secret that is wrong is refused, in the words of the exchange', async (t) => {
  const { port } = await pbxOf(t)
  for (const login of ['md5', 'plain']) {
    const { adapter, links } = amiStage(t, { port, login, secret: 'wrong' })
    await t.rejects(adapter.start(), {
      code: 'LINK_CONNECT',
      message: /the login was refused: .*Authentication failed/,
    })
    t.same(links, [])
  }
  const { adapter } = amiStage(t, { port, login: 'plain' })
  await adapter.start()
})

t.test('what is no manager interface is none', async (t) => {
  const ssh = await bare(t, 'SSH-2.0-OpenSSH_9.2\r\n')
  await t.rejects(amiStage(t, { port: ssh.port }).adapter.start(), { message: /no manager interface: .*SSH-2.0/ })
  const mute = await bare(t, '')
  await t.rejects(amiStage(t, { port: mute.port, loginTimeout: '150ms' }).adapter.start(), { message: /in time/ })
  const half = await bare(t, 'Asterisk Call Mana')
  await t.rejects(amiStage(t, { port: half.port, loginTimeout: '150ms' }).adapter.start(), { message: /in time/ })
  const closed = amiStage(t, { port: 1 })
  await t.rejects(closed.adapter.start(), { code: 'LINK_CONNECT' })
})

t.test('a link that stalls goes down, and one that is only quiet stays', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, links } = amiStage(t, { port, pingEvery: '100ms', pingTimeout: '200ms' })
  await adapter.start()
  const began = Date.now()
  await until('some pings were answered', () => Date.now() - began > 700)
  t.notOk(down(links), 'quiet')
  pbx.stalled = true
  await until('it is down', () => down(links), 3000)
  t.match(links.at(-1), { state: 'down', reason: /silent/ })
  await adapter.stop()
  pbx.stalled = false
  await adapter.start()
  t.match(links.at(-1), { state: 'connected' }, 'and comes up again')
})

t.test('half a block at the end is a dead letter, and what came before it is there', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, shelf, links } = amiStage(t, { port })
  await adapter.start()
  pbx.call({ from: '13800138000', to: '1231901', seat: '8001', ending: 'answered' })
  await until('the call is here', () => shelf.count('cdr:') === 1)
  pbx.say(Buffer.from('Event: Hangup\r\nPrivilege: call,all\r\nChannel: PJSIP/80'))
  pbx.cut()
  await until('it is down', () => down(links))
  await until('the half is kept', () => shelf.dead.length === 1)
  t.match(shelf.dead[0], { code: 'DECODE_SYNTAX', detail: /ended within .*Event: Hangup/ })
})

t.test('ten megabytes without a newline end the link, not the gateway', async (t) => {
  const peer = await bare(t, banner)
  const { adapter, shelf, links } = amiStage(t, { port: peer.port, login: 'plain' })
  await adapter.start()
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 160; n++) peer.socket().write(Buffer.alloc(64 * 1024, 0x41))
  await until('it is down', () => down(links))
  t.match(links.at(-1), { reason: /does not end/ })
  await until('its beginning is kept', () => shelf.dead.length === 1)
  t.match(shelf.dead[0], { code: 'DECODE_TOO_LARGE' })
  t.ok((shelf.dead[0]?.raw.length ?? 1e9) <= 4096)
  t.ok(process.memoryUsage().heapUsed - before < 8 * 1024 * 1024)
})

t.test('blocks that make no sense are dead letters, and the next good one lands', async (t) => {
  const peer = await bare(t, banner)
  const { adapter, shelf } = amiStage(t, { port: peer.port, login: 'plain' })
  await adapter.start()
  const bad = [
    'Event: Newchannel\r\nno colon here\r\n\r\n',
    'Event: Newchannel\r\nChannel: PJSIP/8001-00000001\r\n\r\n',
    'Event: Hangup\r\nTimestamp: yesterday\r\nUniqueid: 1.2\r\n\r\n',
    'Event: Cdr\r\nUniqueID: 1.2\r\nStartTime: 2026-13-45 99:00:00\r\n\r\n',
    'Event: CEL\r\nEventName: HANGUP\r\nUniqueID: 1.2\r\nExtra: {"hangup\r\n\r\n',
    'just words\r\n\r\n',
    Buffer.concat([Buffer.from('Event: Newchannel\r\n'), Buffer.from([0xff, 0, 0xfe]), Buffer.from('\r\n\r\n')]),
  ]
  for (const block of bad) peer.socket().write(block)
  peer.socket().write('\r\n\r\nEvent: Hangup\r\nUniqueid: 7.8\r\nLinkedid: 7.8\r\nCause: 17\r\nChannelState: 4\r\n\r\n')
  await until('the good one landed', () => shelf.calls.some(({ leg }) => leg === '7.8'))
  t.same(
    shelf.dead.map(({ code }) => code),
    ['DECODE_SYNTAX', 'DECODE_FIELD', 'DECODE_FIELD', 'DECODE_FIELD', 'DECODE_FIELD', 'DECODE_SYNTAX', 'DECODE_SYNTAX'],
  )
  t.match(shelf.calls.at(-1), { ending: 'busy', deviceTime: null, endedAt: null, cause: '17' })
})

t.test('while the store is slow the link is not read, and nothing is lost', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, shelf, links } = amiStage(t, { port, window: 50, pingEvery: '100ms', pingTimeout: '300ms' })
  await adapter.start()
  let open = () => {}
  shelf.gate = new Promise((resolve) => {
    open = resolve
  })
  for (let n = 0; n < 300; n++) pbx.call({ from: '13800138000', to: '1231901', seat: '8001', ending: 'answered' })
  await until('the window is full', () => shelf.waiting >= 50)
  const began = Date.now()
  await until('pings would be overdue', () => Date.now() - began > 900)
  t.ok(shelf.waiting < 1000, `${shelf.waiting} under way`)
  t.notOk(down(links), 'an answer that was not read is not overdue')
  shelf.gate = null
  open()
  await until('all are here', () => shelf.count('cdr:') === 300)
})

t.test('what the store refuses is tried again until it is stored', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, shelf } = amiStage(t, { port })
  await adapter.start()
  let refusals = 0
  shelf.refuse = () => ++refusals <= 20
  for (let n = 0; n < 5; n++) pbx.call({ from: '13800138000', to: '1231901', seat: '8001', ending: 'busy' })
  await until('all are here', () => shelf.count('cdr:') === 5 && shelf.count('Hangup:') === 10)
  t.ok(refusals > 20)
})

t.test('a call that began before the link is known', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const ringing = pbx.ring({ from: '13800138000', to: '1231901', seat: '8001', ending: 'no-answer', ringS: 30 }, 20)
  const { adapter, shelf } = amiStage(t, { port })
  await adapter.start()
  await until('it is known', () => shelf.count('CoreShowChannel:') === 1)
  const shown = shelf.calls.find(({ caller }) => caller !== null)
  t.match(shown, { caller: 'tel:+8613800138000', called: '1231901', startedAt: null })
  const id = await ringing
  await until('and ends', () => shelf.calls.some((one) => one.leg === id && one.heard === 'record'))
})

t.test('an exchange that says that it is being shut down', async (t) => {
  const { pbx, port } = await pbxOf(t)
  const { adapter, links, shelf } = amiStage(t, { port })
  await adapter.start()
  pbx.call({ from: '13800138000', to: '1231901', seat: '8001', ending: 'busy' })
  await until('the call is here', () => shelf.count('cdr:') === 1)
  pbx.say(Buffer.from('Event: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: False\r\n\r\n'))
  pbx.cut()
  await until('it is down', () => down(links))
  t.match(links.at(-1), { reason: 'the exchange was shut down' })
})
