import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import type { Errand } from '../gateway/adapter.ts'
import { ErrandRunner } from '../gateway/errands/runner.ts'
import { GatewayError } from '../gateway/errors.ts'
import { claimErrands, retryErrand } from '../gateway/store/errands.ts'
import { forEachDatabase, silent } from './database.ts'

t.test('errands', (t) =>
  forEachDatabase(t, async (t, { pool, prisma, kind }) => {
    t.beforeEach(async () => {
      await pool.query('TRUNCATE errand')
    })

    const post = async (adapter = 'fetcher') => {
      const id = uuidv7()
      const [now, messageId] = [new Date(), uuidv7()]
      const content = Buffer.from('announced')
      await prisma.errand.create({
        data: { id, adapter, subject: 'tel:+8613800138000', content, messageId, receivedAt: now, dueAt: now },
      })
      return id
    }
    const stateOf = async (id: string) => (await prisma.errand.findUnique({ where: { id } }))?.state
    const until = async (what: string, holds: () => Promise<boolean>) => {
      const deadline = Date.now() + 10_000
      while (!(await holds())) {
        if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const run = async (perform: (errand: Errand) => Promise<void>, now = Date.now, lease = { ours: true }) => {
      const fetcher = {
        perform,
        get ours() {
          return lease.ours
        },
      }
      const performers = new Map([['fetcher', fetcher]])
      const runner = new ErrandRunner({ pool, shared: kind === 'server', log: silent, performers, now, pollMs: 20 })
      await runner.start()
      t.teardown(() => runner.stop())
      return runner
    }

    await t.test('each is performed once, and what belongs to nobody here is left alone', async (t) => {
      const ids = await Promise.all(Array.from({ length: 30 }, () => post()))
      const foreign = await post('elsewhere')
      const performed: string[] = []
      const perform = async ({ id, content, attempt }: Errand) => {
        t.same([Buffer.from(content).toString(), attempt], ['announced', 1])
        performed.push(id)
      }
      const runners = [await run(perform), await run(perform)]
      await until('all are done', async () => (await prisma.errand.count({ where: { state: 'done' } })) === 30)
      t.same(performed.sort(), ids.sort())
      t.equal(await stateOf(foreign), 'pending')
      await Promise.all(runners.map((runner) => runner.stop()))
    })

    await t.test(
      'what another gateway has the lease of is performed there, and here once that has moved',
      async (t) => {
        const [lease, theirs] = [{ ours: false }, { ours: true }]
        const performed: string[] = []
        const by = (name: string) => async () => {
          performed.push(name)
        }
        const runners = [await run(by('here'), Date.now, lease), await run(by('there'), Date.now, theirs)]
        const first = await Promise.all(Array.from({ length: 20 }, () => post()))
        await until(
          'all are done',
          async () => (await stateOf(first.at(-1) ?? '')) === 'done' && performed.length === 20,
        )
        t.same(new Set(performed), new Set(['there']))
        lease.ours = true
        theirs.ours = false
        const moved = await post()
        await until('it is done', async () => (await stateOf(moved)) === 'done')
        t.equal(performed.at(-1), 'here')
        await Promise.all(runners.map((runner) => runner.stop()))
      },
    )

    await t.test(
      'one that fails waits longer each time, one that never can be done is dead, and can be tried again',
      async (t) => {
        const later = await post()
        const hopeless = await post()
        const dues: number[] = []
        const runner = await run(async ({ id }) => {
          if (id === hopeless) throw new GatewayError('DECODE_SYNTAX', 'no notification')
          throw new Error('the centre is not there')
        })
        for (let attempt = 1; attempt <= 3; attempt++) {
          await until(`attempt ${attempt} failed`, async () => {
            const row = await prisma.errand.findUnique({ where: { id: later } })
            return row?.attempts === attempt && row.claimedUntil === null
          })
          const row = await prisma.errand.findUnique({ where: { id: later } })
          dues.push((row?.dueAt.getTime() ?? 0) - Date.now())
          await pool.query('UPDATE errand SET due_at = now() WHERE id = $1', [later])
        }
        t.ok(
          dues.every((due, i) => i === 0 || due > (dues[i - 1] ?? 0) * 1.5),
          `pauses of ${dues.join(', ')} ms`,
        )
        t.match(await prisma.errand.findUnique({ where: { id: hopeless } }), {
          state: 'dead',
          attempts: 1,
          lastError: /no notification/,
        })
        await runner.stop()
        t.ok(await retryErrand(pool, hopeless))
        t.notOk(await retryErrand(pool, hopeless), 'it is not dead any more')
        t.equal(await stateOf(hopeless), 'pending')
      },
    )

    await t.test('a stop waits for what is under way; the claim of a gateway that died runs out', async (t) => {
      const id = await post()
      let finish: () => void = () => {}
      const begun = new Promise<void>((resolve) => {
        void run(() => {
          resolve()
          return new Promise<void>((done) => {
            finish = done
          })
        }).then(async (runner) => {
          await begun
          let stopped = false
          const stopping = runner.stop().then(() => {
            stopped = true
          })
          for (let i = 0; i < 20; i++) await new Promise(setImmediate)
          t.notOk(stopped)
          finish()
          await stopping
        })
      })
      await begun
      await until('it is done', async () => (await stateOf(id)) === 'done')

      const orphan = await post()
      t.equal((await claimErrands(pool, ['fetcher'], 8)).length, 1, 'a gateway claims it, and dies')
      t.equal((await claimErrands(pool, ['fetcher'], 8)).length, 0)
      await pool.query(`UPDATE errand SET claimed_until = now() - interval '1 second' WHERE id = $1`, [orphan])
      t.match(await claimErrands(pool, ['fetcher'], 8), [{ id: orphan, attempt: 2 }])
    })
  }),
)
