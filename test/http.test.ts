import t, { type Test } from 'tap'
import { Handheld, noTroubles } from '../simulators/mqtt-handheld.ts'
import { GatewayProcess, portOf } from './gateway-process.ts'
import { connect, until } from './mqtt-stage.ts'

t.setTimeout(280_000)

const apiToken = 'a token of this test, long enough for anybody'
const authorization = `Bearer ${apiToken}`

/** Biased towards what SQL, paths, headers, dates and Prisma stumble over. */
const hostile = [
  `'; DROP TABLE message; --`,
  '%00',
  '\u0000',
  '..%2f..%2fetc%2fpasswd',
  '-1',
  '0x10',
  '1e400',
  '９９',
  '<script>alert(1)</script>',
  '{"$ne":null}',
  'x'.repeat(5000),
  'urn:uuid:019a0000-0000-7000-8000-000000000001',
  'ffffffff-ffff-4fff-8fff-ffffffffffff',
  'ffffffff-ffff-7fff-8fff-ffffffffffff',
  '00000000-0000-0000-0000-000000000000',
  '2016-12-31T23:59:60Z',
  '2026-11-23T10:00:00+01',
  '0000-01-01T00:00:00Z',
  '2026-02-31T00:00:00Z',
]

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

class Stage {
  readonly gateway: GatewayProcess
  readonly http: string
  readonly device: Handheld

  private constructor(gateway: GatewayProcess, http: string, device: Handheld) {
    this.gateway = gateway
    this.http = http
    this.device = device
  }

  static async open(t: Test): Promise<Stage> {
    const devices = ['h-1', 'h-2'].map((name) => ({ name, password: `token of ${name}` }))
    const gateway = await GatewayProcess.prepare({
      http: { host: '127.0.0.1', port: 0, apiToken },
      adapters: [{ name: 'handhelds', kind: 'mqtt-broker', tcp: { port: 0 }, devices }],
      destinations: [{ name: 'core', url: 'http://127.0.0.1:1/', secret: `whsec_${'A'.repeat(43)}=` }],
    })
    t.teardown(() => gateway.remove())
    const addresses = await gateway.start()
    const url = `mqtt://127.0.0.1:${portOf(addresses, 'handhelds')}`
    const run = 'http'
    const device = new Handheld({ url, device: 'h-1', password: 'token of h-1', run, troubles: noTroubles })
    t.teardown(() => device.stop())
    await device.start()
    const place = { lat: 32.39, lon: 119.42, accuracyM: 5 }
    await device.position(place)
    for (const words of ['暴露垃圾', '占道经营', '井盖'])
      await device.report({ kind: 'event', category: { words }, text: '路边', place })
    const raw = await connect(url, { username: 'h-2', password: 'token of h-2' })
    for (let i = 0; i < 3; i++) await raw.publishAsync('v1/h-2/up/report', `not json ${i} <script>`, { qos: 1 })
    await raw.endAsync()
    return new Stage(gateway, addresses.http, device)
  }

  async ask(path: string, init: RequestInit & { body?: string } = {}): Promise<Answered> {
    const headers = { authorization, ...(init.body !== undefined && { 'content-type': 'application/json' }) }
    const response = await fetch(`${this.http}${path}`, { ...init, headers: { ...headers, ...init.headers } })
    const text = await response.text()
    let json = {}
    try {
      json = JSON.parse(text) as Record<string, unknown>
    } catch {
      // Text and bytes are asked for too.
    }
    return { status: response.status, headers: response.headers, text, json }
  }

  async list<Row>(path: string, name: string): Promise<readonly Row[]> {
    const { status, json, text } = await this.ask(path)
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    return json[name] as Row[]
  }
}

interface Letter {
  readonly id: string
  readonly messageId: string
  readonly code: string
}

