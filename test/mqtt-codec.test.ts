import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { decode, decodeDown, encodeDown, encodeOwnTracks, encodeUp } from '../adapters/mqtt/codec.ts'
import { FrameScanner } from '../adapters/mqtt/frame-scanner.ts'
import { inbound } from '../adapters/mqtt/inbound.ts'
import { messageKey } from '../adapters/mqtt/key.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { carriesIdentity, countElements } from '../gateway/web/json-text.ts'
import { lengthBytes } from './mqtt-stage.ts'

const options = { maxElements: 10_000, ownTracksSubject: 'user' as const }
const positionTopic = 'v1/handheld-1/up/position'

function read(topic: string, payload: string | Uint8Array, extra: Record<string, string> = {}): Report[] {
  const raw = typeof payload === 'string' ? Buffer.from(payload) : payload
  return decode({ key: 'k', raw, envelope: { topic, ...extra }, receivedAt: new Date(0) }, options)
}

function outcome(run: () => Report[]): { reports: Report[] } | { error: string } {
  try {
    return { reports: run() }
  } catch (error) {
    if (error instanceof GatewayError) return { error: error.code }
    throw error
  }
}

/** As expected.json has it: bytes in base64, times as text, without words that may be put better some day. */
function comparable(value: unknown): unknown {
  const text = JSON.stringify(value, function (this: Record<string, unknown>, name, plain: unknown) {
    const before = this[name]
    if (before instanceof Uint8Array) return Buffer.from(before).toString('base64')
    return name === 'detail' && this.kind === 'malformed' ? undefined : plain
  })
  return JSON.parse(text)
}

const casesFolder = `${packageRoot}test/cases/mqtt/`
for (const name of readdirSync(casesFolder).sort()) {
  t.test(`the recorded payload ${name} is read as written down`, async (t) => {
    const topic = readFileSync(`${casesFolder}${name}/topic.txt`, 'utf8').trim()
    const raw = readFileSync(`${casesFolder}${name}/payload.bin`)
    const expected: unknown = JSON.parse(readFileSync(`${casesFolder}${name}/expected.json`, 'utf8'))
    const found = outcome(() => read(topic, raw))
    t.strictSame(comparable(found), expected)
    t.ok(readFileSync(`${casesFolder}${name}/source.txt`, 'utf8').trim().length > 10, 'names its source')
    t.strictSame('reports' in found ? found.reports.flatMap(untruths) : [], [])
  })
}

/** What holds of every report of every protocol, apart from the values that triage is there to judge. */
function untruths(report: Report): string[] {
  if (report.kind === 'malformed') return []
  const found = report.subject === '' ? ['no subject'] : []
  JSON.stringify(report, (name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) found.push(`${name} is ${value}`)
    if (typeof value === 'string' && value.includes('\0')) found.push(`${name} has a NUL`)
    return value
  })
  return found
}

const circumstances = (maxPayloadMiB: number) => ({
  topic: positionTopic,
  bridge: null,
  will: false,
  maxPayloadBytes: maxPayloadMiB * 1024 * 1024,
})

t.test('JSON of 10 MiB is told apart from one that is merely large, and only its head is kept', async (t) => {
  const payload = Buffer.alloc(10 * 1024 * 1024, ' ')
  payload.write('{"id":"big","lat":1,"lon":2}', payload.length - 40)
  const large = inbound(payload, circumstances(8))
  t.equal(large.raw.length, 64 * 1024)
  t.equal(large.envelope.payloadBytes, String(10 * 1024 * 1024))
  t.strictSame(
    outcome(() => decode({ ...large, receivedAt: new Date(0) }, options)),
    { error: 'DECODE_TOO_LARGE' },
  )
  const fits = inbound(payload, circumstances(16))
  t.equal(decode({ ...fits, receivedAt: new Date(0) }, options).length, 1)
})

