import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { mqttClient } from '../adapters/mqtt/client.ts'
import type { Adapter, Receipt } from '../gateway/adapter.ts'
import { connect, deferred, missing, RawClient, type Stage, stage, str, until } from './mqtt-stage.ts'

const skip = missing('mosquitto')
const position = 'v1/h-1/up/position'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Mosquitto {
  readonly url: string
  kill(): Promise<void>
}

/** Debian's broker, ended by its process when the test ends. */
async function mosquitto(t: Test, port?: number): Promise<Mosquitto> {
  const at = port ?? (await freePort())
  const folder = t.testdir({})
  const settings = [`listener ${at} 127.0.0.1`, 'allow_anonymous true', 'max_queued_messages 0', 'persistence false']
  writeFileSync(`${folder}/conf`, `${settings.join('\n')}\n`)
  const child: ChildProcess = spawn('mosquitto', ['-c', `${folder}/conf`], { stdio: 'ignore' })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  t.teardown(kill)
  const url = `mqtt://127.0.0.1:${at}`
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const client = await connect(url, { connectTimeout: 200 }).catch(() => null)
    if (client === null) continue
    await client.endAsync(true)
    return { url, kill }
  }
  throw new Error('mosquitto does not answer')
}

async function link(
  t: Test,
  url: string,
  options: Record<string, unknown> = {},
): Promise<Stage & { adapter: Adapter }> {
  const made = stage()
  const adapter = mqttClient.create(mqttClient.options.parse({ url, clientId: 'gateway-1', ...options }), made.context)
  t.teardown(() => adapter.stop())
  await adapter.start()
  return Object.assign(made, { adapter })
}

for (const protocol of ['5', '3.1.1'] as const) {
  t.test(`with MQTT ${protocol} a message is acknowledged to the broker after it is stored`, { skip }, async (t) => {
    const { url } = await mosquitto(t)
    const gateway = await link(t, url, { protocol })
    t.strictSame(gateway.links, [{ state: 'connected', to: url }])
    const storing = deferred<Receipt>()
    gateway.answer = () => storing.promise
    const device = await connect(url, {})
    await device.publishAsync(position, '{"id":"1"}', { qos: 1 })
    await until('it is taken', () => gateway.accepted.length === 1)
    // A link that is lost before the commit has acknowledged nothing: the session gets the message again.
    gateway.answer = async () => 'stored'
    const thief = new RawClient(url)
    thief.send(0x10, str('MQTT'), Buffer.from([4, 0, 0, 0]), str('gateway-1'))
    await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
    thief.end()
    storing.resolve('stored')
    await gateway.adapter.start()
    await until('it came again', () => gateway.accepted.length === 2)
    t.equal(gateway.accepted[0]?.key, gateway.accepted[1]?.key)
    await gateway.adapter.stop()
    await gateway.adapter.start()
    await device.publishAsync(position, '{"id":"2"}', { qos: 1 })
    await until('the next is taken', () => gateway.accepted.length === 3)
    t.match(Buffer.from(gateway.accepted[2]?.raw ?? []).toString(), '"2"', 'the stored one does not come a third time')
    await device.endAsync(true)
  })
}

t.test('what could not be stored takes the link down, and comes again at the next start', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const gateway = await link(t, url)
  gateway.answer = async () => {
    throw new Error('no store')
  }
  const device = await connect(url, {})
  await device.publishAsync(position, '{"id":"1"}', { qos: 1 })
  await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
  gateway.answer = async () => 'stored'
  await gateway.adapter.stop()
  await gateway.adapter.start()
  await until('it came again', () => gateway.accepted.length >= 2)
  t.equal(new Set(gateway.accepted.map(({ key }) => key)).size, 1)
  await device.endAsync(true)
})

