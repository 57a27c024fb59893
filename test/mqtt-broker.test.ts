import t from 'tap'
import type { Receipt } from '../gateway/adapter.ts'
import { broker, connect, credentials, deferred, RawClient, str, until } from './mqtt-stage.ts'

const position = 'v1/h-1/up/position'

t.test('a publish is acknowledged after it is stored and not before', async (t) => {
  const gateway = await broker(t)
  const first = deferred<Receipt>()
  gateway.answer = () => first.promise
  const client = await connect(gateway.url, credentials('h-1'))
  let acknowledged = false
  const publishing = client.publishAsync(position, '{"id":"1","lat":1,"lon":2}', { qos: 1 }).then(() => {
    acknowledged = true
  })
  await until('the message is taken', () => gateway.accepted.length === 1)
  // Another client's whole conversation happens meanwhile.
  gateway.answer = async () => 'stored'
  const other = await connect(gateway.url, credentials('h-2'))
  await other.publishAsync('v1/h-2/up/position', '{"id":"1"}', { qos: 1 })
  t.equal(acknowledged, false)
  first.resolve('stored')
  await publishing
  t.equal(acknowledged, true)
  await Promise.all([client.endAsync(true), other.endAsync(true)])
})

t.test('what could not be stored drops the link, and the redelivery has the same key', async (t) => {
  const gateway = await broker(t)
  gateway.answer = async () => {
    throw new Error('no store')
  }
  const client = await connect(gateway.url, {
    ...credentials('h-1'),
    clean: false,
    clientId: 'one',
    reconnectPeriod: 20,
  })
  const publishing = client.publishAsync(position, '{"lat":1,"lon":2}', { qos: 1 })
  await until('the message came twice', () => gateway.accepted.length >= 2)
  gateway.answer = async () => 'stored'
  await publishing
  t.equal(new Set(gateway.accepted.map(({ key }) => key)).size, 1)
  await client.endAsync(true)
})

for (const qos of [0, 1, 2] as const) {
  t.test(`a publish of QoS ${qos} is taken with its topic and its bytes as they came`, async (t) => {
    const gateway = await broker(t)
    const client = await connect(gateway.url, credentials('h-1'))
    await client.publishAsync(position, Buffer.from([0xff, 0x00, 0x7b]), { qos })
    await until('it is taken', () => gateway.accepted.length === 1)
    const [message] = gateway.accepted
    t.strictSame(Buffer.from(message?.raw ?? []), Buffer.from([0xff, 0x00, 0x7b]))
    t.match(message?.envelope, { topic: position })
    await client.endAsync(true)
  })
}

t.test('each lost link speaks its will anew, and a goodbye speaks none', async (t) => {
  const gateway = await broker(t)
  const will = {
    topic: 'v1/h-1/up/presence',
    payload: Buffer.from('{"state":"offline"}'),
    qos: 1 as const,
    retain: false,
  }
  for (const times of [1, 2]) {
    const client = await connect(gateway.url, { ...credentials('h-1'), will })
    client.stream.destroy()
    client.end(true)
    await until('the will is taken', () => gateway.accepted.length === times)
  }
  t.equal(new Set(gateway.accepted.map(({ key }) => key)).size, 2)
  const polite = await connect(gateway.url, { ...credentials('h-1'), will })
  await polite.endAsync()
  const last = await connect(gateway.url, credentials('h-1'))
  await last.publishAsync(position, '{}', { qos: 1 })
  t.equal(gateway.accepted.length, 3)
  await last.endAsync(true)
})

t.test('a broker that stops speaks nobody’s will', async (t) => {
  const gateway = await broker(t)
  const will = {
    topic: 'v1/h-1/up/presence',
    payload: Buffer.from('{"state":"offline"}'),
    qos: 1 as const,
    retain: false,
  }
  const client = await connect(gateway.url, { ...credentials('h-1'), will })
  await gateway.adapter.stop()
  await until('the client has noticed', () => !client.connected)
  t.strictSame(gateway.accepted, [])
  t.strictSame(gateway.links.at(-1), { state: 'stopped' })
  await client.endAsync(true)
})

t.test('it listens again after it was stopped, and sessions are still known', async (t) => {
  const gateway = await broker(t)
  const options = { ...credentials('h-1'), clientId: 'one', clean: false }
  const client = await connect(gateway.url, options)
  await client.subscribeAsync('v1/h-1/down/+', { qos: 1 })
  await gateway.adapter.stop()
  await client.endAsync(true)
  await gateway.adapter.start()
  const { at } = gateway.links.findLast((link) => link.state === 'listening') ?? { at: '' }
  const arrivals = gateway.arrivals.length
  const again = await connect(at.split(' ')[0] ?? '', options)
  await until('the session is resumed', () => gateway.arrivals.length === arrivals + 1)
  t.equal(gateway.arrivals.at(-1), 'h-1')
  await again.endAsync(true)
})

t.test('a wildcard in a publish closes the connection and is told', async (t) => {
  const gateway = await broker(t)
  const client = new RawClient(gateway.url)
  t.equal(await client.connect('h-1'), 0)
  client.publish('v1/h-1/up/+', '{}')
  await until('it is closed', () => client.closed)
  t.strictSame(gateway.accepted, [])
  t.match(gateway.refusals, [{ fields: { device: 'h-1', reason: /\+ is not allowed/ } }])
})

