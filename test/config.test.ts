import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { file, port, secret } from '../config/fields.ts'
import { formatProblems, loadConfiguration, type Problem } from '../config/load.ts'
import type { Configuration } from '../config/schema.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { adapterKinds } from '../gateway/adapter-kinds.ts'
import { packageRoot } from '../gateway/package-root.ts'

const signing = 'whsec_dGhpcyBpcyBhbiBleGFtcGxlLCBtYWtlIHlvdXIgb3du'
const destination = (name: string) => `  - { name: ${name}, url: "https://core.example/events", secret: ${signing} }`
const rest = ['adapters: []', 'destinations: []'].join('\n')

/** A kind with what a configuration can trip over: a listener, a choice, alternatives, a file and a secret. */
const bell = {
  kind: 'bell',
  channel: 'bell',
  options: z.strictObject({
    host: z.string().default('127.0.0.1'),
    port: port().default(0),
    tone: z.enum(['high', 'low']).default('low'),
    tls: z.union([z.literal('off'), z.strictObject({ cert: file() })]).default('off'),
    who: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('fixed'), id: z.string() }),
        z.strictObject({ by: z.literal('peer'), map: z.record(z.string(), z.string()) }),
      ])
      .optional(),
    password: secret().optional(),
  }),
  listeners: (options: { host: string; port: number }) => [
    { transport: 'tcp' as const, host: options.host, port: options.port, path: ['port'] },
  ],
  decode: () => [],
  create: () => ({ start: async () => {}, stop: async () => {} }),
} as unknown as AdapterKind<never>

const kinds = [bell, { ...bell, kind: 'siren' }]

/** Writes `text` into a folder of the test's own and loads it. */
function load(test: Test, text: string) {
  const folder = test.testdir({})
  const path = join(folder, 'gateway.yaml')
  writeFileSync(path, text)
  return { folder, path, loaded: loadConfiguration(path, kinds) }
}

function problemsOf(test: Test, text: string): readonly Problem[] {
  const { loaded } = load(test, text)
  return 'problems' in loaded ? loaded.problems : []
}

function configurationOf(test: Test, text: string): Configuration {
  const { loaded } = load(test, text)
  if ('problems' in loaded) throw new Error(formatProblems('gateway.yaml', loaded.problems, false))
  return loaded.configuration
}

const brief = (problems: readonly Problem[]) => problems.map(({ path, message }) => `${path}: ${message}`)

t.test('the examples that come with the gateway load with its own kinds of adapters', async (t) => {
  for (const name of ['minimal.yaml', 'example.yaml']) {
    const loaded = loadConfiguration(join(packageRoot, 'config', name), adapterKinds)
    // The example city is generated; without it there is one problem, of which the test of the city speaks.
    const problems = 'problems' in loaded ? loaded.problems.filter(({ path }) => path !== 'city') : []
    t.same(problems, [], name)
  }
})

t.test('everything but adapters and destinations has a default, in milliseconds where it is a time', async (t) => {
  const { adapters, destinations, data, city, ...defaults } = configurationOf(t, rest)
  t.same(adapters, [])
  t.same(destinations, [])
  t.match(data, /\/data$/)
  t.match(city, /config\/city-example$/)
  t.match(defaults, {
    name: 'gateway',
    database: { url: null, poolSize: 8, statements: 'named' },
    http: { host: '127.0.0.1', port: 8080, apiToken: null },
    log: { level: 'info', payloads: 'masked' },
    intake: { batch: 400, maxWaiting: 20_000, batchBytes: 16 * 1024 ** 2 },
    triage: { futureMs: 300_000, staleFixMs: 120_000 },
    retention: { keysMs: 14 * 86_400_000, messagesMs: 30 * 86_400_000 },
    drainMs: 10_000,
  })
})