t.test('messages of one commit travel together', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const gateway = await link(t, url)
  const storing = deferred<Receipt>()
  gateway.answer = () => storing.promise
  const device = await connect(url, {})
  await Promise.all(Array.from({ length: 50 }, (_, at) => device.publishAsync(position, `{"id":"${at}"}`, { qos: 1 })))
  await until('all are taken before one is stored', () => gateway.accepted.length === 50)
  storing.resolve('stored')
  await gateway.adapter.stop()
  await gateway.adapter.start()
  await device.publishAsync(position, '{"id":"last"}', { qos: 1 })
  await until('the last is taken', () => gateway.accepted.length >= 51)
  t.equal(gateway.accepted.length, 51, 'all 50 were acknowledged')
  await device.endAsync(true)
})

t.test('gateways of one group share the messages, each is taken once', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const first = await link(t, url)
  const second = await link(t, url, { clientId: 'gateway-2' })
  const device = await connect(url, {})
  for (let at = 0; at < 20; at++) await device.publishAsync(position, `{"id":"${at}"}`, { qos: 1 })
  const taken = () => [...first.accepted, ...second.accepted].map(({ key }) => key)
  await until('all are taken', () => taken().length >= 20)
  t.equal(new Set(taken()).size, 20)
  t.equal(taken().length, 20)
  t.ok(first.accepted.length > 0 && second.accepted.length > 0, 'both have a share')
  await device.endAsync(true)
})

t.test('what came while the gateway was away is waiting for it', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const gateway = await link(t, url)
  await gateway.adapter.stop()
  const device = await connect(url, {})
  for (let at = 0; at < 5; at++) await device.publishAsync(position, `{"id":"${at}"}`, { qos: 1 })
  await gateway.adapter.start()
  await until('all are taken', () => gateway.accepted.length >= 5)
  t.equal(gateway.accepted.length, 5)
  await device.endAsync(true)
})

t.test('a notice is delivered when the broker has it, and absent when nobody is subscribed', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const gateway = await link(t, url)
  const task = { id: 'n-1', addressee: 'h-1', kind: 'task' as const, body: { a: 1 }, expiresAt: null }
  t.equal(await gateway.adapter.send?.(task), 'absent')
  const device = await connect(url, {})
  const heard: string[] = []
  device.on('message', (_topic, payload) => heard.push(payload.toString()))
  await device.subscribeAsync('v1/h-1/down/+', { qos: 1 })
  await device.publishAsync('v1/h-1/up/presence', '{"id":"1","state":"online"}', { qos: 1 })
  await until('its first word says that it is back', () => gateway.arrivals.includes('h-1'))
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  await until('the notice is there', () => heard.length === 1)
  t.match(JSON.parse(heard[0] ?? ''), { id: 'n-1', kind: 'task', a: 1 })
  await device.endAsync(true)
})

t.test('a broker that goes away is reported once, and stop returns', { skip }, async (t) => {
  const server = await mosquitto(t)
  const gateway = await link(t, server.url)
  await server.kill()
  await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
  await gateway.adapter.stop()
  await gateway.adapter.stop()
  t.equal(gateway.links.filter(({ state }) => state === 'down').length, 1)
  await t.rejects(
    async () => gateway.adapter.send?.({ id: 'n', addressee: 'h-1', kind: 'task', body: {}, expiresAt: null }),
    { code: 'LINK_LOST' },
  )
  await t.rejects(gateway.adapter.start(), { code: 'LINK_CONNECT' })
})

t.test('of two gateways with one client id the first is put down, once', { skip }, async (t) => {
  const { url } = await mosquitto(t)
  const first = await link(t, url)
  await link(t, url)
  await until('the first is down', () => first.links.at(-1)?.state === 'down')
  t.equal(first.links.filter(({ state }) => state === 'down').length, 1)
})

t.test('a broker that is not there fails the start, and a later start succeeds', { skip }, async (t) => {
  const port = await freePort()
  const made = stage()
  const options = mqttClient.options.parse({ url: `mqtt://127.0.0.1:${port}`, clientId: 'gateway-1' })
  const adapter = mqttClient.create(options, made.context)
  t.teardown(() => adapter.stop())
  await adapter.stop()
  await t.rejects(adapter.start(), { code: 'LINK_CONNECT' })
  await mosquitto(t, port)
  await adapter.start()
  t.match(made.links.at(-1), { state: 'connected' })
})
