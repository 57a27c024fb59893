import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import iconv from 'iconv-lite'
import t, { type Test } from 'tap'
import { platformAlarms, platformSensors } from '../adapters/platform/alarms.ts'
import { platformCalls } from '../adapters/platform/calls.ts'
import { inboundOf } from '../adapters/platform/payload.ts'
import type { AdapterContext, Errand, Inbound } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { Report } from '../gateway/report.ts'
import { SimulatedCallCentre } from '../simulators/platform-call-centre.ts'

const delivery = { path: '/', headers: {}, contentType: 'application/json', query: {}, peer: '127.0.0.1', id: null }
const receivedAt = new Date('2026-11-26T01:00:00Z')

function calls(body: string | Buffer, path = '/calls', options = {}, contentType = 'application/json'): Report[] {
  const envelope = { path, contentType, peer: '127.0.0.1', exchange: 'hotline' }
  return platformCalls.decode(
    { key: '', raw: Buffer.from(body), envelope, receivedAt },
    platformCalls.options.parse(options),
  )
}

function alarms(body: string, options = {}): Report[] {
  const envelope = { path: '/', contentType: 'application/json', peer: '127.0.0.1' }
  return platformAlarms.decode(
    { key: '', raw: Buffer.from(body), envelope, receivedAt },
    platformAlarms.options.parse(options),
  )
}

function codeOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof GatewayError) return `${error.code}: ${error.detail}`
    throw error
  }
  return 'nothing'
}

t.test('a call as a call centre tells it', async (t) => {
  const [call] = calls(
    JSON.stringify({
      call: 4711,
      leg: 'b',
      heard: 'live',
      direction: 'inbound',
      caller: '13800138000',
      called: '123191',
      seat: 8001,
      digits: '12',
      startedAt: '2026-11-26T08:59:00+08:00',
      endedAt: '',
      ending: 'refused',
      cause: 21,
    }),
  )
  t.match(call, {
    kind: 'call',
    subject: 'tel:+8613800138000',
    exchange: 'hotline',
    call: '4711',
    leg: 'b',
    heard: 'live',
    called: '123191',
    seat: '8001',
    startedAt: new Date('2026-11-26T00:59:00Z'),
    endedAt: null,
    ending: 'refused',
    cause: '21',
  })
  t.match(calls('{"call":"c-1"}'), [{ subject: 'call:hotline/c-1', leg: 'c-1', heard: 'record', caller: null }])
})

t.test('a time without an offset is of the configured zone, and refused where there is none', async (t) => {
  const body = '{"call":"c-1","startedAt":"2026-11-26 08:59:00"}'
  t.match(
    codeOf(() => calls(body)),
    /DECODE_FIELD: startedAt must be a time with its offset: no timeZone is configured/,
  )
  t.match(calls(body, '/calls', { timeZone: 'Asia/Shanghai' }), [{ startedAt: new Date('2026-11-26T00:59:00Z') }])
  t.throws(() => platformCalls.options.parse({ timeZone: 'Peking' }), /IANA/)
})

t.test('a form in GBK, with a point on a map that is not WGS-84', async (t) => {
  const form = {
    call: 'c-1',
    number: 'F-7',
    seat: '8001',
    caller: '0514-87654321',
    name: '王女士',
    text: '井盖丢了',
    category: { words: '井盖' },
    place: { lat: 32.39, lon: 119.42, system: 'gcj02' },
    urgent: true,
  }
  const [report] = calls(iconv.encode(JSON.stringify(form), 'gbk'), '/forms', {}, 'application/json; charset=GBK')
  t.match(report, {
    kind: 'call-form',
    call: 'c-1',
    caller: 'tel:+8651487654321',
    text: '井盖丢了',
    name: '王女士',
    place: { latitude: 32.39, longitude: 119.42, system: 'gcj02' },
    urgent: true,
  })
  t.match(
    codeOf(() => calls('{"call":"c-1"}', '/forms')),
    /DECODE_FIELD: text must be text, where neither category/,
  )
  t.match(
    codeOf(() => calls('{}', '/calls', {}, 'application/json; charset=klingon')),
    /DECODE_ENCODING/,
  )
})

