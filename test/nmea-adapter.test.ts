import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { nmea } from '../adapters/nmea/adapter.ts'
import { encodeTagged } from '../adapters/nmea/codec.ts'
import { GatewayError } from '../gateway/errors.ts'
import { NmeaSource } from '../simulators/nmea-source.ts'
import { drive } from '../simulators/nmea-vehicle.ts'
import { HandClock, land, line, noon, Stage, until } from './nmea-stage.ts'

const fixed = { by: 'fixed', id: 'v-001' }
const server = { transport: 'tcp-server', port: 0, subject: fixed }
const epoch = (n: number) =>
  line(`GPRMC,12${String(n).padStart(4, '0')},A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,A`)
const broken = new GatewayError('STORE_UNAVAILABLE', 'the test says so')

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** How the far end closed: in order, or with a reset. */
function ending(socket: Socket): Promise<'closed' | 'reset'> {
  socket.resume()
  return new Promise((resolve) => socket.once('close', (hadError) => resolve(hadError ? 'reset' : 'closed')))
}

t.test('a quiet link ends its epoch after the silence, and not before', async (t) => {
  const stage = new Stage()
  const clock = new HandClock()
  const adapter = stage.adapter({ ...server, quietAfter: '300ms' }, clock)
  await adapter.start()
  const socket = await dial(stage.port)
  socket.write(epoch(0))
  // The second epoch shows that the first has been read.
  socket.write(epoch(1))
  await until('the first epoch is accepted', () => stage.accepted.length === 1)
  clock.pass(299)
  t.equal(stage.accepted.length, 1)
  clock.pass(1)
  t.equal(stage.accepted.length, 2)
  socket.destroy()
  await adapter.stop()
})

t.test('a connection closes in order only after everything it brought is stored', async (t) => {
  const stage = new Stage()
  let store = () => {}
  stage.answer = () => new Promise((resolve) => (store = () => resolve('stored')))
  const adapter = stage.adapter(server)
  await adapter.start()
  const socket = await dial(stage.port)
  let end: string | null = null
  const ended = ending(socket).then((how) => (end = how))
  socket.end(epoch(0))
  await until('the epoch is being stored', () => stage.accepted.length === 1)
  await (await dial(stage.port)).destroy()
  t.equal(end, null)
  store()
  t.equal(await ended, 'closed')
  await adapter.stop()
})

t.test('what cannot be stored resets its own connection and no other', async (t) => {
  const stage = new Stage()
  stage.answer = async ({ raw }) => {
    if (Buffer.from(raw).includes('120007')) throw broken
    return 'stored'
  }
  const adapter = stage.adapter(server)
  await adapter.start()
  const bad = await dial(stage.port)
  const good = await dial(stage.port)
  bad.write(epoch(7) + epoch(8))
  t.equal(await ending(bad), 'reset')
  good.end(epoch(1))
  t.equal(await ending(good), 'closed')
  await adapter.stop()
})

t.test('a link is not read while too much of it is being stored', async (t) => {
  const stage = new Stage()
  const waiting: (() => void)[] = []
  stage.answer = () => new Promise((resolve) => waiting.push(() => resolve('stored')))
  const adapter = stage.adapter({ ...server, window: 8 })
  await adapter.start()
  const socket = await dial(stage.port)
  const epochs = [
    ...drive({
      seed: 1,
      start: { latitude: 32, longitude: 119, at: noon },
      epochs: 30_000,
      intervalMs: 1000,
      speedKmh: 20,
    }),
  ]
  const bytes = Buffer.concat(epochs.map(({ bytes }) => bytes))
  socket.end(bytes)
  await until('the window is full', () => stage.accepted.length >= 8)
  // Others come and are served all the while: had this one been read too, all of it would be in by then.
  for (let n = 0; n < 40; n++) {
    const other = await dial(stage.port)
    other.write(epoch(n))
    other.write(epoch(n + 1))
    const mark = epoch(n).slice(0, 13)
    await until('the other one is read', () => stage.accepted.some(({ raw }) => Buffer.from(raw).includes(mark)))
    other.destroy()
  }
  t.ok(stage.accepted.length < 2000, `${stage.accepted.length} of ${epochs.length} were taken in`)
  stage.answer = async () => 'stored'
  for (const settle of waiting) settle()
  await ending(socket)
  await adapter.stop()
  t.equal(stage.accepted.filter(({ raw }) => Buffer.from(raw).includes('GNRMC')).length, epochs.length)
})

