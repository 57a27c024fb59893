import { type AddressInfo, createServer } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import type { AdapterContext, AdapterKind, Inbound, Link, OutboundNotice, Receipt, Sent } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'

/**
 * What every adapter must do, under the same names. A check returns its violations rather than asserting them, so that
 * a test can also demand that a broken adapter violates it.
 */

/** `unacknowledged`: the protocol has no answer, so only the intake can tell. */
export type Answered = 'acknowledged' | 'refused' | 'unacknowledged'

export interface ContractPeer {
  /** Sends message `n`: the same number gives the same bytes. Resolves with the protocol's answer. */
  send(quality: 'good' | 'malformed', n: number): Promise<Answered>
  /** Goes away without a word. */
  vanish(): void
}

export interface ContractDriver {
  readonly name: string
  readonly kind: AdapterKind<never>
  /** With port 0. */
  readonly options: unknown
  /**
   * Options that make `start` reject while `release` was not called: a port that is taken. `null`: it opens nothing of
   * its own, so there is nothing that can fail.
   */
  readonly taken: (() => Promise<{ options: unknown; release(): Promise<void> }>) | null
  readonly acknowledges: boolean
  connect(link: Link, http: FastifyInstance): Promise<ContractPeer>
}

interface ContractCheck {
  readonly name: string
  run(driver: ContractDriver, bench: Bench): Promise<string[]>
}

/** An intake in memory that does what the real one promises, and can be held, broken or made hasty. */
export class ModelIntake {
  readonly stored = new Map<string, readonly Report[]>()
  /** Whole messages and single elements that made no sense. */
  deadLetters = 0
  /** Messages that became something of use. */
  good = 0
  readonly links: Link[] = []
  readonly arrivals: string[] = []
  duplicates = 0
  refusals = 0
  waiting = 0
  /** Asked for every message: reject instead of storing? */
  refuse: () => boolean = () => false
  #held: Promise<void> | null = null
  #letGo: () => void = () => {}
  #changed: () => void = () => {}
  readonly #decode: (message: Inbound & { receivedAt: Date }) => Report[]

  constructor(decode: (message: Inbound & { receivedAt: Date }) => Report[]) {
    this.#decode = decode
  }

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#letGo = resolve
    })
  }

  letGo(): void {
    this.#letGo()
    this.#held = null
  }

  async accept(message: Inbound): Promise<Receipt> {
    this.waiting++
    this.note()
    try {
      await this.#held
      if (this.refuse()) {
        this.refusals++
        throw new GatewayError('STORE_UNAVAILABLE', 'the test says so')
      }
      return this.#store(message)
    } finally {
      this.waiting--
      this.note()
    }
  }

  #store(message: Inbound): Receipt {
    if (this.stored.has(message.key)) {
      this.duplicates++
      return 'duplicate'
    }
    try {
      const reports = this.#decode({ ...message, receivedAt: new Date() })
      this.stored.set(message.key, reports)
      const malformed = reports.filter(({ kind }) => kind === 'malformed').length
      this.deadLetters += malformed
      if (malformed < reports.length) this.good++
      return 'stored'
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_')) throw error
      this.stored.set(message.key, [])
      this.deadLetters++
      return 'dead-lettered'
    }
  }

  note(): void {
    this.#changed()
  }

  /** Waits until the condition holds; rejects with its name after ten seconds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

/** One adapter on a model intake, with an HTTP server for those that need one. */
export interface Bench {
  readonly model: ModelIntake
  readonly adapter: {
    start(): Promise<void>
    stop(): Promise<void>
    send?(notice: OutboundNotice): Promise<Sent>
  }
  peer(): Promise<ContractPeer>
  /** Leaves no socket behind, however the check went. */
  close(): Promise<void>
}

interface BenchMaking {
  readonly driver: ContractDriver
  readonly options: unknown
  readonly http: FastifyInstance
  /** How the adapter's `accept` is made of the model's; a broken one acknowledges too early. */
  readonly acceptVia?: (model: ModelIntake) => AdapterContext['accept']
}

