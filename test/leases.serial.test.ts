import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { SmppSmscSimulator } from '../simulators/smpp-smsc.ts'
import { GatewayProcess } from './gateway-process.ts'
import { openServer, serverMissing, type TestServer } from './postgres-server.ts'

/** Two gateways on one PostgreSQL and one message centre: one of them is bound, whatever happens to it. */

t.setTimeout(280_000)

interface Channel {
  readonly state: string
  readonly holder?: string
  readonly heldSince?: string
  readonly reason?: string
}

interface Stage {
  readonly server: TestServer
  readonly smsc: SmppSmscSimulator
  readonly east: GatewayProcess
  readonly west: GatewayProcess
  /** The most binds there were at a time since `forget`. */
  mostBinds: number
}

async function channel(gateway: GatewayProcess): Promise<Channel> {
  const http = (await gateway.addresses())?.http ?? ''
  const { channels } = (await (await fetch(`${http}/v1/channels`)).json()) as { channels: Channel[] }
  const [sms] = channels
  if (sms === undefined) throw new Error('there is no channel')
  return sms
}

async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<number> {
  const began = performance.now()
  const deadline = began + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await delay(10)
  }
  return performance.now() - began
}

const isIn = async (gateway: GatewayProcess, state: string) => (await channel(gateway)).state === state

/** East is bound, west waits. */
async function onStage(t: Test, play: (stage: Stage) => Promise<void>): Promise<void> {
  const server = await openServer()
  const smsc = new SmppSmscSimulator()
  const port = await smsc.start()
  const database = { url: await server.createDatabase() }
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const prepare = (name: string) =>
    GatewayProcess.prepare({
      name,
      database,
      adapters: [{ name: 'sms', kind: 'smpp-esme', port, systemId: 'city', perSecond: 40 }],
      destinations: [{ name: 'core', url: 'http://127.0.0.1:9/nobody', secret }],
      notices: { dailyCap: 100_000 },
    })
  const [east, west] = [await prepare('east'), await prepare('west')]
  const stage: Stage = { server, smsc, east, west, mostBinds: 0 }
  const watch = setInterval(() => {
    stage.mostBinds = Math.max(stage.mostBinds, smsc.sessions.length)
  }, 1)
  try {
    await east.start()
    await until('east is bound', () => smsc.sessions.length === 1)
    await west.start()
    t.match(await channel(east), { state: 'connected' })
    t.match(await channel(west), { state: 'elsewhere', holder: 'east', heldSince: /^\d{4}-.*Z$/ })
    await play(stage)
  } catch (error) {
    const logs = `east: ${await east.logTail()}\nwest: ${await west.logTail()}`
    throw new Error(`${String(error)}\n${logs}`, { cause: error })
  } finally {
    clearInterval(watch)
    await east.remove()
    await west.remove()
    await smsc.stop()
    await server.close()
  }
}

async function metric(gateway: GatewayProcess, name: string): Promise<string> {
  const http = (await gateway.addresses())?.http ?? ''
  const page = await (await fetch(`${http}/metrics`)).text()
  return page.split('\n').find((line) => line.startsWith(`${name}{adapter="sms"}`)) ?? ''
}

