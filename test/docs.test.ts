import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CloudEvent } from 'cloudevents'
import Fastify from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import { modbus } from '../adapters/modbus/adapter.ts'
import { mqttBroker } from '../adapters/mqtt/broker.ts'
import { decodeDown } from '../adapters/mqtt/codec.ts'
import { tokenLine } from '../adapters/mqtt/credentials.ts'
import { nmea } from '../adapters/nmea/adapter.ts'
import { Assembly } from '../adapters/nmea/assembly.ts'
import { Hello } from '../adapters/nmea/subject.ts'
import { tellCall } from '../gateway/calls/events.ts'
import { factsOf } from '../gateway/calls/facts.ts'
import { joinCall } from '../gateway/calls/join.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { commands } from '../gateway/cli/commands.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { RouteOptions } from '../gateway/http/route-options.ts'
import { addRoutes } from '../gateway/http/routes.ts'
import { tellIncidents } from '../gateway/incidents/events.ts'
import { usualStorm } from '../gateway/incidents/storm.ts'
import type { Source } from '../gateway/intake/arrival.ts'
import { relateIntents } from '../gateway/intake/relate.ts'
import { emptyRows } from '../gateway/intake/rows.ts'
import { decode, understand } from '../gateway/intake/understand.ts'
import { Metrics } from '../gateway/metrics.ts'
import { enter } from '../gateway/notices/notice.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { eventTypes } from '../gateway/relay/cloud-event.ts'
import { defaultLimits } from '../gateway/triage/limits.ts'
import { alarm } from './alarm-stage.ts'
import { answeredCall } from './call-stage.ts'

const documents = readdirSync(join(packageRoot, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -3))
const textOf = (name: string) => readFileSync(join(packageRoot, `docs/${name}.md`), 'utf8')

interface Example {
  /** What the comment before the block says. */
  readonly what: string
  readonly of: string
  readonly code: string
}

/** Code blocks that a test looks at: those with `<!-- what: of -->` on the line before them. */
function examples(text: string): Example[] {
  const marked = /^<!-- ([^:\n]+): (.+) -->\n```[a-z]*\n([\s\S]*?)^```$/gm
  return [...text.matchAll(marked)].map(([, what = '', of = '', code = '']) => ({ what, of, code }))
}

const blocks = documents.flatMap((name) => examples(textOf(name)).map((example) => ({ ...example, in: name })))

t.test('every mark in a document stands before a code block', async (t) => {
  const marks = documents.flatMap((name) => [...textOf(name).matchAll(/<!--/g)])
  t.equal(blocks.length, marks.length)
  t.ok(blocks.length > 20, 'the examples were found')
})

t.test('a file that a document shows is shown as it is, and every example is shown', async (t) => {
  const shown = blocks.filter(({ what }) => what === 'file')
  for (const { of, code } of shown) t.equal(code, readFileSync(join(packageRoot, of), 'utf8'), of)
  const there = readdirSync(join(packageRoot, 'docs/examples')).map((name) => `docs/examples/${name}`)
  t.same(shown.map(({ of }) => of).sort(), there.sort())
})