function makeBench({ driver, options, http, acceptVia }: BenchMaking): Bench {
  const { kind } = driver
  const model = new ModelIntake((message) => kind.decode(message, options as never))
  const context: AdapterContext = {
    name: 'contract',
    accept: acceptVia?.(model) ?? ((message) => model.accept(message)),
    report: (link) => {
      model.links.push(link)
      model.note()
    },
    arrived: (addressee) => {
      model.arrivals.push(addressee)
      model.note()
    },
    refused: () => model.note(),
    http,
    log: pino({ level: 'silent' }),
  }
  const adapter = kind.create(options as never, context)
  const peers: ContractPeer[] = []
  return {
    model,
    adapter,
    async close() {
      model.letGo()
      for (const one of peers) one.vanish()
      await adapter.stop()
    },
    async peer() {
      const up = model.links.findLast(({ state }) => state === 'listening' || state === 'connected')
      if (up === undefined) throw new Error('the adapter reported no link')
      const made = await driver.connect(up, http)
      peers.push(made)
      return made
    },
  }
}

const expect = (violations: string[], holds: boolean, otherwise: string) => {
  if (!holds) violations.push(otherwise)
}

const goodOnce: ContractCheck = {
  name: 'a good message becomes one stored row',
  async run(driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    const answer = await (await peer()).send('good', 1)
    await model.until('the message is stored', () => model.stored.size === 1)
    expect(
      violations,
      answer === (driver.acknowledges ? 'acknowledged' : 'unacknowledged'),
      `it was answered ${answer}`,
    )
    expect(
      violations,
      model.good === 1 && model.deadLetters === 0,
      `${model.good} good and ${model.deadLetters} dead letters`,
    )
    await adapter.stop()
    return violations
  },
}

const malformedThenGood: ContractCheck = {
  name: 'a malformed message is dead-lettered and the next still lands',
  async run(driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    const sender = await peer()
    const answer = await sender.send('malformed', 1)
    await sender.send('good', 2)
    await model.until('both are stored', () => model.good === 1 && model.deadLetters === 1)
    expect(violations, !driver.acknowledges || answer === 'acknowledged', `the malformed one was answered ${answer}`)
    await adapter.stop()
    return violations
  },
}

const notBeforeCommit: ContractCheck = {
  name: 'not acknowledged before the commit',
  async run(_driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    const sender = await peer()
    model.hold()
    let answer: Answered | null = null
    const sending = sender.send('good', 1).then((answered) => {
      answer = answered
    })
    await model.until('the message is being stored', () => model.waiting === 1)
    // Whole connections come up after the message arrived: an early acknowledgement has had all that time.
    for (let i = 0; i < 3; i++) (await peer()).vanish()
    expect(violations, answer === null, `it was answered ${answer} before the commit`)
    model.letGo()
    await sending
    expect(violations, answer === 'acknowledged', `it was answered ${answer} after the commit`)
    await adapter.stop()
    return violations
  },
}

const failedCommitRefused: ContractCheck = {
  name: 'a failed commit is refused',
  async run(driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    model.refuse = () => true
    const answer = await (await peer()).send('good', 1)
    if (driver.acknowledges) expect(violations, answer === 'refused', `it was answered ${answer}`)
    model.refuse = () => false
    await (await peer()).send('good', 1)
    await model.until('it is stored when sent again', () => model.stored.size === 1)
    await adapter.stop()
    return violations
  },
}

const redeliveryOnce: ContractCheck = {
  name: 'a redelivery stores once',
  async run(driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    await (await peer()).send('good', 1)
    await model.until('the first is stored', () => model.stored.size === 1)
    const answer = await (await peer()).send('good', 1)
    await model.until('the second is known', () => model.duplicates === 1)
    expect(violations, !driver.acknowledges || answer === 'acknowledged', `the redelivery was answered ${answer}`)
    expect(violations, model.stored.size === 1, `${model.stored.size} rows`)
    await adapter.stop()
    return violations
  },
}

const stopIdempotent: ContractCheck = {
  name: 'stop is idempotent and safe before start',
  async run(_driver, bench) {
    const { adapter } = bench
    await adapter.stop()
    await adapter.start()
    await adapter.stop()
    await Promise.all([adapter.stop(), adapter.stop()])
    return []
  },
}

const stopWithoutPeer: ContractCheck = {
  name: 'stop returns when the far end has gone',
  async run(_driver, bench) {
    const { model, adapter, peer } = bench
    await adapter.start()
    const sender = await peer()
    model.hold()
    const sending = sender.send('good', 1).catch(() => 'refused')
    await model.until('the message is being stored', () => model.waiting === 1)
    sender.vanish()
    model.letGo()
    await adapter.stop()
    await sending
    return []
  },
}

