import { createHmac, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import type { AdapterContext, Inbound, Receipt, Received } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import { refuseTooLarge, Webhook } from '../gateway/web/webhook.ts'
import { webhookFields } from '../gateway/web/webhook-options.ts'

const options = z.strictObject(webhookFields)
const signing = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

interface Stage {
  readonly url: string
  readonly accepted: Inbound[]
  readonly refused: string[]
  readonly webhook: Webhook
  receipt: Receipt | GatewayError
}

async function stage(t: Test, given: z.input<typeof options> = {}): Promise<Stage> {
  const app = Fastify()
  const made: Partial<Stage> & Pick<Stage, 'accepted' | 'refused' | 'receipt'> = {
    accepted: [],
    refused: [],
    receipt: 'stored',
  }
  const decode = (message: Received) => {
    refuseTooLarge(message)
    if (message.raw.length === 0) throw new GatewayError('DECODE_SYNTAX', 'empty')
  }
  await app.register(
    async (scope) => {
      const context = {
        name: 'door',
        http: scope,
        accept: async (message: Inbound) => {
          if (made.receipt instanceof GatewayError) throw made.receipt
          made.accepted.push(message)
          return made.receipt
        },
        report: () => {},
        refused: (reason: string) => made.refused.push(reason),
      } as unknown as AdapterContext
      const inbound = ({ body, peer, id }: { body: Buffer; peer: string; id: string | null }) => ({
        key: id ?? body.toString('hex'),
        raw: body,
        envelope: { peer },
      })
      Object.assign(made, {
        webhook: new Webhook(context, options.parse(given), [{ method: 'POST', path: '/', inbound }], decode),
      })
    },
    { prefix: '/ingest/door' },
  )
  const at = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  made.webhook?.open()
  return Object.assign(made as Stage, { url: `${at}/ingest/door` })
}

const post = (url: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers })

function signed(id: string, at: number, body: string): Record<string, string> {
  const mac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${at}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,bad v1,${mac}` }
}

t.test('whatever the content type says, the body comes as it is and is acknowledged when it is stored', async (t) => {
  const door = await stage(t)
  for (const type of ['application/json', 'text/xml', 'x/y', 'multipart/form-data']) {
    const answered = await post(door.url, '{broken', { 'content-type': type })
    t.equal(answered.status, 200)
    t.same(await answered.json(), { receipt: 'stored' })
  }
  t.strictSame(
    door.accepted.map(({ raw }) => Buffer.from(raw).toString()),
    ['{broken', '{broken', '{broken', '{broken'],
  )
})

t.test('a dead letter is told with its reason, and what was not stored is asked for again', async (t) => {
  const door = await stage(t)
  door.receipt = 'dead-lettered'
  const dead = await post(door.url, '')
  t.equal(dead.status, 422)
  t.match(await dead.json(), { receipt: 'dead-lettered', error: /cannot be parsed: empty/ })
  door.receipt = new GatewayError('STORE_FULL', 'full')
  const busy = await post(door.url, 'x')
  t.equal(busy.status, 503)
  t.equal(busy.headers.get('retry-after'), '5')
  await door.webhook.close()
  t.equal((await post(door.url, 'x')).status, 503)
  door.webhook.open()
  door.receipt = 'duplicate'
  t.same(await (await post(door.url, 'x')).json(), { receipt: 'duplicate' })
})

t.test('who has no proof is turned away before the body is read', async (t) => {
  const byName = await stage(t, { username: 'pbx', password: 'secret' })
  t.equal((await post(byName.url, 'x')).status, 401)
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  t.equal((await post(byName.url, 'x', basic('pbx:wrong'))).status, 401)
  t.equal((await post(byName.url, 'x', basic('pbx:secret'))).status, 200)
  const byKey = await stage(t, { key: 'open-sesame' })
  t.equal((await post(byKey.url, 'x', { 'x-api-key': 'open' })).status, 401)
  for (const [url, headers] of [
    [byKey.url, { 'x-api-key': 'open-sesame' }],
    [byKey.url, { authorization: 'Bearer open-sesame' }],
    [`${byKey.url}?key=open-sesame`, {}],
  ] as const)
    t.equal((await post(url, 'x', headers)).status, 200)
  const byAddress = await stage(t, { sources: ['10.0.0.0/8'] })
  t.equal((await post(byAddress.url, 'x')).status, 403)
  t.strictSame(byName.accepted.length + byAddress.accepted.length, 1)
  t.strictSame(byAddress.refused, ['an unknown source'])
})

t.test('a signature covers id, time and body, and is good for a while', async (t) => {
  const door = await stage(t, { signingSecret: signing, replayWindow: '60s' })
  const now = Math.floor(Date.now() / 1000)
  const cases: readonly (readonly [what: string, headers: Record<string, string>, status: number])[] = [
    ['none', {}, 401],
    ['good', signed('m1', now, 'x'), 200],
    ['of another body', signed('m2', now, 'y'), 401],
    ['of another id', { ...signed('m3', now, 'x'), 'webhook-id': 'm4' }, 401],
    ['an hour old', signed('m5', now - 3600, 'x'), 401],
    ['of tomorrow', signed('m6', now + 86_400, 'x'), 401],
    ['with a time that is none', { ...signed('m7', now, 'x'), 'webhook-timestamp': 'soon' }, 401],
  ]
  for (const [what, headers, status] of cases) t.equal((await post(door.url, 'x', headers)).status, status, what)
  t.strictSame(
    door.accepted.map(({ key }) => key),
    ['m1'],
  )
})

t.test('of a request above the limit the first bytes are kept, and the next good one lands', async (t) => {
  const door = await stage(t, { maxSize: '64KiB' })
  const { hostname, port } = new URL(door.url)
  const answered = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    // A stream without an end: the answer comes all the same.
    const chunk = randomBytes(32 * 1024)
    socket.on('connect', () => {
      socket.write('POST /ingest/door HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
      for (let n = 0; n < 20; n++) socket.write(Buffer.concat([Buffer.from('8000\r\n'), chunk, Buffer.from('\r\n')]))
    })
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (text.includes('too large')) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
  })
  t.match(answered, /^HTTP\/1\.1 413 /)
  t.match(door.accepted[0]?.envelope, { tooLarge: 'more than 65536 bytes' })
  t.equal(door.accepted[0]?.raw.length, 64 * 1024)
  t.equal((await post(door.url, 'x')).status, 200)
})

t.test('a peer that goes away in the middle leaves nothing behind', async (t) => {
  const door = await stage(t, { maxRequests: 1 })
  const { hostname, port } = new URL(door.url)
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.write('POST /ingest/door HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf', () => socket.destroy())
    socket.on('close', () => resolve())
  })
  const deadline = Date.now() + 5000
  let status = 503
  // Its place is free again when the gateway has noticed.
  while (status === 503 && Date.now() < deadline) status = (await post(door.url, 'x')).status
  t.equal(status, 200)
  t.equal(door.accepted.length, 1)
})

t.test('a signed request that is too large takes nobody’s id', async (t) => {
  const door = await stage(t, { signingSecret: signing, maxSize: '64KiB' })
  const now = Math.floor(Date.now() / 1000)
  const forged = { ...signed('m1', now, 'other'), 'webhook-signature': 'v1,forged' }
  const answer = await post(door.url, Buffer.alloc(100_000), forged).then(
    ({ status }) => status,
    // The answer may come while it still sends.
    () => 413,
  )
  t.equal(answer, 413)
  t.equal(door.accepted.length, 0)
  t.equal((await post(door.url, 'x', signed('m1', now, 'x'))).status, 200)
  t.strictSame(
    door.accepted.map(({ key }) => key),
    ['m1'],
  )
})

t.test('a request that is never sent whole gives its place back', async (t) => {
  const door = await stage(t, { maxRequests: 1, bodyWithin: '200ms' })
  const { hostname, port } = new URL(door.url)
  const gone = new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.write('POST /ingest/door HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
  await gone
  const deadline = Date.now() + 5000
  let status = 503
  while (status === 503 && Date.now() < deadline) status = (await post(door.url, 'x')).status
  t.equal(status, 200)
  t.equal(door.accepted.length, 1)
})