t.test('an array of 100,000 is refused whole, one of 10,000 is read', async (t) => {
  const array = (n: number) =>
    JSON.stringify(Array.from({ length: n }, (_, at) => ({ id: String(at), lat: 1, lon: 2 })))
  t.strictSame(
    outcome(() => read(positionTopic, array(100_000))),
    { error: 'DECODE_TOO_LARGE' },
  )
  t.equal(read(positionTopic, array(10_000)).length, 10_000)
})

t.test('a retained copy of an existing broker is no message of its own', async (t) => {
  t.strictSame(
    outcome(() => read(positionTopic, '{"id":"1","lat":1,"lon":2}', { retained: 'true' })),
    { error: 'DECODE_UNSUPPORTED' },
  )
})

t.test('elements are counted without being parsed', async (t) => {
  for (const json of [
    '{}',
    '[]',
    ' [ ] ',
    '[1]',
    '[{"a":"],["},{"b":[1,2,{"c":3}]}]',
    '["\\"",",",{}]',
    '{"a":[1,2]}',
  ]) {
    const parsed: unknown = JSON.parse(json)
    t.equal(countElements(Buffer.from(json)), Array.isArray(parsed) ? parsed.length : 0, json)
  }
})

t.test('a message has an identity when each of its objects carries an id or a time at its top level', async (t) => {
  const withIdentity = [
    '{"id":"1"}',
    '{"lat":1,"time":0}',
    '{"_type":"location","tst":1}',
    '{"noticeId":"n"}',
    '[{"id":"1"},{"time":"x"}]',
    ' { "a" : { "b" : 1 } , "id" : 5 }',
  ]
  const without = [
    '{}',
    '[]',
    '{"id":null}',
    '{"kind":"sos"}',
    '{"kind":"id","text":"\\"id\\":1"}',
    '{"place":{"id":"1","time":2}}',
    '[{"id":"1"},{"lat":2}]',
    '[[{"id":"1"}]]',
    '42',
  ]
  for (const json of withIdentity) t.equal(carriesIdentity(Buffer.from(json)), true, json)
  for (const json of without) t.equal(carriesIdentity(Buffer.from(json)), false, json)
})

t.test('a second press of the SOS key is another message, a redelivery within minutes is not', async (t) => {
  const topic = 'v1/handheld-1/up/report'
  const sos = Buffer.from('{"kind":"sos"}')
  const at = Date.UTC(2026, 10, 23, 8, 1)
  t.equal(messageKey(topic, sos, at), messageKey(topic, sos, at + 5 * 60_000))
  t.not(messageKey(topic, sos, at), messageKey(topic, sos, at + 11 * 60_000))
})

t.test('a message with an id or a time keeps its key for ever', async (t) => {
  const report = Buffer.from('{"id":"7","kind":"sos"}')
  t.equal(messageKey(positionTopic, report, 0), messageKey(positionTopic, report, Date.UTC(2030, 0)))
})

t.test('the same id with other content, or on another topic, is another message', async (t) => {
  const first = Buffer.from('{"id":"7","lat":1}')
  t.not(messageKey(positionTopic, first, 0), messageKey(positionTopic, Buffer.from('{"id":"7","lat":2}'), 0))
  t.not(messageKey(positionTopic, first, 0), messageKey('v1/handheld-2/up/position', first, 0))
})

t.test('what a simulator encodes is what the gateway reads', async (t) => {
  const { topic, payload } = encodeUp('handheld-1', 'position', [
    { id: '1', time: 0, lat: 32.39, lon: 119.42, system: 'gcj02', cells: [{ mcc: 460, mnc: 0, lac: 1, cell: 2 }] },
    { id: '2', lat: null, lon: null },
  ])
  const [first, second] = read(topic, payload)
  t.match(first, { kind: 'position', subject: 'handheld-1', gps: { system: 'gcj02', latitude: 32.39 } })
  t.match(second, { kind: 'position', gps: { latitude: null, longitude: null }, deviceTime: null })
  const phone = encodeOwnTracks('handheld-2', 'phone', { lat: 1, lon: 2, tst: 1_764_000_000 })
  t.match(read(phone.topic, phone.payload), [{ subject: 'handheld-2', deviceTime: new Date(1_764_000_000_000) }])
})

