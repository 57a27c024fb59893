import { execFileSync } from 'node:child_process'
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import type mqtt from 'mqtt'
import t, { type Test } from 'tap'
import { mqttBroker } from '../adapters/mqtt/broker.ts'
import { parseCredentials, passwordLine, tokenLine } from '../adapters/mqtt/credentials.ts'
import { address, broker, connect, credentials, listed, missing, RawClient, until } from './mqtt-stage.ts'

t.test('nobody comes in without credentials, with a wrong password or under an unknown name', async (t) => {
  const gateway = await broker(t)
  await t.rejects(connect(gateway.url, { clientId: 'h-1' }), /Not authorized/)
  await t.rejects(connect(gateway.url, { username: 'h-1', password: 'guess' }), /Bad username or password/)
  await t.rejects(connect(gateway.url, { username: 'h-9', password: 'token of h-9' }), /Bad username or password/)
  t.match(
    gateway.refusals.map(({ fields }) => fields.reason),
    ['no credentials', 'unknown user or wrong password', 'unknown user or wrong password'],
  )
  t.notMatch(JSON.stringify(gateway.refusals), /guess|token of/, 'no password in a log')
})

t.test('a publish on another device’s topic closes the connection and is told', async (t) => {
  const gateway = await broker(t)
  for (const topic of ['v1/h-2/up/position', 'owntracks/h-2/phone', 'v1/h-10/up/position', '$SYS/x', 'v1']) {
    const client = new RawClient(gateway.url)
    t.equal(await client.connect('h-1'), 0)
    client.publish(topic, '{"id":"1"}')
    await until('it is closed', () => client.closed)
    t.match(gateway.refusals.at(-1), { reason: 'a publish on what is not its own', fields: { device: 'h-1' } })
  }
  t.strictSame(gateway.accepted, [])
})

t.test('a will on another device’s topic keeps the client out', async (t) => {
  const gateway = await broker(t)
  const will = { topic: 'v1/h-2/up/presence', payload: Buffer.from('{}'), qos: 1 as const, retain: false }
  await t.rejects(connect(gateway.url, { ...credentials('h-1'), will }), /Not authorized/)
})

t.test('a subscription to what is not its own is answered 0x80 and the others stand', async (t) => {
  const gateway = await broker(t)
  const client = await connect(gateway.url, { ...credentials('h-1'), clean: false, clientId: 'one' })
  const topics = ['v1/h-2/#', 'v1/h-1/down/+', '#', 'v1/+/down/task', 'owntracks/h-1/phone/cmd', '$SYS/#']
  const granted = await new Promise<unknown[]>((resolve) => {
    client.subscribe(topics, { qos: 1 }, (_error, _granted, packet) => resolve(packet?.granted as unknown[]))
  })
  t.strictSame(granted, [0x80, 1, 0x80, 0x80, 1, 0x80])
  t.equal(gateway.refusals.length, 4)
  const heard: string[] = []
  client.on('message', (topic) => heard.push(topic))
  const other = await connect(gateway.url, credentials('h-2'))
  await other.publishAsync('v1/h-2/up/position', '{"id":"1"}', { qos: 1 })
  await client.publishAsync('owntracks/h-1/phone/cmd', '{"id":"2"}', { qos: 1 })
  await until('its own is heard', () => heard.length > 0)
  t.strictSame(heard, ['owntracks/h-1/phone/cmd'])
  await Promise.all([client.endAsync(true), other.endAsync(true)])
})

t.test('two devices with one client id do not take each other’s place', async (t) => {
  const gateway = await broker(t)
  const first = await connect(gateway.url, { ...credentials('h-1'), clientId: 'same' })
  const second = await connect(gateway.url, { ...credentials('h-2'), clientId: 'same' })
  await second.publishAsync('v1/h-2/up/position', '{"id":"1"}', { qos: 1 })
  await first.publishAsync('v1/h-1/up/position', '{"id":"1"}', { qos: 1 })
  t.equal(gateway.accepted.length, 2)
  await Promise.all([first.endAsync(true), second.endAsync(true)])
})

t.test('a client of MQTT 5 is turned away and the log says what to use', async (t) => {
  const gateway = await broker(t)
  await t.rejects(connect(gateway.url, { ...credentials('h-1'), protocolVersion: 5 }))
  t.match(gateway.refusals, [{ reason: /mqtt-client/ }])
})

