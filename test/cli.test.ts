import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { credentialCommand } from '../adapters/mqtt/credential-command.ts'
import { parseCredentials } from '../adapters/mqtt/credentials.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { openDatabase } from '../gateway/store/database.ts'
import { SimulatedCore } from '../simulators/core.ts'
import { silent, temporaryFolder } from './database.ts'
import { GatewayProcess, portOf } from './gateway-process.ts'
import { connect, until } from './mqtt-stage.ts'

t.setTimeout(280_000)

const bin = join(packageRoot, 'dist/gateway/main.js')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(...words: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], { encoding: 'utf8', timeout: 60_000 })
  return { code: status, out: stdout, err: stderr }
}

async function prepared(t: Test, configuration: Record<string, unknown> = {}): Promise<GatewayProcess> {
  const devices = [{ name: 'h-1', password: 'token of h-1' }]
  const gateway = await GatewayProcess.prepare({
    adapters: [{ name: 'handhelds', kind: 'mqtt-broker', tcp: { port: 0 }, devices }],
    destinations: [],
    ...configuration,
  })
  t.teardown(() => gateway.remove())
  return gateway
}

/** A port that is somebody else's for as long as the test lasts. */
async function takenPort(t: Test): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const inData = (gateway: GatewayProcess, ...path: string[]) => join(gateway.folder, 'data', ...path)

/** Another user of the data folder finds it free: nothing of the one before is left. */
async function onDatabase(gateway: GatewayProcess, sql: string): Promise<Record<string, unknown>[]> {
  const database = await openDatabase({ url: null, folder: inData(gateway, 'postgres'), log: silent })
  try {
    return (await database.pool.query<Record<string, unknown>>(sql)).rows ?? []
  } finally {
    await database.close()
  }
}

t.test('words that are no command are a usage error, and help is none', async (t) => {
  t.match(run(), { code: 64, out: /chengguan-gateway <command>[\s\S]*Exit codes/ })
  t.match(run('help'), { code: 0, out: /audit <config.yaml>/ })
  t.match(run('strat', 'x.yaml'), { code: 64, err: /no command "strat"/ })
  t.match(run('start'), { code: 64, err: /^usage: chengguan-gateway start <config.yaml>/ })
  t.match(run('check', 'a.yaml', 'b.yaml'), { code: 64, err: /^usage/ })
  t.match(run('replay', 'a.yaml', '--verbose'), { code: 64, err: /Unknown option '--verbose'/ })
  t.match(run('explain', 'config/minimal.yaml'), { code: 64, err: /<message id>/ })
})

t.test('check says everything that is wrong, where, and opens nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'bad.yaml')
  await writeFile(
    file,
    [
      'nmae: x',
      'http: { port: 99999 }',
      'adapters:',
      '  - { name: a, kind: mqtt-brokr }',
      '  - { name: a, kind: nmea, transport: tcp-server, subject: { by: hello } }',
      'destinations:',
      '  - { name: core, url: ftp://x, secret: whsec_short }',
    ].join('\n'),
  )
  const { code, err } = run('check', file)
  t.equal(code, 78)
  for (const word of ['nmae', 'name', '65535', 'mqtt-brokr', 'mqtt-broker', 'https://', 'secret']) t.match(err, word)
  t.match(err, /bad\.yaml:\d+:\d+|line \d+|\d+:\d+/, 'with lines')
  t.match(run('check', join(folder, 'none.yaml')), { code: 78, err: /no such file/ })
  t.match(run('check', join(packageRoot, 'config/minimal.yaml')), { code: 0, out: /in order: 1 adapters/ })
  t.match(run('start', file), { code: 78 })
  t.notOk(existsSync(join(folder, 'data')))
})

