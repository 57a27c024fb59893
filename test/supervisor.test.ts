import t from 'tap'
import type { Adapter } from '../gateway/adapter.ts'
import type { Held, Lease, Waiting } from '../gateway/leases/lease.ts'
import { Backoff } from '../gateway/relay/pace.ts'
import { Supervisor, type SupervisorOptions } from '../gateway/supervisor.ts'
import { silent } from './database.ts'
import { deferred, until } from './mqtt-stage.ts'

/** An adapter that does what it is told, and keeps what was asked of it. */
class Told implements Adapter {
  readonly calls: string[] = []
  /** What the last stop was given. */
  atOnce: AbortSignal | undefined
  starting: (attempt: number) => Promise<void> = async () => {}
  stopping: () => Promise<void> = async () => {}

  get starts(): number {
    return this.calls.filter((call) => call === 'start').length
  }

  start(): Promise<void> {
    this.calls.push('start')
    return this.starting(this.starts)
  }

  stop(atOnce?: AbortSignal): Promise<void> {
    this.atOnce = atOnce
    this.calls.push('stop')
    return this.stopping()
  }
}

/** Steps so short that a test is not held up. */
const quick = (): SupervisorOptions => ({ backoff: new Backoff(1, 4) })
/** Steps so long that a test which waits for one fails. */
const endless = (): SupervisorOptions => ({ backoff: new Backoff(86_400_000, 86_400_000) })

const listening = { state: 'listening', at: 'here' } as const

t.test('an adapter that fails to start is started again until it does, stopped in between', async (t) => {
  const adapter = new Told()
  adapter.starting = async (attempt) => {
    if (attempt < 4) throw new Error(`try ${attempt}`)
    supervisor.report(listening)
  }
  const supervisor = new Supervisor('x', adapter, silent, quick())
  await supervisor.start()
  t.match(supervisor.link, { state: 'down', reason: 'try 1' }, 'the start waits for the first attempt alone')
  await until('it listens', () => supervisor.link.state === 'listening')
  t.strictSame(adapter.calls, ['start', 'stop', 'start', 'stop', 'start', 'stop', 'start'])
  await supervisor.stop()
  t.equal(adapter.calls.at(-1), 'stop')
  t.strictSame(supervisor.link, { state: 'stopped' })
})

t.test('an adapter that goes down is stopped and started, however often it says so', async (t) => {
  const adapter = new Told()
  adapter.starting = async () => supervisor.report(listening)
  const supervisor = new Supervisor('x', adapter, silent, quick())
  await supervisor.start()
  for (let time = 1; time <= 3; time++) {
    supervisor.report({ state: 'down', reason: 'the line' })
    supervisor.report({ state: 'down', reason: 'the line, again' })
    await until('it is up again', () => supervisor.link.state === 'listening')
    t.equal(adapter.starts, time + 1)
  }
  await supervisor.stop()
})

t.test('an adapter that is down before its start is through is started again', async (t) => {
  const adapter = new Told()
  adapter.starting = async (attempt) => {
    supervisor.report(attempt === 1 ? { state: 'down', reason: 'at once' } : listening)
  }
  const supervisor = new Supervisor('x', adapter, silent, quick())
  await supervisor.start()
  await until('it listens', () => supervisor.link.state === 'listening')
  t.strictSame(adapter.calls, ['start', 'stop', 'start'])
  await supervisor.stop()
})

t.test('an adapter that throws when it stops is started all the same, and the stop resolves', async (t) => {
  const adapter = new Told()
  adapter.stopping = () => Promise.reject(new Error('will not'))
  adapter.starting = async (attempt) => {
    if (attempt === 1) throw new Error('no')
    supervisor.report(listening)
  }
  const supervisor = new Supervisor('x', adapter, silent, quick())
  await supervisor.start()
  await until('it listens', () => supervisor.link.state === 'listening')
  await supervisor.stop()
  t.strictSame(supervisor.link, { state: 'stopped' })
})

t.test('an adapter that throws at once rather than rejects is no other', async (t) => {
  const adapter = new Told()
  adapter.starting = () => {
    throw new Error('thrown')
  }
  const supervisor = new Supervisor('x', adapter, silent, endless())
  await supervisor.start()
  t.match(supervisor.link, { state: 'down', reason: 'thrown' })
  await supervisor.stop()
})

t.test('a stop during a pause of a day waits for nothing', async (t) => {
  const adapter = new Told()
  adapter.starting = () => Promise.reject(new Error('no'))
  const supervisor = new Supervisor('x', adapter, silent, endless())
  await supervisor.start()
  await supervisor.stop()
  t.equal(adapter.starts, 1)
  await supervisor.stop()
  t.strictSame(supervisor.link, { state: 'stopped' })
})