t.test('a bridge speaks for others and listens for one device at a time', async (t) => {
  const gateway = await broker(t, { devices: [{ name: 'gw', password: 'secret', role: 'bridge' }] })
  const bridge = await connect(gateway.url, { username: 'gw', password: 'secret' })
  await bridge.publishAsync('v1/h-7/up/position', '{"id":"1"}', { qos: 1 })
  t.match(gateway.accepted[0]?.envelope, { topic: 'v1/h-7/up/position', bridge: 'gw' })
  await bridge.subscribeAsync('v1/h-7/down/+', { qos: 1 })
  await until('its device is there', () => gateway.arrivals.includes('h-7'))
  await t.rejects(bridge.subscribeAsync('v1/+/down/+', { qos: 1 }))
  bridge.publish('v1/h-7/down/task', '{}', { qos: 1 })
  await until('a notice of its own making closes it', () => !bridge.connected)
  await bridge.endAsync(true)
})

t.test('on this machine nobody needs a password where the configuration says so', async (t) => {
  const gateway = await broker(t, { anonymous: 'loopback' })
  const byName = await connect(gateway.url, { username: 'h-5' })
  await byName.publishAsync('v1/h-5/up/position', '{"id":"1"}', { qos: 1 })
  const byId = await connect(gateway.url, { clientId: 'h-6' })
  await byId.publishAsync('v1/h-6/up/position', '{"id":"1"}', { qos: 1 })
  t.strictSame(
    gateway.accepted.map(({ envelope }) => envelope.topic),
    ['v1/h-5/up/position', 'v1/h-6/up/position'],
  )
  await t.rejects(connect(gateway.url, { username: 'h-5', password: 'a guess' }), /Bad username or password/)
  await Promise.all([byName.endAsync(true), byId.endAsync(true)])
})

t.test('a credentials file takes tokens and passwords, and a new device without a restart', async (t) => {
  const folder = t.testdir({ devices: '' })
  const path = `${folder}/devices`
  const lines = [tokenLine('h-1', 'random token'), await passwordLine('wang', 'a password'), '# a comment', '']
  writeFileSync(path, lines.join('\n'))
  const gateway = await broker(t, { devices: [], credentials: path })
  for (const [username, password] of [
    ['h-1', 'random token'],
    ['wang', 'a password'],
    ['wang', 'a password'],
  ] as const) {
    const client = await connect(gateway.url, { username, password })
    await client.endAsync(true)
  }
  await t.rejects(connect(gateway.url, { username: 'wang', password: 'another' }), /Bad username or password/)
  writeFileSync(path, [...lines, tokenLine('h-2', 'newcomer')].join('\n'))
  utimesSync(path, new Date(), new Date(Date.now() + 5000))
  let client: mqtt.MqttClient | null = null
  for (const deadline = Date.now() + 10_000; client === null && Date.now() < deadline; ) {
    client = await connect(gateway.url, { username: 'h-2', password: 'newcomer' }).catch(() => null)
  }
  t.ok(client, 'the newcomer is let in')
  await client?.endAsync(true)
})

t.test('every faulty line of a credentials file is named', async (t) => {
  const hash = 'a'.repeat(64)
  const { credentials: read, problems } = parseCredentials(
    [`h-1:sha256$s$${hash}`, 'h-2:md5$s$aa', `a/b:sha256$s$${hash}`, `h-1:scrypt$s$${hash} role=bridge`].join('\n'),
  )
  t.strictSame([...read.keys()], ['h-1'])
  t.equal(problems.length, 3)
  t.match(problems.join(';'), /line 2.*line 3.*"a\/b".*line 4.*twice/)
})

t.test('a configuration says all that is wrong with it', async (t) => {
  const wrong = { devices: listed('a/b'), credentials: '/nowhere', tcp: { port: 70_000 }, colour: 'blue' }
  const { error } = mqttBroker.options.safeParse(wrong)
  t.match(error?.message, /colour/)
  t.match(error?.message, /no device name: 1 to 64 letters, digits/)
  t.match(error?.message, /port/)
  const named = mqttBroker.options.safeParse({ credentials: '/nowhere', limits: { frame: '1KiB' } })
  t.match(named.error?.message, /cannot be read/)
  t.match(named.error?.message, /limits\.payload/)
})