async function write(gateway: GatewayProcess, n: number): Promise<void> {
  const http = (await gateway.addresses())?.http ?? ''
  const answer = await fetch(`${http}/v1/notices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `text ${n}` },
    body: JSON.stringify({
      to: { subscriber: `138001${String(n).padStart(5, '0')}` },
      text: `第${n}条`,
      urgent: true,
    }),
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

const skip = serverMissing ?? false

t.test('the holder is killed: the other binds within ten seconds', { skip }, (t) =>
  onStage(t, async ({ smsc, east, west }) => {
    t.match(await metric(west, 'chengguan_link_elsewhere'), / 1$/)
    t.match(await metric(west, 'chengguan_link_up'), / 0$/)
    await east.kill()
    await until('the bind is gone', () => smsc.sessions.length === 0)
    const tookMs = await until('west is bound', () => smsc.sessions.length === 1)
    t.comment(`moved after a kill in ${Math.round(tookMs)} ms`)
    t.ok(tookMs < 10_000)
    await until('west says so', () => isIn(west, 'connected'))
    await east.start()
    t.match(await channel(east), { state: 'elsewhere', holder: 'west' }, 'who comes back waits')
    t.equal(smsc.sessions.length, 1)
  }),
)

t.test('the holder is frozen: the other binds, and the first leaves when it wakes', { skip }, (t) =>
  onStage(t, async ({ smsc, east, west }) => {
    const [first] = smsc.sessions
    process.kill(east.pid, 'SIGSTOP')
    const tookMs = await until('west is bound', () => smsc.sessions.length === 2)
    t.comment(`moved after a freeze in ${Math.round(tookMs)} ms`)
    t.ok(tookMs < 10_000)
    const woken = performance.now()
    process.kill(east.pid, 'SIGCONT')
    await until('the first bind is gone', () => smsc.sessions.length === 1)
    t.comment(`the first left ${Math.round(performance.now() - woken)} ms after it woke`)
    t.ok(!smsc.sessions.some((bound) => bound === first), 'it is the first that left')
    await until('east waits', () => isIn(east, 'elsewhere'))
    t.match(await channel(west), { state: 'connected' })
  }),
)

t.test('a clean stop moves it at once, and there are never two', { skip }, (t) =>
  onStage(t, async (stage) => {
    const { smsc, east, west } = stage
    const [first] = smsc.sessions
    stage.mostBinds = 0
    const stopped = east.stop()
    const tookMs = await until('another is bound', () => smsc.sessions.length === 1 && smsc.sessions[0] !== first)
    t.equal(await stopped, 0)
    t.comment(`moved by a clean stop in ${Math.round(tookMs)} ms`)
    t.ok(tookMs < 5000, 'no lease had to run out')
    t.equal(stage.mostBinds, 1)
    t.match(await channel(west), { state: 'connected' })
  }),
)

t.test('without the database nobody is bound for long, and with it one is again', { skip }, (t) =>
  onStage(t, async (stage) => {
    const { smsc, server, east, west } = stage
    if (server.process === null) return t.comment('the server given by its URL is not ours to kill')
    stage.mostBinds = 0
    const gone = new Promise((resolve) => server.process?.once('exit', resolve))
    server.process.kill('SIGKILL')
    await gone
    const tookMs = await until('the holder has unbound', () => smsc.sessions.length === 0)
    t.comment(`unbound ${Math.round(tookMs)} ms after the database went`)
    t.ok(tookMs < 6000, 'before its lease has run out')
    await until('east says why', async () => /lease/.test((await channel(east)).reason ?? ''))
    await server.restart()
    await until('one is bound', () => smsc.sessions.length === 1)
    const states = async () => [(await channel(east)).state, (await channel(west)).state].sort()
    await until('each says so', async () => (await states()).join() === 'connected,elsewhere')
    t.equal(stage.mostBinds, 1)
  }),
)

t.test('texts of either gateway leave by the one that is bound, and a move doubles none', { skip }, (t) =>
  onStage(t, async ({ smsc, east, west }) => {
    await write(west, 0)
    const tookMs = await until('it has left by the other', () => smsc.submits.size === 1)
    t.comment(`a text queued where no bind is left after ${Math.round(tookMs)} ms`)
    t.ok(tookMs < 5000)
    const most = 300
    for (let n = 1; n <= most / 3; n++) await write(n % 2 === 0 ? east : west, n)
    process.kill(east.pid, 'SIGSTOP')
    await until('west is bound', () => smsc.sessions.length === 2)
    process.kill(east.pid, 'SIGCONT')
    for (let n = most / 3 + 1; n <= most; n++) await write(n % 2 === 0 ? east : west, n)
    const http = (await west.addresses())?.http ?? ''
    const open = async () => {
      let waiting = 0
      for (const state of ['queued', 'sending']) {
        const page = (await (await fetch(`${http}/v1/notices?state=${state}&limit=1000`)).json()) as { notices: [] }
        waiting += page.notices.length
      }
      return waiting
    }
    await until('nothing waits', async () => (await open()) === 0, 60_000)
    const twice = [...smsc.submits.values()].filter(({ times }) => times > 1)
    t.strictSame(
      twice.map(({ index }) => index),
      [],
    )
    const doubtful = (await (await fetch(`${http}/v1/notices?state=in-doubt&limit=1000`)).json()) as { notices: [] }
    t.comment(`${smsc.submits.size} left, ${doubtful.notices.length} in doubt`)
    t.ok(smsc.submits.size + doubtful.notices.length >= most + 1, 'none is missing')
  }),
)