t.test('notices have quiet hours, a cap and ways, and a way to nowhere is refused', async (t) => {
  const { notices } = configurationOf(t, rest)
  t.strictSame(notices, {
    quietHours: { startMinute: 1260, endMinute: 480 },
    dailyCap: 10,
    country: '86',
    expiresMs: { citizen: 259_200_000, collector: 86_400_000, department: 86_400_000 },
    routes: {
      citizen: [{ by: 'text', adapter: null, kind: null, afterMs: null }],
      collector: [
        { by: 'device', adapter: null, kind: null, afterMs: 600_000 },
        { by: 'text', adapter: null, kind: null, afterMs: null },
      ],
      department: [{ by: 'text', adapter: null, kind: null, afterMs: null }],
    },
  })
  t.equal(configurationOf(t, `notices: { quietHours: off }\n${rest}`).notices.quietHours, null)
  const wrong = [
    'notices:',
    '  quietHours: "21-8"',
    '  dailyCap: -1',
    '  country: 86',
    '  routes:',
    '    citizen: []',
    '    collector: [{ by: pigeon }, { by: text, adapter: nobody }, { by: text, kind: bells, after: 1 }]',
    rest,
  ]
  const said = problemsOf(t, wrong.join('\n')).map(({ path, message }) => `${path}: ${message}`)
  t.match(said.join('\n'), /quietHours: must be hours such as 21:00-08:00, or off/)
  t.match(said.join('\n'), /dailyCap: /)
  t.match(said.join('\n'), /country: /)
  t.match(said.join('\n'), /routes.citizen: /)
  t.match(said.join('\n'), /collector\[0\].by: /)
  t.match(said.join('\n'), /collector\[1\].adapter: no adapter has the name "nobody"/)
  t.match(said.join('\n'), /collector\[2\].kind: no adapter is of the kind "bells"/)
  t.match(said.join('\n'), /collector\[2\].after: must be a duration/)
})

t.test('a destination without filters takes everything but positions', async (t) => {
  const [core] = configurationOf(t, `adapters: []\ndestinations:\n${destination('core')}`).destinations
  const types = ['case-intent', 'delivery', 'answer', 'incident']
  t.same(core?.filter, { types, districts: [], purposes: [], urgencies: [] })
  t.same(core?.backoff, { firstMs: 1000, mostMs: 300_000 })
  t.equal(core?.timeoutMs, 30_000)
  t.equal(Buffer.from(core?.secret.key ?? []).toString(), 'this is an example, make your own')
})

t.test('a key with nothing after it counts as absent', async (t) => {
  t.equal(configurationOf(t, `http:\nretention: { keys: }\n${rest}`).http.port, 8080)
})

t.test('what was loaded is frozen to its leaves', async (t) => {
  const configuration = configurationOf(t, `adapters: [{ name: a, kind: bell }]\ndestinations:\n${destination('core')}`)
  for (const part of [configuration, configuration.http, configuration.adapters, configuration.adapters[0]?.options]) {
    t.ok(Object.isFrozen(part))
  }
  t.ok(Object.isFrozen(configuration.destinations[0]?.filter.types))
})

t.test('relative paths begin at the folder of the configuration', async (t) => {
  const folder = t.testdir({ conf: { city: {}, 'cert.pem': 'x', token: 'from a file\n' } })
  const path = join(folder, 'conf', 'gateway.yaml')
  const block = '{ name: a, kind: bell, tls: { cert: cert.pem }, password: { file: token } }'
  writeFileSync(path, `data: ./kept\ncity: ./city\nadapters: [${block}]\ndestinations: []`)
  const loaded = loadConfiguration(path, kinds)
  if ('problems' in loaded) return t.fail(formatProblems(path, loaded.problems, false))
  t.equal(loaded.configuration.data, join(folder, 'conf/kept'))
  t.equal(loaded.configuration.city, join(folder, 'conf/city'))
  const options = loaded.configuration.adapters[0]?.options as { tls: { cert: string }; password: { reveal(): string } }
  t.equal(options.tls.cert, join(folder, 'conf/cert.pem'))
  t.equal(options.password.reveal(), 'from a file')
})