t.test('a credential is a line for the file, and its token beside it', async (t) => {
  const { code, out, err } = run('credential', 'h-0001', '--role', 'bridge')
  t.equal(code, 0)
  const { credentials, problems } = parseCredentials(out)
  t.strictSame(problems, [])
  t.match(credentials.get('h-0001'), { role: 'bridge', scheme: 'sha256' })
  const token = /: (\S{32})\n$/.exec(err)?.[1] ?? ''
  t.equal(token.length, 32)
  t.notMatch(out, token)
  t.match(run('credential', 'h-1', '--role', 'admin'), {
    code: 64,
    out: '',
    err: /usage: chengguan-gateway credential/,
  })
  const wrong = [[], ['a', 'b'], ['a b'], ['h/1'], ['h+'], ['']]
  for (const positionals of wrong) t.equal(credentialCommand.run({ values: {}, positionals }), null)
  const [one, other] = [1, 2].map(() => credentialCommand.run({ values: {}, positionals: ['h-1'] }))
  t.match(parseCredentials(one?.output ?? '').credentials.get('h-1'), { role: 'device' })
  t.not(one?.remark, other?.remark, 'another each time')

  const file = join(await temporaryFolder(t), 'credentials')
  await writeFile(file, out)
  const gateway = await prepared(t, {
    adapters: [{ name: 'handhelds', kind: 'mqtt-broker', tcp: { port: 0 }, credentials: file }],
  })
  const port = portOf(await gateway.start(), 'handhelds')
  const client = await connect(`mqtt://127.0.0.1:${port}`, { username: 'h-0001', password: token })
  t.ok(client.connected, 'the broker takes it')
  await client.endAsync()
})

