import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { SimulatedCore } from '../simulators/core.ts'
import { seeded } from '../simulators/seeded.ts'
import { GatewayProcess } from './gateway-process.ts'
import { serverMissing } from './postgres-server.ts'
import { type Speaker, speakers } from './promise-speakers.ts'
import { freePort, killingPostgres } from './promise-stage.ts'

/**
 * The promise for calls, forms, alarms and readings, tried: whatever the adapter has acknowledged is there, and there once,
 * however often it was sent again and whatever was killed meanwhile.
 */

t.setTimeout(280_000)

const lanes = [0, 1, 2, 3] as const

interface Stage {
  readonly gateway: GatewayProcess
  readonly core: SimulatedCore
  readonly crowd: Crowd
}

/** Everybody says one thing after the other, each until it is acknowledged. */
class Crowd {
  readonly said = new Map<Speaker, string[]>()
  readonly http: string
  readonly #over = new AbortController()
  #talking: Promise<unknown> = Promise.resolve()
  again = 0

  constructor(http: string) {
    this.http = http
  }

  start(): void {
    const talks = speakers.flatMap((speaker, s) => {
      this.said.set(speaker, [])
      return lanes.map((lane) => this.#talk(speaker, lane, seeded(10 * s + lane + 1)))
    })
    this.#talking = Promise.all(talks)
    this.#talking.catch(() => {})
  }

  async #talk(speaker: Speaker, lane: number, random: () => number): Promise<void> {
    for (let n = lane; !this.#over.signal.aborted; n += lanes.length) {
      const { request, name } = speaker.say(n)
      const deadline = Date.now() + 120_000
      // One in ten is said again although it was acknowledged.
      for (let times = random() < 0.1 ? 2 : 1; times > 0; ) {
        if (await this.#posted(request)) times--
        else {
          if (Date.now() > deadline) throw new Error(`${speaker.what}: nobody takes ${name}`)
          this.again++
          await delay(20)
        }
      }
      this.said.get(speaker)?.push(name)
      await delay(random() * 30)
    }
  }

  async #posted({ path, headers, body }: ReturnType<Speaker['say']>['request']): Promise<boolean> {
    try {
      const answer = await fetch(`${this.http}${path}`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : new Uint8Array(body),
        signal: AbortSignal.timeout(20_000),
      })
      await answer.arrayBuffer()
      return answer.ok
    } catch {
      return false
    }
  }

  async hush(): Promise<void> {
    this.#over.abort()
    await this.#talking
  }
}

async function onStage(extra: Record<string, unknown>, play: (stage: Stage) => Promise<void>): Promise<void> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const core = new SimulatedCore(secret)
  const url = await core.start()
  const port = await freePort()
  const backoff = { first: '100ms', most: '500ms' }
  const gateway = await GatewayProcess.prepare({
    http: { host: '127.0.0.1', port },
    adapters: speakers.map(({ adapter }) => adapter),
    destinations: [{ name: 'core', url, secret, perSecond: 0, backoff, types: ['case-intent', 'incident', 'call'] }],
    // A hundred sensors that cry at once are a hundred alarms here.
    incidents: { storm: { incidents: 10_000, within: '10m' } },
    calls: { settleAfter: '1s' },
    ...extra,
  })
  const crowd = new Crowd(`http://127.0.0.1:${port}`)
  try {
    await gateway.start()
    crowd.start()
    await play({ gateway, core, crowd })
  } catch (error) {
    throw new Error(`${String(error)}\n${await gateway.logTail()}`, { cause: error })
  } finally {
    await crowd.hush().catch(() => {})
    await core.stop()
    await gateway.remove()
  }
}

async function holds(t: Test, { gateway, core, crowd }: Stage): Promise<void> {
  await crowd.hush()
  t.comment(`${crowd.again} requests were not acknowledged and sent again`)
  for (const [speaker, names] of crowd.said) {
    t.ok(names.length > 10, `${speaker.what}: ${names.length} were acknowledged, enough to mean something`)
    const missing = async () => {
      const there = await speaker.found(core, crowd.http)
      return names.filter((name) => !there.has(name))
    }
    const deadline = Date.now() + 60_000
    while ((await missing()).length > 0 && Date.now() < deadline) await delay(100)
    t.strictSame(await missing(), [], `${speaker.what}: all that was acknowledged is at the core`)
    const there = await speaker.found(core, crowd.http)
    t.strictSame(
      [...there].filter(([, times]) => times > 1),
      [],
      `${speaker.what}: and there once`,
    )
    const known = new Set(names)
    t.strictSame(
      [...there.keys()].filter((name) => !known.has(name)),
      [],
      `${speaker.what}: and nothing else`,
    )
  }
  const { code, output } = await gateway.run('audit')
  t.equal(code, 0, output)
  t.equal(await gateway.stop(), 0, 'it drains and ends in order')
}

t.test('the gateway is killed ten times', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(20261126)
    for (let kill = 0; kill < 10; kill++) {
      await delay(200 + random() * 900)
      await stage.gateway.kill()
      await stage.gateway.start()
    }
    await holds(t, stage)
  }),
)

t.test('PostgreSQL is killed under the running gateway', { skip: serverMissing ?? false }, (t) =>
  killingPostgres(t, 14, (extra, kill) =>
    onStage(extra, async (stage) => {
      await kill()
      await holds(t, stage)
    }),
  ),
)