t.test('every mistake is in one report, in the order of the file, each with its line and column', async (t) => {
  const problems = problemsOf(
    t,
    [
      'name: "a name"',
      'htpp: { port: 1 }',
      'http: { prot: 80, port: "80", host: 0.0.0.0 }',
      'log: { level: inof, payloads: true }',
      'drain: 10',
      'adapters:',
      '  - { name: a, kind: bel }',
      '  - { name: a, kind: bell, tone: hihg }',
      '  - { kind: bell, tls: { cret: x.pem } }',
      '  - { name: b, kind: bell, who: { by: pear } }',
      '  - { name: c, kind: bell, who: { by: fixed, di: 1 }, tls: on }',
      '  - { name: d, kind: bell, tls: { cert: gone.pem } }',
      'destinations: {}',
    ].join('\n'),
  )
  t.same(
    problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message.replace(/\/\S*\//, '')}`),
    [
      '1:7 name: is no name of a gateway: letters, digits, dots, dashes and underscores, at most 63',
      '2:1 htpp: "htpp" is unknown here; did you mean "http"?',
      '3:9 http.prot: "prot" is unknown here; did you mean "port"?',
      '3:25 http.port: must be a number, not text',
      '3:37 http.host: the API on "0.0.0.0" would be open to everyone: give http.apiToken, or listen on 127.0.0.1',
      '4:15 log.level: must be one of silent, fatal, error, warn, info, debug, trace, not "inof"; did you mean "info"?',
      '4:31 log.payloads: must be one of masked, shown; true is not among them',
      '5:8 drain: must be a duration such as 30s, 5m or 12h',
      '7:22 adapters[0].kind: there is no adapter kind "bel"; did you mean "bell"?',
      '8:13 adapters[1].name: "a" is already the name of adapters[0]',
      '8:34 adapters[1].tone: must be one of high, low, not "hihg"; did you mean "high"?',
      '9:5 adapters[2].name: is missing',
      '9:24 adapters[2].tls.cert: is missing',
      '9:26 adapters[2].tls.cret: "cret" is unknown here; did you mean "cert"?',
      '10:39 adapters[3].who.by: must be one of fixed, peer, not "pear"; did you mean "peer"?',
      '11:33 adapters[4].who.id: is missing',
      '11:46 adapters[4].who.di: "di" is unknown here; did you mean "id"?',
      '11:60 adapters[4].tls: must be off or a block of keys',
      '12:41 adapters[5].tls.cert: the file gone.pem does not exist',
      '13:15 destinations: must be a list: its elements begin with a dash',
    ],
  )
})

t.test('an unknown adapter kind that is like none is answered with the list of kinds', async (t) => {
  t.same(brief(problemsOf(t, 'adapters: [{ name: a, kind: smoke-signals }]\ndestinations: []')), [
    'adapters[0].kind: there is no adapter kind "smoke-signals"; there are bell, siren',
  ])
})

t.test('an unknown key that is like none is answered with the known ones', async (t) => {
  t.same(brief(problemsOf(t, `log: { colour: red }\n${rest}`)), [
    'log.colour: "colour" is unknown here; known are level, payloads',
  ])
})

t.test('two destinations of one name are refused', async (t) => {
  const problems = problemsOf(t, `adapters: []\ndestinations:\n${destination('core')}\n${destination('core')}`)
  t.same(brief(problems), ['destinations[1].name: "core" is already the name of destinations[0]'])
})

t.test('two listeners on one port are refused, whoever they are, and port 0 never is', async (t) => {
  const blocks = (http: number, first: number, second: number, host = '127.0.0.1') =>
    brief(
      problemsOf(
        t,
        [
          `http: { port: ${http} }`,
          'adapters:',
          `  - { name: a, kind: bell, port: ${first} }`,
          `  - { name: b, kind: bell, port: ${second}, host: "${host}" }`,
          'destinations: []',
        ].join('\n'),
      ),
    )
  t.same(blocks(0, 0, 0), [])
  t.same(blocks(1, 2, 3), [])
  t.same(blocks(1, 2, 2), ['adapters[1].port: port 2 (tcp) is already taken by adapter a'])
  t.same(blocks(1, 1, 2), ['adapters[0].port: port 1 (tcp) is already taken by http.port'])
  t.same(blocks(1, 2, 2, '127.0.0.2'), [], 'another address')
  t.same(blocks(1, 2, 2, '0.0.0.0'), ['adapters[1].port: port 2 (tcp) is already taken by adapter a'])
})

t.test("the gateway's own kinds say what they listen on, and take files beside the configuration", async (t) => {
  const folder = t.testdir({
    credentials: '',
    'gateway.yaml': `
http: { port: 1883 }
adapters:
  - { name: a, kind: mqtt-broker, credentials: credentials }
  - { name: b, kind: mqtt-broker, anonymous: loopback, tcp: { port: 10110 }, tls: { port: 1883, cert: gone.pem, key: gone.key } }
  - { name: c, kind: nmea, transport: tcp-server, port: 1883, subject: { by: fixed, id: v } }
  - { name: d, kind: nmea, transport: udp, port: 1883, subject: { by: fixed, id: v } }
  - { name: e, kind: mqtt-client, clientId: x, ca: gone.pem }
destinations: []
`,
  })
  const loaded = loadConfiguration(join(folder, 'gateway.yaml'), adapterKinds)
  t.same('problems' in loaded ? brief(loaded.problems) : [], [
    'adapters[0].tcp.port: port 1883 (tcp) is already taken by http.port',
    `adapters[1].tls.cert: the file ${join(folder, 'gone.pem')} does not exist`,
    `adapters[1].tls.key: the file ${join(folder, 'gone.key')} does not exist`,
    'adapters[2].port: port 1883 (tcp) is already taken by http.port',
    `adapters[4].ca: the file ${join(folder, 'gone.pem')} does not exist`,
  ])
})

t.test('without a token the API listens on loopback only', async (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) {
    t.same(problemsOf(t, `http: { host: "${host}" }\n${rest}`), [], host)
  }
  for (const host of ['0.0.0.0', '::', '10.1.2.3', 'gateway.example', '::ffff:10.0.0.1']) {
    const [problem] = problemsOf(t, `http: { host: "${host}" }\n${rest}`)
    t.match(problem?.message, /would be open to everyone/, host)
    t.same(problemsOf(t, `http: { host: "${host}", apiToken: abc }\n${rest}`), [], `${host} with a token`)
  }
})