t.test('the command is one that npx can run from the package', async (t) => {
  t.doesNotThrow(() => accessSync(bin, constants.X_OK), 'npm run build leaves it executable')
  t.match(readFileSync(bin, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { status, stdout } = spawnSync(bin, ['check', 'config/minimal.yaml'], { cwd: packageRoot, encoding: 'utf8' })
  t.equal(status, 0)
  t.match(stdout, 'config/minimal.yaml is in order')
})

t.test('a port that is taken ends the start with 69, in words, and leaves nothing open', async (t) => {
  const port = await takenPort(t)
  const gateway = await prepared(t, { http: { host: '127.0.0.1', port } })
  await t.rejects(gateway.start(), {
    message: new RegExp(`ended \\(69\\)[\\s\\S]*cannot listen: HTTP on 127.0.0.1:${port}`),
  })
  t.strictSame(await onDatabase(gateway, 'SELECT 1 AS free'), [{ free: 1 }])
})

t.test('what fails last in a start closes what was opened first', async (t) => {
  const gateway = await prepared(t)
  await mkdir(inData(gateway, 'addresses.json', 'in-the-way'), { recursive: true })
  const { code, output } = await gateway.run('start')
  t.equal(code, 69)
  t.match(output, /EISDIR/)
  t.strictSame(await onDatabase(gateway, 'SELECT 1 AS free'), [{ free: 1 }])
})

t.test('a taken port of an adapter ends nothing: it is down, and everything else runs', async (t) => {
  const port = await takenPort(t)
  const gateway = await prepared(t, {
    adapters: [
      { name: 'blocked', kind: 'mqtt-broker', tcp: { port }, anonymous: 'loopback' },
      { name: 'handhelds', kind: 'mqtt-broker', tcp: { port: 0 }, webSocket: 'off', anonymous: 'loopback' },
    ],
  })
  const { adapters, http } = await gateway.start()
  t.match(adapters, { blocked: { state: 'down', reason: /cannot listen/ }, handhelds: { state: 'listening' } })
  t.equal((await fetch(`${http}/readyz`)).status, 200)
  t.equal(await gateway.stop(), 0)
})

t.test('a gateway with a past', async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const core = new SimulatedCore(secret)
  t.teardown(() => core.stop())
  const url = await core.start()
  let refuses = true
  core.mood = () => (refuses ? { does: 'fail', status: 422 } : { does: 'answer' })
  const gateway = await prepared(t, {
    destinations: [{ name: 'core', url, secret, types: ['case-intent'], backoff: { first: '10ms', most: '20ms' } }],
  })
  const addresses = await gateway.start()
  const broker = `mqtt://127.0.0.1:${portOf(addresses, 'handhelds')}`
  const client = await connect(broker, { username: 'h-1', password: 'token of h-1' })
  await client.publishAsync('v1/h-1/up/report', 'not json', { qos: 1 })
  const report = { id: 'r-1', kind: 'event', category: { words: '暴露垃圾' }, place: { lat: 32.39, lon: 119.42 } }
  await client.publishAsync('v1/h-1/up/report', JSON.stringify(report), { qos: 1 })
  await client.endAsync()
  const ask = async (path: string) =>
    (await (await fetch(`${addresses.http}${path}`)).json()) as Record<'messages' | 'events', unknown[]>
  let letters = await ask('/v1/dead-letters')
  const deadline = Date.now() + 30_000
  while (letters.events.length === 0) {
    if (Date.now() > deadline) throw new Error('the core refused nothing')
    letters = await ask('/v1/dead-letters')
  }
  const [letter] = letters.messages as { messageId: string }[]
  const messageId = letter?.messageId ?? ''

  await t.test('is started once on one folder, and the second says by whom it is held', async (t) => {
    const { code, output } = await gateway.run('start')
    t.equal(code, 69)
    t.match(output, /the data folder is in use by another process/)
    t.match(output, new RegExp(`\\b(${gateway.pid}|${await gateway.databasePid()})\\b`), 'names the pid')
    t.equal((await gateway.addresses())?.pid, gateway.pid, 'and the first one is still found')
  })

  await t.test('is audited, explained and replayed while it runs', async (t) => {
    t.match(await gateway.run('audit'), { code: 0, output: /handhelds +2[\s\S]*core[\s\S]*The ledger balances\./ })
    t.match(await gateway.run('explain', messageId), {
      code: 0,
      output: /# reports\nnone: the message cannot be parsed/,
    })
    t.match(await gateway.run('explain', 'nonsense'), { code: 1, output: 'there is no message "nonsense"' })
    t.match(await gateway.run('explain', 'ffffffff-ffff-4fff-8fff-ffffffffffff'), { code: 1, output: /no message/ })
    t.match(await gateway.run('replay', '--code', 'DECODE_SYNTAX'), {
      code: 1,
      output: /0 taken up again, 1 still dead/,
    })
    refuses = false
    t.match(await gateway.run('replay', '--destination', 'core'), { code: 0, output: /1 taken up again/ })
    await core.until('the event arrives', () => core.events.size === 1)
  })

  await t.test('is asked without it when it is stopped, or was killed', async (t) => {
    t.equal(await gateway.stop(), 0)
    t.notOk(existsSync(inData(gateway, 'addresses.json')))
    t.match(await gateway.run('audit'), { code: 0, output: /The ledger balances\./ })
    t.match(await gateway.run('explain', messageId), { code: 0, output: /# reports\nnone/ })
    t.match(await gateway.run('replay', '--code', 'DECODE_SYNTAX'), { code: 1, output: /1 still dead/ })
    await gateway.start()
    await gateway.kill()
    t.ok(existsSync(inData(gateway, 'addresses.json')))
    t.match(await gateway.run('audit'), { code: 0, output: /The ledger balances\./ })
  })

  await t.test('shows every row that somebody took away', async (t) => {
    const faults = [
      ['DELETE FROM outbox', /core: events made are not/, /intent \S+ has no outbox row for core/],
      ['DELETE FROM dead_letter', /is dead-lettered without a dead letter/],
      [`DELETE FROM message WHERE disposition = 'stored'`, /1 messages counted as stored, 0 rows/],
      [`UPDATE tally SET n = n + 1 WHERE what = 'received'`, /handhelds: received is not the sum/],
    ] as const
    await onDatabase(gateway, faults.map(([sql]) => sql).join('; '))
    const { code, output } = await gateway.run('audit')
    t.equal(code, 1)
    for (const [sql, ...said] of faults) for (const each of said) t.match(output, each, sql)
    t.match(output, 'THE LEDGER DOES NOT BALANCE.')
    await gateway.start()
    t.equal((await gateway.run('audit')).code, 1, 'over the running gateway too')
    t.equal(await gateway.stop(), 0)
  })
})

/** A start that is not waited for. */
function starting(gateway: GatewayProcess) {
  const child = spawn(process.execPath, [bin, 'start', gateway.configuration], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const hear = (chunk: Buffer) => {
    said += chunk.toString('utf8')
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  return { child, exited, said: () => said }
}

t.test('SIGTERM during the start is obeyed when there is something to stop', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const gateway = await prepared(t)
    const { child, exited, said } = starting(gateway)
    await until('it prepares its database', () => said().includes('partition made') || child.exitCode !== null, 60_000)
    child.kill(signal)
    t.strictSame(await exited, [0, null], said())
    t.match(said(), /"msg":"stopped"/)
    t.strictSame(await onDatabase(gateway, 'SELECT 1 AS free'), [{ free: 1 }])
  }
})
