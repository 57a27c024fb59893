import { spawn } from 'node:child_process'
import t from 'tap'
import type { Inbound, Receipt } from '../gateway/adapter.ts'
import { Handheld, noTroubles } from '../simulators/mqtt-handheld.ts'
import { broker, deferred, missing, until } from './mqtt-stage.ts'

/** Runs a peer to its end; resolves with its exit code and what it said. */
function run(
  program: string,
  args: readonly string[],
  input?: string | Buffer,
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

const text = (message: Inbound | undefined): string => Buffer.from(message?.raw ?? []).toString()
const at = (url: string): string[] => ['-h', '127.0.0.1', '-p', new URL(url).port]
const asDevice = (name: string): string[] => ['-u', name, '-P', `token of ${name}`]

t.test('mosquitto_pub is acknowledged at every QoS', { skip: missing('mosquitto_pub') }, async (t) => {
  const gateway = await broker(t)
  for (const qos of ['0', '1', '2']) {
    const topic = ['-t', 'v1/h-1/up/position', '-q', qos, '-m', `{"id":"${qos}","lat":32.39,"lon":119.42}`]
    const { code } = await run('mosquitto_pub', [...at(gateway.url), ...asDevice('h-1'), ...topic])
    t.equal(code, 0)
  }
  await until('all are taken', () => gateway.accepted.length === 3)
  t.equal(text(gateway.accepted[1]), '{"id":"1","lat":32.39,"lon":119.42}')
})

t.test('mosquitto_pub is told why it may not come in', { skip: missing('mosquitto_pub') }, async (t) => {
  const gateway = await broker(t)
  const message = ['-t', 'v1/h-1/up/position', '-q', '1', '-m', '{}']
  t.match(await run('mosquitto_pub', [...at(gateway.url), ...message]), { code: 5, said: /not authorised/i })
  const wrong = await run('mosquitto_pub', [...at(gateway.url), '-u', 'h-1', '-P', 'guess', ...message])
  t.match(wrong, { code: 4, said: /bad user name or password/i })
  const v5 = await run('mosquitto_pub', [...at(gateway.url), ...asDevice('h-1'), '-V', 'mqttv5', ...message])
  t.not(v5.code, 0)
  t.match(v5.said, /protocol version/i)
})

t.test('mosquitto_sub hears a notice and acknowledges it', { skip: missing('mosquitto_sub') }, async (t) => {
  const gateway = await broker(t)
  const listening = run('mosquitto_sub', [
    ...at(gateway.url),
    ...asDevice('h-1'),
    ...['-c', '-i', 'handheld', '-q', '1', '-t', 'v1/h-1/down/#', '-C', '1'],
  ])
  await until('it has arrived', () => gateway.arrivals.includes('h-1'))
  const body = { text: '请到现场核实' }
  const sent = await gateway.adapter.send?.({ id: 'n-1', addressee: 'h-1', kind: 'task', body, expiresAt: null })
  t.equal(sent, 'delivered')
  const { said } = await listening
  t.match(JSON.parse(said), { id: 'n-1', kind: 'task', text: '请到现场核实' })
})

t.test('mosquitto_pub hands over a backlog of a megabyte', { skip: missing('mosquitto_pub') }, async (t) => {
  const gateway = await broker(t)
  const backlog = JSON.stringify(
    Array.from({ length: 9000 }, (_, n) => ({
      id: `b-${n}`,
      time: 1_763_856_000_000 + n,
      lat: 32.39,
      lon: 119.42,
      text: 'x'.repeat(40),
    })),
  )
  const args = [...at(gateway.url), ...asDevice('h-1'), '-t', 'v1/h-1/up/position', '-q', '1', '-s']
  t.equal((await run('mosquitto_pub', args, backlog)).code, 0)
  t.equal(gateway.accepted[0]?.raw.length, backlog.length)
})

t.test('paho_c_pub is acknowledged', { skip: missing('paho_c_pub') }, async (t) => {
  const gateway = await broker(t)
  const server = ['-h', '127.0.0.1', '-p', new URL(gateway.url).port, '-i', 'paho', '-u', 'h-2', '-P', 'token of h-2']
  const message = ['-q', '1', '-t', 'v1/h-2/up/report', '-m', '{"id":"p-1","kind":"sos"}']
  const { code } = await run('paho_c_pub', [...server, ...message], '')
  t.equal(code, 0)
  t.equal(text(gateway.accepted[0]), '{"id":"p-1","kind":"sos"}')
})

t.test('a simulated handheld says what it did, and the gateway has it all', async (t) => {
  const gateway = await broker(t)
  const troubles = { seed: 7, lossRate: 0.2, duplicateRate: 0.3, maxDelayMs: 5, clockSkewMs: 60_000 }
  const handheld = new Handheld({ url: gateway.url, device: 'h-1', password: 'token of h-1', run: 'a', troubles })
  await handheld.start()
  const points = Array.from({ length: 20 }, (_, n) => ({ lat: 32.39 + n / 10_000, lon: 119.42 }))
  await handheld.walk(points, 0)
  handheld.goOffline()
  await handheld.walk(points, 0)
  const { acknowledged, lost } = handheld.record
  const before = acknowledged.size
  await handheld.goOnline()
  t.ok(acknowledged.size > before + 10, 'the backlog is acknowledged')
  t.equal(acknowledged.size + lost.size, 41, 'forty positions and one word that it is online')
  t.ok(handheld.record.duplicatesSent > 0)
  const said = gateway.accepted.map(text).join('\n')
  for (const id of acknowledged) t.ok(said.includes(`"${id}"`), id)
  for (const id of lost) t.notOk(said.includes(`"${id}"`), id)
  await handheld.stop()
})

t.test('a simulated handheld answers a notice once, however often it comes', async (t) => {
  const gateway = await broker(t)
  const handheld = new Handheld({
    url: gateway.url,
    device: 'h-1',
    password: 'token of h-1',
    run: 'a',
    troubles: noTroubles,
  })
  await handheld.start()
  await until('it has arrived', () => gateway.arrivals.includes('h-1'))
  const task = { id: 'n-1', addressee: 'h-1', kind: 'task' as const, body: {}, expiresAt: null }
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  t.equal(await gateway.adapter.send?.(task), 'delivered')
  const receipts = () => gateway.accepted.filter(({ envelope }) => envelope.topic === 'v1/h-1/up/receipt')
  await until('both have come', () => handheld.record.repeatedNotices === 1 && receipts().length > 0)
  t.equal(receipts().length, 1)
  await handheld.stop(true)
  await until('its will is spoken', () => gateway.accepted.some((message) => text(message) === '{"state":"offline"}'))
})

t.test('a simulated handheld that is ended keeps what has no PUBACK as pending', async (t) => {
  const gateway = await broker(t)
  const handheld = new Handheld({
    url: gateway.url,
    device: 'h-1',
    password: 'token of h-1',
    run: 'a',
    troubles: noTroubles,
  })
  await handheld.start()
  const storing = deferred<Receipt>()
  gateway.answer = () => storing.promise
  const saying = handheld.position({ lat: 32.39, lon: 119.42 })
  await until('it is taken', () => gateway.accepted.length === 2)
  await handheld.stop(true)
  await saying
  t.equal(handheld.record.pending.size, 1)
  t.equal(handheld.record.acknowledged.size, 1)
  storing.resolve('stored')
})