const stopWaits: ContractCheck = {
  name: 'stop waits for accepts under way',
  async run(_driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    const sender = await peer()
    model.hold()
    const sending = sender.send('good', 1).catch(() => 'refused')
    await model.until('the message is being stored', () => model.waiting === 1)
    let stopped = false
    const stopping = adapter.stop().then(() => {
      stopped = true
    })
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    expect(violations, !stopped, 'it stopped while a message was being stored')
    model.letGo()
    await stopping
    expect(violations, model.stored.size === 1, 'the message under way was not stored')
    await sending
    return violations
  },
}

const chaos: ContractCheck = {
  name: 'under random refusals, sent = stored + dead, none twice',
  async run(_driver, bench) {
    const violations: string[] = []
    const { model, adapter, peer } = bench
    await adapter.start()
    const random = seeded(20261123)
    const messages = 60
    model.refuse = () => random() < 0.3
    let sender = await peer()
    for (let n = 0; n < messages; n++) {
      const quality = n % 7 === 3 ? 'malformed' : 'good'
      const landed = () => model.good + model.deadLetters === n + 1
      for (let attempt = 0; !landed(); attempt++) {
        if (attempt > 60) return [`message ${n} was never stored`]
        const refusals = model.refusals
        const answer = await sender.send(quality, n).catch((): Answered => 'refused')
        if (answer === 'unacknowledged') await model.until('it is settled', () => landed() || model.refusals > refusals)
        if (!landed() || answer === 'refused') sender = await peer()
      }
    }
    const malformed = Array.from({ length: messages }, (_, n) => n).filter((n) => n % 7 === 3).length
    expect(
      violations,
      model.good === messages - malformed,
      `${model.good} rows of ${messages - malformed} good messages`,
    )
    expect(violations, model.deadLetters === malformed, `${model.deadLetters} dead letters of ${malformed}`)
    sender.vanish()
    await adapter.stop()
    expect(violations, model.waiting === 0, `${model.waiting} accepts were left behind`)
    return violations
  },
}

const contractChecks: readonly ContractCheck[] = [
  goodOnce,
  malformedThenGood,
  failedCommitRefused,
  redeliveryOnce,
  stopIdempotent,
  stopWithoutPeer,
  stopWaits,
  chaos,
]

/** Runs the whole contract on one adapter, each check as a test of its own. */
export function runContract(driver: ContractDriver): void {
  const { options } = driver
  for (const check of [...contractChecks, ...(driver.acknowledges ? [notBeforeCommit] : [])]) {
    t.test(`${driver.name}: ${check.name}`, (t) =>
      onBench({ driver, options }, async (bench) => {
        t.strictSame(await check.run(driver, bench), [])
      }),
    )
  }
  const { taken } = driver
  t.test(
    `${driver.name}: start may be called again after it failed`,
    { skip: taken === null && 'it opens nothing of its own' },
    async (t) => {
      if (taken === null) return
      const { options, release } = await taken()
      await onBench({ driver, options }, async ({ adapter, model }) => {
        await t.rejects(adapter.start(), 'it starts on a port that is taken')
        await adapter.stop()
        await release()
        await adapter.start()
        t.ok(model.links.some(({ state }) => state === 'listening' || state === 'connected'))
      })
    },
  )
  if (!driver.acknowledges) return
  t.test(`${driver.name}: an acknowledgement moved before the commit violates the contract`, async (t) => {
    const hasty = (model: ModelIntake) => async (message: Inbound) => {
      void model.accept(message)
      return 'stored' as const
    }
    await onBench({ driver, options, acceptVia: hasty }, async (bench) => {
      t.match(await notBeforeCommit.run(driver, bench), [/before the commit/])
    })
  })
}

async function onBench(making: Omit<BenchMaking, 'http'>, use: (bench: Bench) => Promise<void>): Promise<void> {
  const http = Fastify()
  // As the gateway does it: the adapter is made before the server listens, on a scope of its own.
  const made: Bench[] = []
  await http.register(async (scope) => void made.push(makeBench({ ...making, http: scope })), {
    prefix: '/ingest/contract',
  })
  await http.listen({ host: '127.0.0.1', port: 0 })
  const [bench] = made
  if (bench === undefined) throw new Error('the bench was not made')
  try {
    await use(bench)
  } finally {
    await bench.close()
    await http.close()
  }
}

/** Options with a port that somebody else listens on until it is released. */
export async function takenPort(
  optionsOn: (port: number) => unknown,
): ReturnType<NonNullable<ContractDriver['taken']>> {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
  const { port } = squatter.address() as AddressInfo
  return {
    options: optionsOn(port),
    release: () => new Promise((resolve) => squatter.close(() => resolve())),
  }
}