t.test('a start that hangs holds up neither the start nor the stop of the gateway', async (t) => {
  const adapter = new Told()
  const hung = deferred<void>()
  adapter.starting = () => hung.promise
  const supervisor = new Supervisor('x', adapter, silent, { ...endless(), firstAttemptMs: 1 })
  await supervisor.start()
  t.strictSame(adapter.calls, ['start'], 'the attempt goes on')
  await supervisor.stop()
  t.strictSame(adapter.calls, ['start', 'stop'])
  // Its late end is nobody's any more, and no unhandled rejection either.
  hung.reject(new Error('late'))
  await new Promise(setImmediate)
  t.equal(adapter.starts, 1)
})

t.test('a supervisor that was stopped before its start starts nothing', async (t) => {
  const adapter = new Told()
  const supervisor = new Supervisor('x', adapter, silent, quick())
  await supervisor.stop()
  await supervisor.start()
  t.equal(adapter.starts, 0)
})

t.test('a link that stays as it is keeps the time since when', async (t) => {
  const supervisor = new Supervisor('x', new Told(), silent, endless())
  await supervisor.start()
  supervisor.report(listening)
  const { since } = supervisor
  supervisor.report({ state: 'listening', at: 'there' })
  t.equal(supervisor.since, since)
  t.match(supervisor.link, { at: 'there' })
  await supervisor.stop()
})

/** A lease that the test gives and takes. */
class GivenLease implements Lease {
  releases = 0
  hopes: Waiting | null = null
  #give: (held: Held | null) => void = () => {}

  take(waiting: Waiting): Promise<Held | null> {
    this.hopes = waiting
    return new Promise((resolve) => {
      this.#give = (held) => {
        this.hopes = null
        resolve(held)
      }
      waiting.signal.addEventListener('abort', () => this.#give(null), { once: true })
    })
  }

  give(): AbortController {
    const lost = new AbortController()
    this.#give({ lost: lost.signal })
    return lost
  }

  async release(): Promise<void> {
    this.releases++
  }
}

t.test(
  'an adapter that needs a lease is started when it is had, stopped when it is lost, and started again',
  async (t) => {
    const adapter = new Told()
    const lease = new GivenLease()
    adapter.starting = async () => supervisor.report(listening)
    const supervisor = new Supervisor('x', adapter, silent, { ...endless(), lease })
    const started = supervisor.start()
    lease.hopes?.elsewhere('west', new Date(0))
    await started
    t.strictSame(adapter.calls, [], 'the gateway has started without it')
    t.strictSame(supervisor.link, { state: 'elsewhere', holder: 'west', heldSince: '1970-01-01T00:00:00.000Z' })
    const lost = lease.give()
    await until('it listens', () => supervisor.link.state === 'listening')
    lost.abort()
    await until('it wants it again', () => lease.hopes !== null)
    t.strictSame(adapter.calls, ['start', 'stop'])
    t.strictSame(supervisor.link, { state: 'stopped' })
    t.equal(adapter.atOnce?.aborted, true, 'it is told that it may wait for nothing')
    lease.give()
    await until('it listens again, without a pause', () => supervisor.link.state === 'listening')
    await supervisor.stop()
    t.equal(adapter.atOnce?.aborted, false, 'a stop in order has time')
    t.strictSame(adapter.calls, ['start', 'stop', 'start', 'stop'])
    t.equal(lease.releases, 1)
  },
)

t.test('a start that hangs is given up with the lease, and not begun anew before it is through', async (t) => {
  const adapter = new Told()
  const lease = new GivenLease()
  const hung = deferred<void>()
  adapter.starting = () => hung.promise
  const supervisor = new Supervisor('x', adapter, silent, { ...endless(), firstAttemptMs: 1, lease })
  const started = supervisor.start()
  const lost = lease.give()
  await started
  lost.abort()
  await until('it is stopped', () => adapter.calls.includes('stop'))
  t.equal(lease.hopes, null, 'nothing is wanted while that start is about')
  hung.resolve()
  await until('it wants the lease again', () => lease.hopes !== null)
  t.strictSame(adapter.calls, ['start', 'stop', 'stop'], 'and what came up after all is stopped')
  await supervisor.stop()
})

t.test('who cannot reach the far end lets another gateway try', async (t) => {
  const adapter = new Told()
  const lease = new GivenLease()
  adapter.starting = () => Promise.reject(new Error('no route'))
  const supervisor = new Supervisor('x', adapter, silent, { ...quick(), lease })
  const started = supervisor.start()
  lease.give()
  await started
  await until('it wants the lease again', () => lease.hopes !== null)
  t.equal(adapter.starts, 3)
  t.equal(lease.releases, 1)
  await supervisor.stop()
})

t.test('a database that does not say who has the lease is a reason, and a stop waits for no answer', async (t) => {
  const adapter = new Told()
  const lease = new GivenLease()
  const supervisor = new Supervisor('x', adapter, silent, { ...endless(), lease })
  const started = supervisor.start()
  lease.hopes?.unknown('no database')
  await started
  t.match(supervisor.link, { state: 'down', reason: /lease.*no database/ })
  await supervisor.stop()
  t.strictSame(adapter.calls, [])
  t.equal(lease.releases, 1, 'a look under way may have taken it')
})