t.test('a peer that is not named is turned away', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, subject: { by: 'peer', map: { '192.0.2.7': 'v-007' } } })
  await adapter.start()
  const socket = await dial(stage.port)
  await ending(socket)
  t.match(stage.refusals, [{ reason: 'an unknown peer', fields: { peer: '127.0.0.1' } }])
  t.equal(stage.accepted.length, 0)
  await adapter.stop()
})

t.test('a peer that is named speaks as its vehicle', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, subject: { by: 'peer', map: { '127.0.0.1': 'v-007' } } })
  await adapter.start()
  const socket = await dial(stage.port)
  socket.end(epoch(0))
  await ending(socket)
  t.match(stage.positions(), [{ subject: 'v-007' }])
  await adapter.stop()
})

t.test('a connection may say who it is in its first line, however it is cut', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, subject: { by: 'hello' } })
  await adapter.start()
  for (const hello of ['v-001\r\n', 'IMEI 356938035643809\n', 'IMEI:356938035643809\r\n']) {
    const socket = await dial(stage.port)
    socket.setNoDelay(true)
    for (const byte of hello) socket.write(byte)
    socket.end(epoch(0))
    await ending(socket)
  }
  t.strictSame(
    stage.positions().map(({ subject }) => subject),
    ['v-001', '356938035643809', '356938035643809'],
  )
  await adapter.stop()
})

t.test('a first line that names nobody, never ends or never comes is turned away', async (t) => {
  const stage = new Stage()
  const clock = new HandClock()
  const subject = { by: 'hello', map: { a: 'v-001' }, within: '10s' }
  const adapter = stage.adapter({ ...server, subject }, clock)
  await adapter.start()
  for (const hello of ['b\r\n', epoch(0), 'x'.repeat(500)]) {
    const socket = await dial(stage.port)
    socket.write(hello)
    await ending(socket)
  }
  const silent = await dial(stage.port)
  await until('it is known to the listener', () => {
    clock.pass(10_000)
    return stage.refusals.length === 4
  })
  await ending(silent)
  t.strictSame(
    stage.refusals.map(({ reason }) => reason),
    ['an unknown hello', 'an unknown hello', 'an unknown hello', 'no hello in time'],
  )
  t.equal(stage.accepted.length, 0)
  await adapter.stop()
})

t.test('a connection that says nothing for too long is closed', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, idleAfter: '30ms' })
  await adapter.start()
  const silent = await dial(stage.port)
  t.equal(await ending(silent), 'closed')
  await adapter.stop()
})

t.test('more connections than allowed are refused, and those that are there go on', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, maxConnections: 2 })
  await adapter.start()
  const first = await dial(stage.port)
  const second = await dial(stage.port)
  first.write('$')
  second.write('$')
  const third = await dial(stage.port)
  await ending(third)
  t.match(stage.refusals, [{ reason: 'too many connections' }])
  first.end(epoch(0).slice(1))
  await ending(first)
  t.equal(stage.positions().length, 1)
  second.destroy()
  await adapter.stop()
})

t.test('500 connections that send half a sentence and stay cost nothing to one that works', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter(server)
  await adapter.start()
  const slow = await Promise.all(Array.from({ length: 500 }, () => dial(stage.port)))
  for (const socket of slow) socket.write('$GPRMC,1200')
  const socket = await dial(stage.port)
  socket.end(epoch(0))
  t.equal(await ending(socket), 'closed')
  t.equal(stage.positions().length, 1)
  await adapter.stop()
  for (const one of slow) one.destroy()
})

t.test('stop hands in the epoch under way', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, quietAfter: '5m' })
  await adapter.start()
  const socket = await dial(stage.port)
  socket.write(epoch(0) + epoch(1))
  await until('the first epoch is accepted', () => stage.accepted.length === 1)
  await adapter.stop()
  t.equal(stage.positions().length, 2)
  socket.destroy()
})

t.test('datagrams of one sender become epochs, and a sentence is never continued in the next', async (t) => {
  const stage = new Stage()
  const clock = new HandClock()
  const adapter = stage.adapter({ transport: 'udp', port: 0, subject: fixed }, clock)
  await adapter.start()
  const socket = createSocket('udp4')
  const gga = line('GPGGA,120000,3223.6256,N,11924.7590,E,1,08,1.2,12.0,M,5.0,M,,')
  for (const text of [epoch(0).trimEnd(), gga, epoch(1).slice(0, 20), epoch(1).slice(20)]) {
    await new Promise((resolve) => socket.send(text, stage.port, '127.0.0.1', resolve))
  }
  await until('both halves are garbage', () => stage.accepted.length === 2)
  clock.pass(300)
  const outcomes = stage.accepted.map((message) => land(message))
  t.strictSame(
    outcomes.map(({ code }) => code),
    ['DECODE_SYNTAX', 'DECODE_SYNTAX', null],
  )
  t.match(stage.positions(), [{ gps: { altitudeM: 12, speedKmh: 18.52 } }])
  socket.close()
  await adapter.stop()
})