t.test('one bad element of a hundred dies alone', async (t) => {
  const reports = calls(JSON.stringify([{ call: 'a' }, { call: 'b', ending: 'eaten' }, 7, { call: 'd' }]))
  t.strictSame(
    reports.map(({ kind }) => kind),
    ['call', 'malformed', 'malformed', 'call'],
  )
  t.match(
    codeOf(() => calls(`[${Array(11).fill('{"call":1}').join()}]`, '/calls', { maxElements: 10 })),
    /TOO_LARGE/,
  )
  t.match(
    codeOf(() => calls('{"call":')),
    /DECODE_SYNTAX/,
  )
})

t.test('an alarm, with a picture inside and one to be fetched', async (t) => {
  const alarm = {
    device: 'c-001',
    event: 'intrusion',
    part: 2,
    phase: 'began',
    occurrence: 77,
    time: '1970-01-01T00:00:12Z',
    detail: { score: 0.9, label: 'person', nothing: '' },
    place: { lat: 32.39, lon: 119.42 },
    attachments: [{ name: 'a.jpg', base64: Buffer.from('\xff\xd8\xff', 'latin1').toString('base64') }],
    snapshot: 'https://video.example/77.jpg',
  }
  const [report] = alarms(JSON.stringify(alarm), { snapshotHosts: ['video.example'] })
  t.match(report, {
    kind: 'alarm',
    subject: 'c-001',
    of: 'camera',
    part: '2',
    phase: 'began',
    occurrence: '77',
    deviceTime: new Date(12_000),
    detail: { score: '0.9', label: 'person' },
    where: { latitude: 32.39 },
    attachments: [{ name: 'a.jpg' }],
    snapshot: '{"url":"https://video.example/77.jpg","event":"intrusion","part":"2","occurrence":"77"}',
  })
  t.match(alarms(JSON.stringify(alarm)), [{ snapshot: null }], 'without hosts nothing is fetched')
  t.match(
    codeOf(() => alarms('{"device":"c-001"}')),
    /DECODE_FIELD: event/,
  )
  const sensor = { key: '', raw: Buffer.from('{"device":"s-001","event":"high"}'), envelope: { path: '/' }, receivedAt }
  t.match(platformSensors.decode(sensor, platformSensors.options.parse({})), [{ of: 'sensor', phase: 'once' }])
})

async function platform(t: Test, given: Record<string, unknown>) {
  const app = Fastify()
  const accepted: Inbound[] = []
  const made: { perform?: (errand: Errand) => Promise<void>; start?: () => Promise<void> } = {}
  const options = platformAlarms.options.parse({ privateAddresses: 'allowed', ...given })
  await app.register(
    async (scope) => {
      const context = {
        name: 'police',
        http: scope,
        accept: async (message: Inbound) => {
          accepted.push(message)
          return 'stored'
        },
        report: () => {},
        refused: () => {},
      } as unknown as AdapterContext
      Object.assign(made, { adapter: platformAlarms.create(options, context) })
    },
    { prefix: '/ingest/police' },
  )
  t.teardown(() => app.close())
  const { adapter } = made as unknown as { adapter: ReturnType<typeof platformAlarms.create> }
  await adapter.start()
  return { adapter, accepted, options }
}