t.test('a running gateway', async (t) => {
  const stage = await Stage.open(t)

  await t.test('lists intents by cursor, each once, and shows one whole', async (t) => {
    const ids: string[] = []
    let after = '0'
    for (let page = 0; page < 4; page++) {
      const { json } = await stage.ask(`/v1/intents?limit=1&after=${after}`)
      ids.push(...(json.intents as { id: string }[]).map(({ id }) => id))
      after = String(json.next)
    }
    t.equal(ids.length, 3)
    t.equal(new Set(ids).size, 3)
    const { json } = await stage.ask(`/v1/intents/${ids[0]}`)
    t.match(json, {
      intent: { id: ids[0], channel: 'mqtt' },
      evidence: [{ adapter: 'handhelds', disposition: 'stored', envelope: { topic: 'v1/h-1/up/report' } }],
      deliveries: [{ destination: 'core' }],
    })
    t.strictSame(await stage.list('/v1/intents?purpose=sos', 'intents'), [])
    t.equal((await stage.list('/v1/intents?purpose=report', 'intents')).length, 3)
    t.strictSame(await stage.list(`/v1/intents?district=${encodeURIComponent(`' OR 1=1 --`)}`, 'intents'), [])
  })

  await t.test('gives raw bytes back as they came, and never as a page', async (t) => {
    const [letter] = await stage.list<Letter>('/v1/dead-letters', 'messages')
    const { text, headers } = await stage.ask(`/v1/messages/${letter?.messageId}/raw`)
    t.equal(text, 'not json 0 <script>')
    t.equal(headers.get('content-type'), 'application/octet-stream')
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.match(headers.get('content-disposition'), /^attachment; filename="[\da-f-]{36}\.bin"$/)
    const explained = await stage.ask(`/v1/messages/${letter?.messageId}/explanation`)
    t.match(explained.text, /# message[\s\S]*DECODE_SYNTAX[\s\S]*# bytes/)
    t.match(explained.headers.get('content-type'), /^text\/plain/)
  })

  await t.test('knows devices and their tracks', async (t) => {
    t.match(await stage.list('/v1/devices', 'devices'), [{ subject: 'h-1', adapter: 'handhelds', presence: 'online' }])
    const { json } = await stage.ask('/v1/devices?limit=1')
    t.strictSame(await stage.list(`/v1/devices?after=${json.next}`, 'devices'), [])
    const fixes = await stage.list<{ latitude: number }>('/v1/tracks/h-1', 'fixes')
    t.ok(fixes.length >= 1)
    t.equal(fixes[0]?.latitude, 32.39)
    t.strictSame(await stage.list('/v1/tracks/h-1?to=2020-01-01T00:00:00Z', 'fixes'), [])
    t.equal((await stage.list('/v1/tracks/h-1?from=2026-01-01T00:00:00%2B08:00', 'fixes')).length, fixes.length)
    t.strictSame(await stage.list(`/v1/tracks/${encodeURIComponent(`x' OR '1'='1`)}`, 'fixes'), [])
  })

  await t.test('keeps a ledger that adds up', async (t) => {
    const { json } = await stage.ask('/v1/ledger')
    t.match(json, {
      balanced: true,
      channels: [{ adapter: 'handhelds', channel: 'mqtt', deadLettered: { DECODE_SYNTAX: 3 } }],
      destinations: [{ destination: 'core', delivered: 0, dead: 0 }],
    })
    t.strictSame((await stage.ask('/v1/audit')).json.faults, [])
    t.match((await stage.ask('/v1/channels')).json, { channels: [{ name: 'handhelds', state: 'listening' }] })
  })

  await t.test('takes dead letters up again, one and by filter', async (t) => {
    const letters = await stage.list<Letter>('/v1/dead-letters?limit=2', 'messages')
    t.equal(letters.length, 2)
    const { json } = await stage.ask('/v1/dead-letters?limit=2')
    t.equal((await stage.list(`/v1/dead-letters?after=${json.next}`, 'messages')).length, 1)
    const one = await stage.ask(`/v1/dead-letters/${letters[0]?.id}/replay`, { method: 'POST' })
    t.equal(one.status, 422)
    t.match(one.json, { id: letters[0]?.id, outcome: 'still-dead', reason: /DECODE_SYNTAX/ })
    const all = (body: object) => stage.ask('/v1/dead-letters/replay', { method: 'POST', body: JSON.stringify(body) })
    t.equal(((await all({ code: 'DECODE_SYNTAX' })).json.stillDead as unknown[]).length, 3)
    t.strictSame((await all({ code: 'DECODE_FIELD' })).json, { replayed: 0, stillDead: [] })
    t.strictSame((await all({ adapter: 'another' })).json, { replayed: 0, stillDead: [] })
    t.strictSame((await all({ destination: 'core' })).json, { replayed: 0, stillDead: [] })
    for (const id of ['m999999', 'e999999', 'm999999999999999999'])
      t.equal((await stage.ask(`/v1/dead-letters/${id}/replay`, { method: 'POST' })).status, 404)
  })

  await t.test('sends a notice once for one key', async (t) => {
    const post = (key: string, changes: object = {}) =>
      stage.ask('/v1/notices', {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ addressee: 'h-1', kind: 'task', body: { case: 'C-1' }, ...changes }),
      })
    const first = await post('one')
    t.equal(first.status, 202)
    const id = String(first.json.id)
    t.equal(first.headers.get('location'), `/v1/notices/${id}`)
    await until('the device has it', () => stage.device.record.notices.has(id))
    const again = await post('one')
    t.equal(again.status, 200)
    t.equal(again.json.id, id)
    t.match(await post('one', { kind: 'notice' }), { status: 409, json: { code: 'NOTICE_INVALID' } })
    t.match(await post('two', { adapter: 'vehicles' }), { status: 409, json: { error: /vehicles/ } })
    t.equal((await post('three', { addressee: '; DROP TABLE notice' })).status, 202, 'a name like another')
    for (const expiresAt of ['2016-12-31T23:59:60Z', '2026-11-23T10:00:00+01', '0000-01-01T00:00:00Z', 'soon', ''])
      t.match(
        await post('four', { expiresAt }),
        { status: 400, json: { error: /expiresAt must be a time/ } },
        expiresAt,
      )
    t.match(await post('five', { body: 'text' }), { status: 400, json: { error: 'body/body must be object' } })
    t.match(await post('six', { kind: 'spam' }), { status: 400, json: { error: /one of task,notice,parameters/ } })
    t.match(await post('seven', { colour: 1 }), { status: 400, json: { error: 'body: "colour" is unknown here' } })
    t.match(await post('eight', { addressee: 'a\u0000b' }), { status: 400 })
    t.equal((await post('nine', { body: { nul: 'a\u0000b', half: '\ud800' } })).status, 202)
    t.equal((await stage.ask('/v1/notices', { method: 'POST', body: '{}' })).status, 400)
    const { json } = await stage.ask(`/v1/notices/${id}`)
    t.match(json, { id, state: /delivered|read/, states: [{ state: 'queued' }, {}] })
    t.notOk('fingerprint' in json)
  })

  await t.test('links intents, says who told a problem first, and takes a link back', async (t) => {
    const { json } = await stage.ask('/v1/intents?limit=3')
    const [first, second] = (json.intents as { id: string }[]).map(({ id }) => id)
    const relation = `/v1/intents/${second}/relations/${first}`
    const say = (method: string, path: string, body?: unknown) =>
      stage.ask(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
    t.equal((await say('PUT', relation, { because: 'one sees it on the pictures' })).status, 204)
    const reporters = await stage.ask(`/v1/intents/${second}/reporters`)
    t.match(reporters.json, {
      reporters: [
        { intentId: first, firstValid: true },
        { intentId: second, firstValid: false },
      ],
    })
    t.match((await stage.ask(`/v1/intents/${first}/relations`)).json, {
      relations: [{ madeBy: 'operator', undoneAt: null }],
    })
    t.equal((await say('DELETE', relation)).status, 204)
    t.equal((await say('DELETE', relation)).status, 404, 'it is undone already')
    t.equal(((await stage.ask(`/v1/intents/${second}/reporters`)).json.reporters as unknown[]).length, 1)
    const nobody = '01a2080d-0ae7-7293-b14c-2d4d85a1d39f'
    t.equal((await say('PUT', `/v1/intents/${first}/relations/${nobody}`, { because: 'x' })).status, 404)
    t.equal((await say('PUT', `/v1/intents/${first}/relations/${first}`, { because: 'x' })).status, 400)
    t.equal((await stage.ask(`/v1/intents/${nobody}/reporters`)).status, 404)
    t.same((await stage.ask('/v1/errands')).json, { errands: [], next: null })
    t.equal((await say('POST', `/v1/errands/${nobody}/retry`)).status, 404)
  })

  await t.test('answers whatever it is asked, and never with 500', async (t) => {
    const gets = ['intents', 'messages', 'tracks', 'notices', 'attachments', 'devices', 'dead-letters', 'nothing']
    const queries = [
      'after',
      'limit',
      'district',
      'from',
      'to',
      'adapter',
      'code',
      'unknown',
      'afterEvent',
      '__proto__',
    ]
    const asked: string[] = []
    for (const value of hostile) {
      const encoded = value.includes('%') ? value : encodeURIComponent(value)
      for (const name of gets) asked.push(`/v1/${name}/${encoded}`)
      asked.push(`/v1/messages/${encoded}/raw`, `/v1/messages/${encoded}/explanation`, `/v1/${encoded}`, `/${encoded}`)
      for (const name of ['intents', 'incidents', 'devices', 'tracks/h-1', 'dead-letters', 'ledger'])
        for (const query of queries) asked.push(`/v1/${name}?${query}=${encoded}`)
    }
    asked.push(
      '/v1/intents?limit=1&limit=2',
      '/v1/intents?after[]=1',
      '/v1/%',
      '/v1/%ff',
      '//v1//intents',
      '/v1/intents/',
    )
    const wrong: string[] = []
    const words = new Set<string>()
    for (const path of asked) {
      const { status, json, text } = await stage.ask(path)
      if (status >= 500) wrong.push(`${path.slice(0, 80)}: ${status} ${text}`)
      if (status === 400 && typeof json.error === 'string') words.add(json.error)
    }
    t.strictSame(wrong, [])
    for (const expected of [
      'querystring: "unknown" is unknown here',
      'params/id must be a UUID',
      'querystring/limit must be >= 1',
    ])
      t.ok(words.has(expected), expected)
  })

  await t.test('refuses bodies that are none', async (t) => {
    const path = '/v1/dead-letters/replay'
    const post = (body: string, headers = {}) => stage.ask(path, { method: 'POST', body, headers })
    t.equal((await post('x'.repeat(2 * 1024 * 1024))).status, 413)
    t.equal((await post('{')).status, 400)
    t.equal((await post('[]')).status, 400)
    t.equal((await post('null')).status, 400)
    t.equal((await post('{"__proto__":{"limit":1}}')).status, 400)
    t.equal((await post('{"limit":-1}')).status, 400)
    t.equal((await post('{"limit":1e9}')).status, 400)
    t.equal((await post('{"limit":1e400}')).status, 400)
    t.equal((await post('{"adapter":"a\\u0000"}')).status, 400)
    t.equal((await post('<a/>', { 'content-type': 'application/xml' })).status, 415)
    t.equal((await stage.ask(path, { method: 'POST' })).status, 400)
    t.equal((await stage.ask('/v1/intents', { method: 'DELETE' })).status, 404)
    t.equal((await stage.ask('/v1/intents', { headers: { 'x-long': 'x'.repeat(20_000) } })).status, 431)
  })

  await t.test('asks for its token, whatever is said instead', async (t) => {
    const tries = ['', 'Bearer', 'Bearer ', apiToken, `${authorization}x`, authorization.slice(0, -1), 'Basic YTpi']
    tries.push(`Bearer ${'x'.repeat(apiToken.length)}`, `Bearer ${apiToken.toUpperCase()}`, 'é'.repeat(20))
    for (const given of tries) {
      const { status, headers, json } = await stage.ask('/v1/ledger', { headers: { authorization: given } })
      t.equal(status, 401, given)
      t.equal(headers.get('www-authenticate'), 'Bearer')
      t.match(json, { error: 'a bearer token is needed' })
    }
    const posted = await stage.ask('/v1/notices', { method: 'POST', body: '{', headers: { authorization: '' } })
    t.equal(posted.status, 401, 'before the body is looked at')
    for (const open of ['/healthz', '/readyz', '/metrics', '/openapi.json'])
      t.equal((await stage.ask(open, { headers: { authorization: '' } })).status, 200, open)
  })

  await t.test('describes every route that it has', async (t) => {
    const { json } = await stage.ask('/openapi.json')
    t.match(json, { openapi: /^3\./, info: { title: 'chengguan-gateway', version: '1' } })
    const paths = json.paths as Record<string, Record<string, { summary?: string; parameters?: { name: string }[] }>>
    const wanted = ['/healthz', '/readyz', '/metrics', '/v1/intents', '/v1/intents/{id}', '/v1/messages/{id}/raw']
    wanted.push('/v1/messages/{id}/explanation', '/v1/devices', '/v1/tracks/{device}', '/v1/ledger', '/v1/audit')
    wanted.push('/v1/channels', '/v1/dead-letters', '/v1/dead-letters/{id}/replay', '/v1/dead-letters/replay')
    wanted.push('/v1/notices', '/v1/notices/{id}', '/v1/notices/{id}/resolution', '/v1/intents/{id}/case')
    wanted.push('/v1/attachments/{sha256}', '/v1/attachments/{sha256}/thumbnail')
    wanted.push('/v1/intents/{id}/reporters', '/v1/intents/{id}/relations', '/v1/intents/{id}/relations/{other}')
    wanted.push('/v1/reporters/open', '/v1/reporters/{id}/close', '/v1/errands', '/v1/errands/{id}/retry')
    wanted.push('/v1/incidents', '/v1/incidents/{id}', '/v1/sensors/{sensor}')
    wanted.push('/v1/calls', '/v1/calls/figures', '/v1/calls/{exchange}/{id}', '/v1/seats/{seat}/calls')
    t.strictSame(Object.keys(paths).sort(), wanted.sort())
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { summary, parameters = [] }] of Object.entries(methods)) {
        t.ok(summary, `${method} ${path} says what it is for`)
        for (const [, name] of path.matchAll(/\{(\w+)\}/g))
          t.ok(
            parameters.some((one) => one.name === name),
            `${path} describes ${name}`,
          )
      }
  })

  await t.test('shows metrics that Prometheus reads', async (t) => {
    const { text, headers } = await stage.ask('/metrics')
    t.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    const sample = /^[a-zA-Z_:][\w:]*(\{(\w+="(\\.|[^"\\])*",?)*\})? (NaN|[+-]Inf|[-+\d.eE]+)$/
    const bad = text.split('\n').filter((line) => line !== '' && !line.startsWith('# ') && !sample.test(line))
    t.strictSame(bad, [])
    t.match(text, 'chengguan_messages_total{adapter="handhelds",outcome="dead-lettered"} 3')
    t.match(text, /chengguan_outbox_pending\{destination="core"\} [1-9]/)
  })

  t.notMatch(
    await stage.gateway.logTail(200_000),
    /"level":50|"level":60/,
    'nothing in the log that somebody must act on',
  )
  t.equal(await stage.gateway.stop(), 0)
})