t.test('every path that a document names is there', async (t) => {
  const path = /`((?:adapters|bench|config|docs|gateway|prisma|scripts|simulators|test)\/[\w./-]*)`/g
  for (const name of documents)
    for (const [, named = ''] of textOf(name).matchAll(path)) {
      if (/^adapters\/line\//.test(named)) continue
      t.ok(existsSync(join(packageRoot, named)), `${name}.md: ${named}`)
    }
})

t.test('the house is drawn with every folder it has', async (t) => {
  const text = textOf('architecture')
  const folders = (at: string) =>
    readdirSync(join(packageRoot, at), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders('gateway')) t.match(text, new RegExp(`^ .*\\b${name}/`, 'm'), `gateway/${name}`)
  const aside = /^(dist|node_modules|\..*)$/
  for (const { name } of folders('.')) if (!aside.test(name)) t.match(text, new RegExp(`\\b${name}/`), name)
  for (const { name } of folders('adapters')) t.match(text, name, `adapters/${name}`)
})

t.test('links between documents lead somewhere', async (t) => {
  const slug = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-')
  for (const name of documents)
    for (const [, file = '', anchor = ''] of textOf(name).matchAll(/\]\(([\w-]*(?:\.md)?)(?:#([\w-]+))?\)/g)) {
      const target = readFileSync(join(packageRoot, 'docs', file === '' ? `${name}.md` : file), 'utf8')
      const titles = [...target.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => slug(title))
      t.ok(anchor === '' || titles.includes(anchor), `${name}.md: ${file}#${anchor}`)
    }
})

const brokerOptions = mqttBroker.options.parse({ anonymous: 'loopback' })

function publish(topic: string, payload: string) {
  const message = { key: 'k', raw: Buffer.from(payload), envelope: { topic }, receivedAt: new Date(0) }
  try {
    return mqttBroker.decode(message, brokerOptions)
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

t.test('every payload of the documents is read by the codec as they say', async (t) => {
  for (const { of, code } of blocks.filter(({ what }) => what === 'publish')) {
    const reports = publish(of, code)
    if (typeof reports === 'string') t.fail(`${of} is refused with ${reports}: ${code}`)
    else {
      const bad = reports.filter(({ kind }) => kind === 'malformed').length
      t.equal(bad, code.includes('yesterday') ? 1 : 0, `${of}: ${code.slice(0, 60)}`)
      t.ok(reports.length > bad)
    }
  }
  const refused = blocks.filter(({ what }) => what.startsWith('refused '))
  t.ok(refused.length > 0)
  for (const { what, of, code } of refused) t.equal(publish(of, code), what.slice('refused '.length), code)
  for (const { of, code } of blocks.filter(({ what }) => what === 'down')) {
    const { id, kind, expiresAt } = decodeDown(of, Buffer.from(code))
    t.match({ id, kind, expiresAt }, { id: /^[\da-f-]{36}$/, kind: of.split('/').at(-1), expiresAt: Date })
  }
})

t.test('every payload in the documents says what it is an example of', async (t) => {
  for (const name of ['core', 'devices'] as const) {
    const json = textOf(name).match(/^```json$/gm)?.length ?? 0
    t.equal(json, blocks.filter((one) => one.in === name && /publish|refused|down|event/.test(one.what)).length, name)
  }
})

t.test('NMEA of the documents becomes a position of the vehicle it says', async (t) => {
  const shown = blocks.filter(({ what }) => what === 'nmea')
  t.equal(shown.length, 2)
  for (const { of, code } of shown) {
    const [by = '', subject = ''] = of.split(' ')
    const bytes = Buffer.from(code.replaceAll('\n', '\r\n'))
    const options = nmea.options.parse({ transport: 'tcp-server', subject: { by } })
    const hello = options.subject.by === 'hello' ? new Hello(options.subject).push(bytes) : null
    if (hello === 'more') return t.fail('the hello line has no end')
    const talker =
      hello === null ? { subjectOf: (source: string) => source } : { subject: hello.subject ?? 'nobody is named' }
    const assembly = new Assembly(talker, '192.0.2.1', 'required')
    const now = new Date('2026-11-23T10:52:01Z')
    const outcomes = [...assembly.push(hello?.rest ?? bytes, now), ...assembly.end(now)]
    t.strictSame(
      outcomes.map(({ kind }) => kind),
      ['message'],
    )
    const reports = outcomes.flatMap(({ message }) => nmea.decode({ ...message, receivedAt: now }, options))
    t.match(reports, [{ kind: 'position', subject, gps: { valid: true } }])
    t.equal(reports.length, 1)
  }
})

t.test('a credentials line of the documents is of the form that is made', async (t) => {
  const shown = [...textOf('devices').matchAll(/^h-\d+:(sha256|scrypt)\$\S+\$[\da-f]{64}$/gm)]
  t.equal(shown.length, 2)
  t.match(tokenLine('h-0003', 'token'), /^h-0003:sha256\$\S+\$[\da-f]{64} role=device$/)
})

t.test('blocks of adapters in the documents are in order', async (t) => {
  const yaml = [...textOf('devices').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => parse(text))
  t.equal(yaml.length, 3)
  for (const { adapters } of yaml as { adapters: Record<string, unknown>[] }[])
    for (const { kind, ...block } of adapters) t.match(kind, /^mqtt-(broker|client)$/, JSON.stringify(block))
})

/** Where two values differ in names or kinds, `null` agreeing with anything; `null` when they do not. */
function difference(shown: unknown, real: unknown, at = 'event'): string | null {
  if (shown === null || real === null) return null
  if (Array.isArray(shown) && Array.isArray(real))
    return shown.length === 0 || real.length === 0 ? null : difference(shown[0], real[0], `${at}[0]`)
  if (typeof shown !== typeof real) return `${at} is a ${typeof shown}, and a ${typeof real} in truth`
  if (typeof shown !== 'object' || typeof real !== 'object') return null
  const names = (value: object) => Object.keys(value).sort().join(' ')
  if (names(shown) !== names(real)) return `${at} has ${names(shown)}, and in truth ${names(real)}`
  const inside = Object.entries(real).map(([name, value]) =>
    difference(Reflect.get(shown, name), value, `${at}.${name}`),
  )
  return inside.find((one) => one !== null) ?? null
}

/** A water gauge that has passed a level, as an adapter for sensors would decode it. */
function alarmExample(receivedAt: Date) {
  const detail = { value: '3.12', unit: 'm' }
  const report = alarm('s-001', 'high', { of: 'sensor', phase: 'began', part: 'level', detail })
  const source: Source = { adapter: 'gauges', channel: 'sensor', keyScope: 'gauges', decode: () => [report] }
  const message = { key: 'alarm', raw: Buffer.from(''), envelope: {}, receivedAt }
  return decode({ id: '01a2080d-0000-7000-8000-0000000a1a12', source, message })
}

/** A water gauge's poll, as Modbus brings it. */
function readingExample(receivedAt: Date) {
  const points = [
    { point: 'level', function: 'holding', address: 0, scale: 0.01, unit: 'm', alarms: [{ event: 'high', above: 3 }] },
    { point: 'rain', function: 'holding', address: 1, none: [65_535], unit: 'mm' },
  ]
  const units = [{ unit: 1, sensor: 's-005', map: { points } }]
  const options = modbus.options.parse({ transport: 'tcp', host: '127.0.0.1', units })
  const source: Source = {
    ...{ adapter: 'gauges', channel: 'sensor', keyScope: 'gauges' },
    decode: (message) => modbus.decode(message, options),
  }
  const envelope = { unit: '1', at: receivedAt.toISOString(), requests: '[[3,0,2]]' }
  const message = { key: 'reading', raw: Buffer.from('03040138ffff', 'hex'), envelope, receivedAt }
  return decode({ id: '01a2080d-0000-7000-8000-0000000a1a13', source, message })
}

/** Every event that the examples of docs/devices.md lead to, made by decode, triage and relate as in a batch. */
async function eventsOfExamples(): Promise<Map<string, Record<string, unknown>[]>> {
  const { city } = await loadCity(join(packageRoot, 'config/city-example'))
  if (city === null) throw new Error('the example city does not load')
  const filter = { types: eventTypes, districts: [], purposes: [], urgencies: [] }
  const how = {
    city,
    limits: defaultLimits,
    destinations: [{ name: 'core', filter }],
    portTakers: new Map(),
    storm: usualStorm,
    eventSource: '/chengguan/x',
  }
  const source: Source = {
    adapter: 'handhelds',
    channel: 'mqtt',
    keyScope: 'handhelds',
    decode: (message) => mqttBroker.decode(message, brokerOptions),
  }
  const receivedAt = new Date('2026-11-23T10:57:50Z')
  const batch = blocks
    .filter(({ what }) => what === 'publish')
    .map(({ of, code }, i) => {
      const id = `01a2080d-0000-7000-8000-${String(i).padStart(12, '0')}`
      const message = { key: String(i), raw: Buffer.from(code), envelope: { topic: of }, receivedAt }
      return decode({ id, source, message })
    })
  batch.push(alarmExample(receivedAt), readingExample(receivedAt))
  const subjects = ['h-0001', 'h-0002', 'h-0003', 's-001'].map((name) => [name, { version: 0, memory: null }] as const)
  const rows = understand(batch, new Map(), new Map(subjects), how)
  const { intents } = rows
  const near = intents.find(({ intent }) => intent.location !== null)?.intent
  if (near?.location?.grid == null) throw new Error('no example has a unit grid')
  const { latitude, longitude, grid } = near.location
  const earlier = {
    id: 'x',
    grid,
    kind: near.kind,
    categoryCode: near.category.code,
    candidateCodes: [],
    componentId: null,
    text: null,
    reporter: 'h-0009',
    accuracyM: null,
  }
  relateIntents(rows, [{ ...earlier, latitude, longitude, receivedAt }], new Map(), how)
  const notice = {
    id: 'n',
    adapter: 'handhelds',
    addressee: 'h-0002',
    kind: 'notice',
    leg: 0,
    routes: [],
    template: null,
    intentId: null,
    caseNumber: null,
    tells: null,
    reviewAt: null,
    audience: 'device',
  } as const
  tellIncidents(rows, how)
  const from = { messageId: '01a2080d-0000-7000-8000-0000000ca110', receivedAt, adapter: 'hotline', channel: 'call' }
  const legs = answeredCall('a', new Date('2026-11-23T10:50:00Z')).records
  const call = joinCall(
    legs.map((leg) => factsOf(leg, from, how.limits)),
    city,
  )
  tellCall({ call, revision: 1, settledAt: receivedAt, mergedInto: null, ids: ['a', 'a-b'] }, [], how, rows)
  const announced = emptyRows()
  enter(notice, { state: 'expired', at: receivedAt }, how, announced)
  const events = new Map<string, Record<string, unknown>[]>()
  for (const { type, body } of [...rows.outbox, ...announced.noticeStates.flatMap((row) => row.events)])
    events.set(type, [...(events.get(type) ?? []), JSON.parse(body)])
  return events
}

t.test('a field too many, too few or of another kind is noticed', async (t) => {
  t.equal(difference({ a: 1, b: [{ c: 'x' }] }, { a: 2, b: [{ c: null }] }), null)
  t.match(difference({ a: 1 }, { a: 1, b: 2 }), /in truth a b/)
  t.match(difference({ a: 1, b: 2 }, { a: 1 }), /has a b/)
  t.match(difference({ a: [{ b: 1 }] }, { a: [{ b: 'x' }] }), /event\.a\[0\]\.b/)
})

t.test('every event of the documents has the fields that the gateway sends, each of them explained', async (t) => {
  const real = await eventsOfExamples()
  const text = textOf('core')
  for (const type of eventTypes) {
    const shown = blocks.find(({ what, of }) => what === 'event' && of === type)
    const event = JSON.parse(shown?.code ?? 'null') as Record<string, unknown>
    t.equal(new CloudEvent(event).validate(), true, `${type} is a CloudEvent`)
    t.equal(event.type, `chengguan.${type}.v1`)
    const made = real.get(type) ?? []
    t.ok(made.length > 0, `the examples lead to a ${type}`)
    for (const one of made) t.equal(difference(event, one), null)
    const data = event.data as Record<string, unknown>
    for (const field of Object.keys(data)) t.match(text, `\`${field}\``, `${type}: ${field}`)
    for (const field of Object.keys(data.location ?? {})) t.match(text, `\`location.${field}\``)
  }
})

t.test('every route is in the documents', async (t) => {
  const app = Fastify()
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD') routes.push(`${method} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  await app.register(async (scope) => addRoutes(scope, {} as RouteOptions), { prefix: '/v1' })
  t.ok(routes.length > 10, 'the routes were found')
  for (const route of routes) t.match(textOf('core'), `\`${route}`)
})

t.test('every command, exit code, metric and error code is in the documents', async (t) => {
  const text = textOf('operations')
  for (const { synopsis } of commands) t.match(text, synopsis)
  for (const code of [0, 1, 64, 69, 78]) t.match(text, new RegExp(`^\\| ${code} \\|`, 'm'))
  const metrics = new Metrics()
  metrics.watch(
    () => 0,
    async () => [],
    [],
    async () => ({ inDoubt: 0, listed: 0, oldest: [] }),
    async () => ({ open: [], totals: [] }),
    async () => ({ calls: [], forms: [] }),
  )
  const own = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name)
  for (const name of own) if (!/_(process|nodejs)_/.test(name)) t.match(text, `\`${name}\``)
  const codes = readFileSync(join(packageRoot, 'gateway/errors.ts'), 'utf8').matchAll(/^ {2}([A-Z]+_[A-Z_]+):/gm)
  for (const [, code = ''] of codes) t.match(text, `\`${code}\``)
})

t.test('every log line of the documents is one that the gateway logs', async (t) => {
  const [, section = ''] = textOf('operations').split('## Log lines')
  const [table = ''] = section.split('\n## ')
  const phrases = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)])
  const code = ['gateway', 'adapters']
    .flatMap((house) =>
      readdirSync(join(packageRoot, house), { encoding: 'utf8', recursive: true }).map((path) => join(house, path)),
    )
    .filter((path) => path.endsWith('.ts') && !path.includes('store/client/'))
    .map((path) => readFileSync(join(packageRoot, path), 'utf8'))
    .join('\n')
  t.ok(phrases.length > 15, 'the phrases were found')
  for (const [, phrase = ''] of phrases) t.ok(code.includes(`'${phrase}'`), phrase)
})