t.test('where one user has several phones each is a subject of its own when asked for', async (t) => {
  const { topic, payload } = encodeOwnTracks('wang', 'phone', { lat: 1, lon: 2, tst: 1 })
  const message = { key: 'k', raw: payload, envelope: { topic }, receivedAt: new Date(0) }
  t.match(decode(message, { ...options, ownTracksSubject: 'user-device' }), [{ subject: 'wang-phone' }])
})

t.test('a notice reads back as it was written, and its own fields win over the body', async (t) => {
  const expiresAt = new Date(Date.UTC(2026, 10, 24))
  const body = { id: 'not this', caseNumber: 'C-1', steps: [1, 2] }
  const { topic, payload } = encodeDown({ id: 'n-1', addressee: 'handheld-1', kind: 'task', body, expiresAt })
  t.equal(topic, 'v1/handheld-1/down/task')
  t.strictSame(decodeDown(topic, payload), {
    id: 'n-1',
    kind: 'task',
    expiresAt,
    body: { caseNumber: 'C-1', steps: [1, 2] },
  })
  const plain = encodeDown({ id: 'n-2', addressee: 'handheld-1', kind: 'notice', body: 'hello', expiresAt: null })
  t.strictSame(decodeDown(plain.topic, plain.payload).body, { body: 'hello' })
})

t.test('damaged payloads are read or refused with a reason, never anything else', async (t) => {
  const names = readdirSync(casesFolder)
  let state = 20_261_123
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const wrong: string[] = []
  for (let round = 0; round < 3000; round++) {
    const folder = `${casesFolder}${names[random(names.length)]}`
    const raw = Buffer.from(readFileSync(`${folder}/payload.bin`))
    for (let hits = 1 + random(3); hits > 0; hits--) if (raw.length > 0) raw[random(raw.length)] = random(256)
    const damaged = raw.subarray(0, random(4) === 0 ? random(raw.length + 1) : raw.length)
    const topic = readFileSync(`${folder}/topic.txt`, 'utf8').trim()
    const found = outcome(() => read(topic, damaged))
    if (!('error' in found)) wrong.push(...found.reports.flatMap(untruths))
    else if (!found.error.startsWith('DECODE_')) wrong.push(found.error)
    if (messageKey(topic, damaged, 0).length < 24 || countElements(damaged) < 0) wrong.push('no key')
  }
  t.strictSame(wrong, [])
})

t.test('frames are followed wherever the bytes are cut', async (t) => {
  const frame = (type: number, body: Buffer) => Buffer.concat([Buffer.from([type]), lengthBytes(body.length), body])
  const puback = (packetId: number) => frame(0x40, Buffer.from([packetId >> 8, packetId & 0xff]))
  const stream = Buffer.concat([
    frame(0x32, Buffer.alloc(300)),
    puback(1),
    frame(0xc0, Buffer.alloc(0)),
    puback(0xabcd),
    frame(0x30, Buffer.alloc(20_000)),
    puback(513),
  ])
  for (const step of [1, 2, 3, 7, 299, stream.length]) {
    const acknowledged: number[] = []
    const scanner = new FrameScanner((packetId) => acknowledged.push(packetId))
    for (let at = 0; at < stream.length; at += step) {
      if (scanner.oversize(stream.subarray(at, at + step), 20_000) !== null) acknowledged.push(-1)
    }
    t.strictSame(acknowledged, [1, 0xabcd, 513], `cut every ${step}`)
  }
  t.equal(new FrameScanner(() => {}).oversize(stream, 19_999), 20_000)
})
