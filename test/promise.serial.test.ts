import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { seeded } from '../simulators/seeded.ts'
import { openServer, serverMissing } from './postgres-server.ts'
import { killingPostgres, type PromiseStage, promiseStage, tallies } from './promise-stage.ts'

/**
 * The promise, tried: what the gateway acknowledged is at the core exactly once, whatever is killed and whenever. Every
 * test ends with the ledger audited by a process of its own.
 */

t.setTimeout(280_000)

interface LedgerAnswer {
  readonly destinations: readonly { readonly destination: string; readonly pending: number }[]
}

/** Everything that was acknowledged arrived, nothing twice, and the ledger balances. */
async function holds(t: Test, { gateway, core, crowd }: PromiseStage): Promise<void> {
  await crowd.hush()
  const http = (await gateway.addresses())?.http ?? ''
  const ask = async <Answer>(path: string) => (await (await fetch(`${http}${path}`)).json()) as Answer
  const emptied = async () => {
    const { destinations } = await ask<LedgerAnswer>('/v1/ledger')
    return destinations.find(({ destination }) => destination === 'core')?.pending === 0
  }
  const deadline = Date.now() + 60_000
  while (!(await emptied())) {
    if (Date.now() > deadline) throw new Error('the outbox did not empty')
    await delay(100)
  }

  const { reports, positions } = tallies(core)
  const handhelds = [...positions.keys()].filter((position) => position.startsWith('h-'))
  t.comment(`${crowd.reports.length} reports, ${crowd.positions} positions, ${core.repeated} events came repeatedly`)
  t.ok(crowd.reports.length > 100, 'enough was said to mean something')
  t.strictSame(
    [...reports, ...positions].filter(([, n]) => n !== 1),
    [],
    'nothing is at the core under two ids',
  )
  t.strictSame(
    crowd.reports.filter((number) => !reports.has(number)),
    [],
    'every acknowledged report is at the core',
  )
  t.equal(handhelds.length, crowd.positions, 'and every acknowledged position')
  for (const [vehicle, length] of crowd.logLengths()) {
    const { fixes } = await ask<{ fixes: { at: string }[] }>(`/v1/tracks/${vehicle}?limit=20000`)
    t.equal(fixes.length, length, `every epoch of ${vehicle} is in its track`)
    t.equal(new Set(fixes.map(({ at }) => at)).size, length, 'and none twice')
  }
  await crowd.leave()
  const { code, output } = await gateway.run('audit')
  t.equal(code, 0, output)
  t.equal(await gateway.stop(), 0, 'it drains and ends in order')
  const after = await gateway.run('audit')
  t.equal(after.code, 0, after.output)
}

async function onStage(extra: Record<string, unknown>, play: (stage: PromiseStage) => Promise<void>): Promise<void> {
  const stage = await promiseStage(extra)
  try {
    await stage.gateway.start()
    await stage.crowd.start()
    await play(stage)
  } catch (error) {
    throw new Error(`${String(error)}\n${await stage.gateway.logTail()}`, { cause: error })
  } finally {
    await stage.crowd.leave()
    await stage.core.stop()
    await stage.gateway.remove()
  }
}

t.test('the gateway is killed ten times at random moments', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(20261123)
    for (let kill = 0; kill < 10; kill++) {
      await delay(100 + random() * 900)
      await stage.gateway.kill()
      await stage.gateway.start()
    }
    await holds(t, stage)
  }),
)

t.test('the core goes, cuts the line after it took a batch, and fails', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(7)
    for (let fault = 1; fault <= 4; fault++) {
      await stage.core.stop()
      await delay(random() * 500)
      let requests = 0
      stage.core.mood = () => {
        requests++
        if (requests % 3 === 1) return { does: 'take-and-cut' }
        return requests % 3 === 2 ? { does: 'fail', status: 503 } : { does: 'answer' }
      }
      await stage.core.start(stage.corePort)
      // An event that came a second time: its first delivery was taken, and the gateway could not know.
      await stage.core.until('an event came again', () => stage.core.repeated >= fault)
    }
    stage.core.mood = () => ({ does: 'answer' })
    await holds(t, stage)
  }),
)

t.test('the embedded database is killed: the gateway ends with 69, and comes back whole', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(11)
    for (let kill = 0; kill < 3; kill++) {
      await delay(200 + random() * 600)
      process.kill(await stage.gateway.databasePid(), 'SIGKILL')
      t.equal(await stage.gateway.ended(), 69)
      await stage.gateway.start()
    }
    await holds(t, stage)
  }),
)

t.test('PostgreSQL is killed under the running gateway', { skip: serverMissing ?? false }, (t) =>
  killingPostgres(t, 13, (extra, kill) =>
    onStage(extra, async (stage) => {
      await kill(async () => {
        const { status } = await fetch(`${(await stage.gateway.addresses())?.http}/readyz`)
        t.equal(status, 503, 'not ready while it cannot store')
      })
      await holds(t, stage)
    }),
  ),
)

t.test(
  'two gateways share one PostgreSQL, and one of them is killed again and again',
  { skip: serverMissing ?? false },
  async (t) => {
    const server = await openServer()
    t.teardown(() => server.close())
    const url = await server.createDatabase()
    await onStage({ name: 'one', database: { url } }, async (stage) => {
      const other = await stage.sibling('two')
      try {
        await other.start()
        const random = seeded(17)
        for (let kill = 0; kill < 4; kill++) {
          await delay(200 + random() * 600)
          await other.kill()
          await delay(random() * 300)
          await other.start()
        }
        await holds(t, stage)
      } finally {
        await other.remove()
      }
    })
  },
)
