import mqtt from 'mqtt'
import t from 'tap'
import type { OutboundNotice } from '../gateway/adapter.ts'
import { broker, connect, credentials, RawClient, until } from './mqtt-stage.ts'

const task: OutboundNotice = { id: 'n-1', addressee: 'h-1', kind: 'task', body: { case: 'C-1' }, expiresAt: null }
const persistent = { ...credentials('h-1'), clientId: 'one', clean: false }

t.test('a notice is delivered when its device has acknowledged it', async (t) => {
  const gateway = await broker(t)
  const client = await connect(gateway.url, credentials('h-1'))
  const heard: unknown[] = []
  client.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())))
  await client.subscribeAsync('v1/h-1/down/+', { qos: 1 })
  await until('it has arrived', () => gateway.arrivals.length === 1)
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  t.strictSame(heard, [{ case: 'C-1', id: 'n-1', kind: 'task', expiresAt: null }])
  await client.endAsync(true)
})

t.test('a device that is away, or not subscribed to this kind, is absent', async (t) => {
  const gateway = await broker(t)
  t.equal(await gateway.adapter.send?.(task), 'absent')
  const client = await connect(gateway.url, credentials('h-1'))
  await client.subscribeAsync('v1/h-1/down/parameters', { qos: 1 })
  await until('it has arrived', () => gateway.arrivals.length === 1)
  t.equal(await gateway.adapter.send?.(task), 'absent')
  t.equal(await gateway.adapter.send?.({ ...task, kind: 'parameters' }), 'delivered')
  await client.unsubscribeAsync('v1/h-1/down/parameters')
  await until('nobody listens', () => client.connected)
  t.equal(await gateway.adapter.send?.({ ...task, kind: 'parameters' }), 'absent')
  await client.endAsync(true)
  t.equal(await gateway.adapter.send?.(task), 'absent')
})

t.test('a subscription at QoS 0 cannot acknowledge, so its device stays absent and the log says so', async (t) => {
  const gateway = await broker(t)
  const client = await connect(gateway.url, credentials('h-1'))
  await client.subscribeAsync('v1/h-1/#', { qos: 0 })
  t.equal(await gateway.adapter.send?.(task), 'absent')
  t.match(gateway.refusals, [{ reason: /QoS 0/ }])
  await client.endAsync(true)
})

t.test('a session that is resumed can be reached without subscribing again', async (t) => {
  const gateway = await broker(t)
  const first = await connect(gateway.url, persistent)
  await first.subscribeAsync('v1/h-1/#', { qos: 1 })
  await first.endAsync(true)
  const arrivals = gateway.arrivals.length
  const again = await connect(gateway.url, persistent)
  await until('it has arrived', () => gateway.arrivals.length === arrivals + 1)
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  await again.endAsync(true)
})

t.test('nothing is queued for a session that is away, so a notice comes once', async (t) => {
  const gateway = await broker(t)
  const client = new RawClient(gateway.url)
  await client.connect('h-1')
  client.subscribe('v1/h-1/down/+')
  await until('it has arrived', () => gateway.arrivals.length === 1)
  const sending = gateway.adapter.send?.(task).catch((error: Error) => error.message)
  await until('the notice is there', () => client.received.includes('n-1'))
  client.end()
  t.match(await sending, /unknown/)
  const heard: string[] = []
  const again = await connect(gateway.url, persistent)
  again.on('message', (_topic, payload) => heard.push(payload.toString()))
  await again.subscribeAsync('v1/h-1/down/+', { qos: 1 })
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  t.equal(heard.length, 1)
  await again.endAsync(true)
})

t.test('a device that does not acknowledge in time leaves the outcome unknown', async (t) => {
  const gateway = await broker(t, { ackTimeout: '50ms' })
  const client = new RawClient(gateway.url)
  await client.connect('h-1')
  client.subscribe('v1/h-1/down/+')
  await until('it has arrived', () => gateway.arrivals.length === 1)
  await t.rejects(async () => gateway.adapter.send?.(task), { code: 'LINK_LOST', message: /no PUBACK in 50 ms/ })
  client.end()
})

t.test('of two links of one device either may acknowledge', async (t) => {
  const gateway = await broker(t, { ackTimeout: '5s' })
  const deaf = new RawClient(gateway.url)
  await deaf.connect('h-1')
  deaf.subscribe('v1/h-1/down/+')
  const client = await connect(gateway.url, persistent)
  await client.subscribeAsync('v1/h-1/down/+', { qos: 1 })
  await until('both have arrived', () => gateway.arrivals.length === 2)
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  deaf.end()
  await client.endAsync(true)
})

t.test('a PUBACK for a retained message is not taken for one of a notice', async (t) => {
  const gateway = await broker(t, { ackTimeout: '200ms' })
  const client = new RawClient(gateway.url)
  await client.connect('h-1')
  client.subscribe('v1/h-1/down/+')
  await until('it has arrived', () => gateway.arrivals.length === 1)
  const sending = gateway.adapter.send?.(task).catch((error: Error) => error.message)
  await until('the notice is there', () => client.received.includes('n-1'))
  const at = client.received.indexOf('v1/h-1/down/task') + 'v1/h-1/down/task'.length
  const packetId = client.received.readUInt16BE(at)
  client.send(0x40, Buffer.from([(packetId + 1) >> 8, (packetId + 1) & 0xff]))
  t.match(await sending, /no PUBACK/)
  client.end()
})

t.test('what a device asks to retain is there when it subscribes, and an empty payload clears it', async (t) => {
  const gateway = await broker(t)
  const topic = 'owntracks/h-1/phone'
  const phone = await connect(gateway.url, credentials('h-1'))
  await phone.publishAsync(topic, '{"_type":"location","tst":1}', { qos: 1, retain: true })
  const heard: { retain: boolean; text: string }[] = []
  phone.on('message', (_topic, payload, packet) => heard.push({ retain: packet.retain, text: payload.toString() }))
  await phone.subscribeAsync(topic, { qos: 1 })
  await until('it is there', () => heard.length === 1)
  t.strictSame(heard, [{ retain: true, text: '{"_type":"location","tst":1}' }])
  await phone.publishAsync(topic, '', { qos: 1, retain: true })
  await until('the clearing is heard', () => heard.length === 2)
  const other = await connect(gateway.url, credentials('h-1'))
  other.on('message', () => t.fail('it was cleared'))
  await other.subscribeAsync(topic, { qos: 1 })
  await other.publishAsync('v1/h-1/up/position', '{"id":"1"}', { qos: 1 })
  t.equal(gateway.accepted.length, 3, 'each publish is a message, the clearing too')
  await Promise.all([phone.endAsync(true), other.endAsync(true)])
})

t.test('of a device that takes another client id each time only the newest sessions are kept', async (t) => {
  const gateway = await broker(t)
  const session = (at: number) => ({ ...credentials('h-1'), clientId: `try-${at}`, clean: false })
  for (let at = 0; at < 17; at++) {
    const client = await connect(gateway.url, session(at))
    await client.subscribeAsync('v1/h-1/down/+', { qos: 1 })
    await client.endAsync(true)
  }
  for (const [at, present] of [
    [0, false],
    [16, true],
  ] as const) {
    const client = mqtt.connect(gateway.url, { ...session(at), protocolVersion: 4, reconnectPeriod: 0 })
    const resumed = await new Promise<boolean>((resolve) => {
      client.once('connect', (connack) => resolve(connack.sessionPresent))
    })
    t.equal(resumed, present, `session ${at}`)
    await client.endAsync(true)
  }
})