t.test('an unknown sender of datagrams is counted each time and kept once a day', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ transport: 'udp', port: 0, subject: { by: 'peer', map: {} } })
  await adapter.start()
  const socket = createSocket('udp4')
  for (let n = 0; n < 5; n++) await new Promise((resolve) => socket.send(epoch(n), stage.port, '127.0.0.1', resolve))
  await until('all are counted', () => stage.refusals.length === 5)
  t.strictSame(
    stage.accepted.map((message) => land(message).code),
    ['DECODE_NOT_ALLOWED'],
  )
  socket.close()
  await adapter.stop()
})

t.test('datagrams that cannot be stored or wait are counted as lost', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ transport: 'udp', port: 0, subject: fixed, window: 1 })
  await adapter.start()
  const socket = createSocket('udp4')
  let refuse = () => {}
  stage.answer = () => new Promise((_, reject) => (refuse = () => reject(broken)))
  const send = (text: string) => new Promise((resolve) => socket.send(text, stage.port, '127.0.0.1', resolve))
  await send(epoch(0))
  await send(epoch(1))
  await until('the first is being stored', () => stage.accepted.length === 1)
  await send(epoch(2))
  await until('the third is lost', () => stage.refusals.length === 1)
  refuse()
  await until('the first is lost', () => stage.refusals.length === 2)
  t.match(stage.refusals, [{ reason: /too much/ }, { reason: /not stored/ }])
  stage.answer = async () => 'stored'
  socket.close()
  await adapter.stop()
})

t.test('a multiplexer names its vehicles in TAG blocks', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter({ ...server, subject: { by: 'tag', map: { A: 'v-001', B: 'v-002' } } })
  await adapter.start()
  const socket = await dial(stage.port)
  socket.end(['A', 'B', 'C', 'C'].map((source) => encodeTagged(source, epoch(0))).join(''))
  t.equal(await ending(socket), 'closed')
  t.strictSame(
    stage.positions().map(({ subject }) => subject),
    ['v-001', 'v-002'],
  )
  t.equal(stage.refusals.length, 2)
  t.equal(stage.accepted.filter((message) => land(message).code === 'DECODE_NOT_ALLOWED').length, 1)
  await adapter.stop()
})

t.test('a client reads from a listener, reports its end and does not come back by itself', async (t) => {
  const stage = new Stage()
  const source = new NmeaSource({
    target: { transport: 'tcp-listen', host: '127.0.0.1', port: 0 },
    epochs: drive({
      seed: 2,
      start: { latitude: 32, longitude: 119, at: noon },
      epochs: 5,
      intervalMs: 1000,
      speedKmh: 20,
    }),
    speed: null,
  })
  const port = await source.start()
  const adapter = stage.adapter({ transport: 'tcp-client', host: '127.0.0.1', port, subject: fixed })
  await adapter.start()
  await source.finished()
  await until('it is reported', () => stage.links.length === 2)
  t.match(stage.links, [{ state: 'connected' }, { state: 'down', reason: 'the far end closed' }])
  t.equal(stage.positions().length, 5)
  await adapter.stop()
  await t.rejects(adapter.start(), { code: 'LINK_CONNECT' })
  await adapter.stop()
})

t.test('a client asks gpsd for raw sentences, and what gpsd says of itself is no garbage', async (t) => {
  const stage = new Stage()
  let asked = ''
  const gpsd = createServer((socket) => {
    socket.write('{"class":"VERSION","release":"3.22"}\r\n')
    socket.once('data', (bytes) => {
      asked = bytes.toString()
      socket.end(`{"class":"WATCH","enable":true}\r\n${epoch(0)}`)
    })
  })
  gpsd.listen(0, '127.0.0.1')
  await once(gpsd, 'listening')
  const address = gpsd.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const adapter = stage.adapter({ transport: 'tcp-client', host: '127.0.0.1', port, gpsdWatch: 'raw', subject: fixed })
  await adapter.start()
  await until('it is over', () => stage.links.length === 2)
  t.match(asked, '?WATCH={"enable":true,"raw":1};')
  t.equal(stage.accepted.length, 1)
  t.equal(stage.positions().length, 1)
  await adapter.stop()
  gpsd.close()
})