t.test('a payload over the limit is taken with its head and its size, and acknowledged', async (t) => {
  const gateway = await broker(t, { limits: { payload: '100KiB' } })
  const client = await connect(gateway.url, credentials('h-1'))
  await client.publishAsync(position, Buffer.alloc(100 * 1024 + 1, 'x'), { qos: 1 })
  t.equal(gateway.accepted[0]?.raw.length, 64 * 1024)
  t.equal(gateway.accepted[0]?.envelope.payloadBytes, String(100 * 1024 + 1))
  await client.endAsync(true)
})

t.test('a frame over the limit closes the connection before it is read', async (t) => {
  const gateway = await broker(t, { limits: { payload: '1MiB', frame: '1MiB' } })
  const client = new RawClient(gateway.url)
  t.equal(await client.connect('h-1'), 0)
  // Only the header of a frame of 256 MiB.
  client.socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]))
  await until('it is closed', () => client.closed)
  t.match(gateway.refusals, [{ reason: /too large/, fields: { device: 'h-1', bytes: 268_435_455 } }])
})

t.test('a stranger may not even announce a large frame', async (t) => {
  const gateway = await broker(t)
  const client = new RawClient(gateway.url)
  client.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x01]))
  await until('it is closed', () => client.closed)
  t.match(gateway.refusals, [{ reason: /too large/, fields: { device: 'unknown' } }])
})

t.test('bytes that are no MQTT close the connection and are told', async (t) => {
  const gateway = await broker(t)
  const client = new RawClient(gateway.url)
  client.socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n')
  await until('it is closed', () => client.closed)
  t.equal(gateway.refusals.length, 1)
})

t.test('a socket that never sends CONNECT is closed, and others are served meanwhile', async (t) => {
  const gateway = await broker(t, { limits: { connectTimeout: '300ms' } })
  const silent = new RawClient(gateway.url)
  const slow = new RawClient(gateway.url)
  slow.socket.write(Buffer.from([0x10, 40, 0, 4]))
  const client = await connect(gateway.url, credentials('h-1'))
  await client.publishAsync(position, '{"id":"1"}', { qos: 1 })
  await until('both are closed', () => silent.closed && slow.closed)
  t.equal(client.connected, true)
  const reason = 'an mqtt client that never said who it is'
  t.strictSame(
    gateway.refusals.map((refusal) => refusal.reason),
    [reason, reason],
  )
  await client.endAsync(true)
})

t.test('a device that falls silent is closed after its keepalive and its will is spoken', async (t) => {
  const gateway = await broker(t)
  const client = new RawClient(gateway.url)
  const level = Buffer.from([4, 0xc6, 0, 1])
  const will = [str('v1/h-1/up/presence'), str('{"state":"offline"}')]
  client.send(0x10, str('MQTT'), level, str('silent'), ...will, str('h-1'), str('token of h-1'))
  await until('it is closed', () => client.closed)
  await until('its will is taken', () => gateway.accepted.length === 1)
  t.equal(gateway.accepted[0]?.envelope.topic, 'v1/h-1/up/presence')
})

t.test('one connection over the limit is turned away, and its place is free when another leaves', async (t) => {
  const gateway = await broker(t, { limits: { connections: 1 } })
  const first = await connect(gateway.url, credentials('h-1'))
  const second = new RawClient(gateway.url)
  await until('it is closed', () => second.closed)
  t.match(gateway.refusals, [{ reason: 'too many mqtt connections' }])
  await first.endAsync()
  const third = new RawClient(gateway.url)
  t.equal(await third.connect('h-2'), 0)
  third.end()
})

t.test('publishes beyond the window of one client close it', async (t) => {
  const gateway = await broker(t, { limits: { inFlight: 5 } })
  const storing = deferred<Receipt>()
  gateway.answer = () => storing.promise
  const client = new RawClient(gateway.url)
  t.equal(await client.connect('h-1'), 0)
  const frame = Buffer.concat([str(position), Buffer.from([0, 1]), Buffer.from('{}')])
  client.socket.write(
    Buffer.concat(Array.from({ length: 20 }, () => [Buffer.from([0x32, frame.length]), frame]).flat()),
  )
  await until('it is closed', () => client.closed)
  t.equal(gateway.accepted.length, 5)
  t.match(gateway.refusals[0], { reason: 'too many publishes at once' })
  storing.resolve('stored')
})

// The figure is 2,000 rather than 5,000 to keep the test short and its open files few.
t.test('2,000 devices that connect at once are all let in and all heard', async (t) => {
  const count = 2000
  const names = Array.from({ length: count }, (_, at) => `h-${at}`)
  const gateway = await broker(t, { devices: names.map((name) => ({ name, password: `token of ${name}` })) })
  const clients = names.map(() => new RawClient(gateway.url))
  t.teardown(() => {
    for (const client of clients) client.end()
  })
  const codes = await Promise.all(clients.map((client, at) => client.connect(names[at] ?? '')))
  t.strictSame([...new Set(codes)], [0])
  for (const [at, client] of clients.entries()) client.publish(`v1/h-${at}/up/position`, `{"id":"${at}"}`)
  await Promise.all(clients.map((client) => client.bytes(8)))
  t.equal(gateway.accepted.length, count)
})