t.test('a picture is fetched from allowed hosts alone, bounded, and only if it is one', async (t) => {
  const jpeg = Buffer.concat([Buffer.from('\xff\xd8\xff\xe0', 'latin1'), Buffer.alloc(1000)])
  const server = createServer((request, response) => {
    if (request.url === '/page') response.end('<html>')
    else if (request.url === '/big') response.end(Buffer.alloc(100_000, 0xff))
    else if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else response.end(jpeg)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const { adapter, accepted, options } = await platform(t, { snapshotHosts: [host], snapshotSize: '64KiB' })
  const errand = (url: string): Errand => ({
    id: '0199c0de-0000-7000-8000-000000000001',
    subject: 'c-001',
    content: Buffer.from(JSON.stringify({ url, event: 'intrusion', part: null, occurrence: '77' })),
    receivedAt,
    attempt: 1,
  })
  await adapter.perform?.(errand(`http://${host}/77.jpg`))
  const [message] = accepted
  t.match(message && platformAlarms.decode({ ...message, receivedAt }, options), [
    {
      subject: 'c-001',
      event: 'intrusion',
      occurrence: '77',
      phase: 'going-on',
      attachments: [{ mediaType: 'image/jpeg', content: jpeg }],
    },
  ])
  const refused = async (url: string) =>
    adapter.perform?.(errand(url)).then(
      () => 'taken',
      (error) => error.code,
    )
  t.equal(await refused(`http://${host}/page`), 'DECODE_UNSUPPORTED')
  t.equal(await refused(`http://${host}/big`), 'DECODE_TOO_LARGE')
  t.equal(await refused(`http://${host}/away`), 'DECODE_UNFETCHED', 'no redirect is followed')
  t.equal(await refused(`http://gateway:word@${host}/77.jpg`), 'DECODE_NOT_ALLOWED')
  t.equal(await refused('http://elsewhere.example/'), 'DECODE_NOT_ALLOWED')
  t.equal(await refused(`file:///etc/passwd`), 'DECODE_NOT_ALLOWED')
  t.equal(accepted.length, 1)
})

t.test('what says neither when nor which stands for a retry for a while only', async (t) => {
  const keep = (body: string) => inboundOf({ ...delivery, body: Buffer.from(body) }, {}).keyHoldsMs
  t.equal(keep('{"device":"s-002","event":"high","phase":"began"}'), 60_000)
  t.equal(keep('{"device":"s-002","event":"high","phase":"began","time":"2026-11-26T09:00:00+08:00"}'), undefined)
  t.equal(keep('{"device":"s-002","event":"high","time":null}'), 60_000)
  t.match(
    codeOf(() => calls('{"call":"\\u0000"}')),
    /DECODE_FIELD: call/,
    'a NUL is no name',
  )
})

t.test('names without end and nesting without end are faults of a field', async (t) => {
  const long = 'x'.repeat(9000)
  t.match(
    codeOf(() => alarms(JSON.stringify({ device: long, event: 'high' }))),
    /DECODE_FIELD: device must be at most 256/,
  )
  t.match(
    codeOf(() => calls(JSON.stringify({ call: long }))),
    /DECODE_FIELD: call/,
  )
  const deep = `{"device":"c-1","event":"e","detail":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
  t.match(
    codeOf(() => alarms(deep)),
    /DECODE_/,
  )
})

t.test('the simulated call centre is understood and believed', async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
  const app = Fastify()
  const accepted: Inbound[] = []
  const options = platformCalls.options.parse({ signingSecret: secret })
  let busy = 2
  await app.register(
    async (scope) => {
      const context = {
        name: 'hotline',
        http: scope,
        accept: async (message: Inbound) => {
          if (busy-- > 0) throw new GatewayError('STORE_FULL', 'full')
          accepted.push(message)
          return 'stored'
        },
        report: () => {},
        refused: () => {},
      } as unknown as AdapterContext
      await platformCalls.create(options, context).start()
    },
    { prefix: '/ingest/hotline' },
  )
  t.teardown(() => app.close())
  const centre = new SimulatedCallCentre(`${await app.listen({ port: 0 })}/ingest/hotline`, secret)
  await centre.calls({ call: 'c-1', caller: '13800138000' }, { call: 'c-2' })
  await centre.form({ call: 'c-1', number: 'F-1', text: '路灯不亮' })
  t.equal(centre.refusals, 2)
  t.strictSame([...centre.acknowledged], ['c-1', 'c-2', 'F-1'])
  t.match(
    accepted.map((message) => platformCalls.decode({ ...message, receivedAt }, options)),
    [[{ call: 'c-1', exchange: 'hotline' }, { call: 'c-2' }], [{ kind: 'call-form', number: 'F-1' }]],
  )
})