t.test('a broker that nobody could ever connect to is a problem of its configuration', async (t) => {
  const { error } = mqttBroker.options.safeParse({})
  t.match(error?.issues, [{ path: ['credentials'], message: /^nobody could ever connect: give a credentials file/ }])
  t.equal(error?.issues.length, 1)
  const file = `${t.testdir({ credentials: '# none yet\n' })}/credentials`
  const waysIn = [{ credentials: file }, { devices: listed('h-1') }, { anonymous: 'loopback' }]
  for (const one of waysIn) t.ok(mqttBroker.options.safeParse(one).success, Object.keys(one).join())
})

t.test('WebSocket clients come in on the HTTP port at one path, others are left alone', async (t) => {
  const gateway = await broker(t)
  gateway.http.get('/elsewhere', async () => 'here')
  const base = await gateway.http.listen({ port: 0, host: '127.0.0.1' })
  const client = await connect(`${base.replace('http', 'ws')}/mqtt`, credentials('h-1'))
  await client.publishAsync('v1/h-1/up/position', '{"id":"1"}', { qos: 1 })
  t.equal(gateway.accepted.length, 1)
  t.equal(await (await fetch(`${base}/elsewhere`)).text(), 'here')
  await t.rejects(connect(`${base.replace('http', 'ws')}/mqtt`, { clientId: 'h-1' }), /Not authorized/)
  await gateway.adapter.stop()
  await until('the client has noticed', () => !client.connected)
  t.equal(gateway.http.server.listenerCount('upgrade'), 0)
  await client.endAsync(true)
})

/** A certificate authority with a server's and a device's certificate, made by openssl. */
function certificates(t: Test): string {
  const folder = t.testdir({})
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
  authority('ca')
  authority('stranger')
  for (const [name, ca] of [
    ['localhost', 'ca'],
    ['h-1', 'ca'],
    ['h-2', 'stranger'],
  ]) {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${ca}.crt`,
      '-CAkey',
      `${ca}.key`,
      '-CAcreateserial',
      '-days',
      '1',
      '-out',
      `${name}.crt`,
    )
  }
  return folder
}

t.test('over TLS a certificate says which device it is', { skip: missing('openssl') }, async (t) => {
  const folder = certificates(t)
  const file = (name: string) => readFileSync(`${folder}/${name}`)
  const own = (name: string) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) })
  const tls = { port: 0, cert: `${folder}/localhost.crt`, key: `${folder}/localhost.key`, ca: `${folder}/ca.crt` }
  const trust = { ca: file('ca.crt'), servername: 'localhost', checkServerIdentity: () => undefined }

  await t.test('where certificates are accepted, passwords still are', async (t) => {
    const gateway = await broker(t, { tls: { ...tls, clientCertificates: 'accepted' } })
    const url = address(gateway.links, 'mqtts')
    const byCertificate = await connect(url, { ...trust, ...own('h-1') })
    await byCertificate.publishAsync('v1/h-1/up/position', '{"id":"1"}', { qos: 1 })
    t.equal(gateway.accepted[0]?.envelope.topic, 'v1/h-1/up/position')
    const byPassword = await connect(url, { ...trust, ...credentials('h-2') })
    await t.rejects(connect(url, { ...trust, ...own('h-2') }), 'a certificate of another authority')
    await t.rejects(connect(url, { ...trust, ...own('h-1'), ...credentials('h-2') }), /Not authorized/)
    await t.rejects(connect(url, trust), /Not authorized/)
    await Promise.all([byCertificate.endAsync(true), byPassword.endAsync(true)])
  })

  await t.test('where they are required, a password alone is not enough', async (t) => {
    const gateway = await broker(t, { tcp: 'off', tls: { ...tls, clientCertificates: 'required' } })
    const url = address(gateway.links, 'mqtts')
    const client = await connect(url, { ...trust, ...own('h-1') })
    await client.endAsync(true)
    t.ok(mqttBroker.options.safeParse({ tls: { ...tls, clientCertificates: 'required' } }).success, 'nor needed')
    t.notOk(mqttBroker.options.safeParse({ tls }).success)
    await t.rejects(connect(url, { ...trust, ...credentials('h-1') }))
  })

  await t.test('a key that does not fit its certificate is a fault of the configuration', async (t) => {
    const wrong = mqttBroker.options.safeParse({ tls: { ...tls, key: `${folder}/ca.key` } })
    t.match(wrong.error?.message, /cannot be used/)
  })
})