t.test('a link that another gateway is to have ends at once, and what was read of it is still stored', async (t) => {
  const stage = new Stage()
  const waiting: ((receipt: 'stored') => void)[] = []
  stage.answer = () => new Promise((resolve) => waiting.push(resolve))
  const ended: string[] = []
  const portServer = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('close', () => ended.push('closed'))
    socket.resume().write(epoch(0) + epoch(1))
  })
  portServer.listen(0, '127.0.0.1')
  await once(portServer, 'listening')
  const address = portServer.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const adapter = stage.adapter({ transport: 'tcp-client', host: '127.0.0.1', port, subject: fixed })
  await adapter.start()
  await until('an epoch is being stored', () => stage.accepted.length === 1)
  const hurry = new AbortController()
  let stopped = false
  const stopping = adapter.stop(hurry.signal).then(() => {
    stopped = true
  })
  t.strictSame(ended, [], 'there is time')
  hurry.abort()
  await until('the far end is left', () => ended.length === 1)
  t.notOk(stopped)
  stage.answer = async () => 'stored'
  for (const store of waiting) store('stored')
  await stopping
  t.equal(stage.positions().length, 2, 'the rest of it too')
  portServer.close()
})

t.test('a serial port that is not there is an error that names it', async (t) => {
  const adapter = new Stage().adapter({ transport: 'serial', path: '/dev/there-is-none', subject: fixed })
  await t.rejects(adapter.start(), { code: 'LINK_CONNECT', message: /there-is-none/ })
  await adapter.stop()
})

t.test('a source that loses, delays and repeats leaves each epoch it sent once', async (t) => {
  const stage = new Stage()
  const adapter = stage.adapter(server)
  await adapter.start()
  const setup = {
    seed: 4,
    start: { latitude: 32, longitude: 119, at: noon },
    epochs: 60,
    intervalMs: 1000,
    speedKmh: 20,
  }
  const target = { transport: 'tcp', host: '127.0.0.1', port: stage.port } as const
  const source = new NmeaSource({
    target,
    epochs: drive(setup),
    speed: null,
    seed: 9,
    loss: 0.2,
    duplication: 0.3,
    delayMs: 2,
  })
  await source.start()
  await source.finished()
  const fates = new Set(source.sent.map(({ fate }) => fate))
  t.equal(fates.size, 3, 'the seed shows all three fates')
  t.strictSame(
    new Set(stage.accepted.map(({ raw }) => Buffer.from(raw).toString('latin1'))),
    new Set(source.sent.filter(({ fate }) => fate !== 'lost').map(({ bytes }) => bytes.toString('latin1'))),
  )
  await adapter.stop()
})

t.test('a source of datagrams is heard', async (t) => {
  const stage = new Stage()
  const clock = new HandClock()
  const adapter = stage.adapter({ transport: 'udp', port: 0, subject: fixed }, clock)
  await adapter.start()
  const setup = {
    seed: 4,
    start: { latitude: 32, longitude: 119, at: noon },
    epochs: 10,
    intervalMs: 1000,
    speedKmh: 20,
  }
  const target = { transport: 'udp', host: '127.0.0.1', port: stage.port } as const
  const source = new NmeaSource({ target, epochs: drive(setup), speed: null })
  await source.start()
  await source.finished()
  await until('all are there', () => {
    clock.pass(300)
    return stage.positions().length === 10
  })
  t.equal(new Set(stage.accepted.map(({ key }) => key)).size, 10)
  await adapter.stop()
})

t.test('what is wrong in the options is named, and what is left out has a default', async (t) => {
  t.match(nmea.options.parse({ transport: 'tcp-server', subject: fixed }), {
    host: '127.0.0.1',
    port: 10_110,
    window: 64,
  })
  t.match(nmea.options.parse({ transport: 'serial', path: '/dev/ttyS0', subject: fixed }), { baudRate: 4800 })
  const wrong = [
    [{ transport: 'carrier-pigeon', subject: fixed }, ['transport']],
    [{ transport: 'udp' }, ['subject']],
    [{ transport: 'udp', subject: { by: 'hello' } }, ['subject', 'by']],
    [{ transport: 'tcp-server', subject: { by: 'hello', pattern: 'without a group' } }, ['subject', 'pattern']],
    [{ transport: 'tcp-server', subject: { by: 'hello', pattern: '(' } }, ['subject', 'pattern']],
    [{ transport: 'tcp-server', subject: fixed, quietAfter: 'soon' }, ['quietAfter']],
    [{ transport: 'tcp-server', subject: { by: 'fixed', id: '' } }, ['subject', 'id']],
  ] as const
  for (const [options, path] of wrong) {
    t.strictSame(nmea.options.safeParse(options).error?.issues[0]?.path, path, JSON.stringify(options))
  }
  t.match(nmea.options.safeParse({ transport: 'udp', subject: fixed, prot: 1 }).error?.issues[0]?.message, /prot/)
})