t.test('a file that is not YAML is answered with the line, and nothing of what stands there', async (t) => {
  const problems = problemsOf(t, 'adapters: []\nhttp: { apiToken: "hunter2 }\n')
  t.match(problems, [{ line: 3, message: /^not valid YAML: Missing closing "quote/ }])
  for (const text of [
    'a: "hunter2',
    'a: *hunter2',
    'a: @hunter2',
    'a: `hunter2',
    'a: !hunter2 b',
    'a: [hunter2',
    '"a" hunter2: b: c',
    'a: b\n hunter2',
  ]) {
    const found = problemsOf(t, text)
    t.ok(found.length > 0, text)
    t.notMatch(JSON.stringify(found), 'hunter2', text)
  }
  t.match(problemsOf(t, 'http:\n  port: 1\nhttp:\n  port: 2'), [
    { line: 3, message: 'not valid YAML: Map keys must be unique' },
  ])
})

t.test('anchors and their references work, unless they have no end', async (t) => {
  t.equal(configurationOf(t, `http: { port: &port 1234 }\nintake: { batch: *port }\n${rest}`).intake.batch, 1234)
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...[...'bcdefgh'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`),
  ]
  for (const text of ['a: &a [*a]', bomb.join('\n'), 'a: *b']) {
    t.match(problemsOf(t, text), [{ message: /^not valid YAML: / }], text.slice(0, 20))
  }
})

t.test('a file that is missing, empty, a folder or no mapping is said to be so', async (t) => {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'sub'))
  const said = (name: string) => {
    const loaded = loadConfiguration(join(folder, name), kinds)
    return 'problems' in loaded ? brief(loaded.problems) : []
  }
  t.same(said('none.yaml'), [': there is no such file'])
  t.same(said('sub'), [': this is a folder, not a file'])
  t.same(brief(problemsOf(t, '# nothing yet\n')), [': the file is empty; config/minimal.yaml is a start'])
  t.same(brief(problemsOf(t, 'hello\n')), [': must be a block of keys'])
  t.same(brief(problemsOf(t, '{}\n')), ['adapters: is missing', 'destinations: is missing'])
})

t.test('a destination that could never be reached or trusted is refused', async (t) => {
  const said = (fields: string) => brief(problemsOf(t, `adapters: []\ndestinations: [{ name: core, ${fields} }]`))
  const good = `url: "https://core.example/", secret: ${signing}`
  const url = 'destinations[0].url: must be a URL that begins with https:// or http://'
  t.same(said(good), [])
  t.same(said(`url: core, secret: ${signing}`), [url])
  t.same(said(`url: "ftp://core.example", secret: ${signing}`), [url])
  t.match(said(`url: "https://me:hunter2@core.example", secret: ${signing}`), [/must not carry a user or password/])
  for (const bad of [
    'hunter2',
    'whsec_',
    'whsec_aHVudGVyMg==',
    'whsec_not base64 at all, but long enough for it',
    signing.slice(6),
  ]) {
    t.match(
      said(`url: "https://core.example/", secret: "${bad}"`),
      [/^destinations\[0\].secret: must be whsec_ followed by base64/],
      bad,
    )
  }
  t.same(said(`${good}, districts: [321002]`), ['destinations[0].districts[0]: must be text; put it in quotes'])
  t.same(said(`${good}, timeout: 30d`), ['destinations[0].timeout: must be at most 1d, not 30d'])
  t.match(said(`${good}, backoff: { first: 10m }`), [/^destinations\[0\].backoff.most: must not be less than first/])
  t.same(said(`${good}, perSecond: 0`), [], 'no limit')
})

t.test('a secret is read where it says, and never shows itself', async (t) => {
  process.env.CHENGGUAN_TEST_TOKEN = 'hunter2'
  t.teardown(() => {
    delete process.env.CHENGGUAN_TEST_TOKEN
  })
  const configuration = configurationOf(t, `http: { apiToken: { env: CHENGGUAN_TEST_TOKEN } }\n${rest}`)
  t.equal(configuration.http.apiToken?.reveal(), 'hunter2')
  for (const shown of [inspect(configuration), JSON.stringify(configuration), `${configuration.http.apiToken}`]) {
    t.notMatch(shown, 'hunter2')
    t.match(shown, '[secret]')
  }
})

t.test('no report of problems shows a secret', async (t) => {
  const texts = [
    'http: { apiToken: [hunter2] }',
    'http: { apiToken: { env: CHENGGUAN_NOT_SET, value: hunter2 } }',
    'database: { url: "mysql://root:hunter2@db/x" }',
    'database: { url: "postgres//root:hunter2@db/x" }',
    'log: { level: "hunter2 with more" }',
  ]
  for (const text of texts) {
    const problems = problemsOf(t, `${text}\n${rest}`)
    t.ok(problems.length > 0, text)
    t.notMatch(formatProblems('gateway.yaml', problems, false), 'hunter2')
  }
})

t.test('a secret that is not where it should be is said once', async (t) => {
  t.same(brief(problemsOf(t, `database: { url: { env: CHENGGUAN_NOT_SET } }\n${rest}`)), [
    'database.url: the environment variable CHENGGUAN_NOT_SET is not set',
  ])
  t.match(brief(problemsOf(t, `http: { apiToken: { file: ./gone } }\n${rest}`)), [
    /^http.apiToken: the file \/.*\/gone does not exist$/,
  ])
})

t.test('problems are printed as file:line:column, with colours only when asked for', async (t) => {
  const problems = [
    { path: 'http.port', line: 3, column: 9, message: 'is missing' },
    { path: '', line: null, column: null, message: 'there is no such file' },
  ]
  t.equal(
    formatProblems('a.yaml', problems, false),
    'a.yaml:3:9: http.port: is missing\na.yaml: there is no such file\n2 problems',
  )
  t.match(formatProblems('a.yaml', problems, true), '\u001b[1mhttp.port\u001b[22m')
})

t.test('a door that anybody could come in by is found before it opens', async (t) => {
  const problems = (lines: string, host: string) => {
    const apiToken = host === '127.0.0.1' ? '' : ', apiToken: abcdefghijklmnop'
    const adapter = `  - { name: a, kind: platform-alarms${lines} }`
    const path = join(t.testdir({}), 'doors.yaml')
    writeFileSync(path, `http: { host: ${host}${apiToken} }\nadapters:\n${adapter}\ndestinations: []\n`)
    const loaded = loadConfiguration(path, adapterKinds)
    return 'problems' in loaded ? loaded.problems.map(({ message }) => message) : []
  }
  t.strictSame(problems('', '127.0.0.1').length, 0)
  t.match(
    problems('', '0.0.0.0').join(),
    /anybody could post: give sources, username and password, key or signingSecret/,
  )
  t.match(problems(', password: x', '127.0.0.1').join(), /username and password are given together/)
  t.match(problems(', username: x', '0.0.0.0').join(), /username and password are given together/)
  t.strictSame(problems(', key: abc', '0.0.0.0').length, 0)
})
