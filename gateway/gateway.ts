import { rm, writeFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Configuration } from '../config/schema.ts'
import type { AdapterContext, Inbound } from './adapter.ts'
import { type Addresses, addressesFile } from './addresses.ts'
import { PopUps } from './calls/pop-ups.ts'
import { Reconciliation } from './calls/reconcile.ts'
import { CallSettlement } from './calls/settle.ts'
import { kindOf, type OpenDesk, openDesk } from './desk.ts'
import { ErrandRunner, type Performer } from './errands/runner.ts'
import { describe, GatewayError } from './errors.ts'
import { readinessOf } from './http/readiness.ts'
import { addRoutes } from './http/routes.ts'
import { createHttp, requireToken } from './http/server.ts'
import { IncidentSweep } from './incidents/sweep.ts'
import { Intake } from './intake/intake.ts'
import { Unfinished } from './intake/unfinished.ts'
import type { LeaseDesk } from './leases/lease-desk.ts'
import { leaseDesk } from './leases/open.ts'
import { Metrics } from './metrics.ts'
import type { DeviceSender } from './notices/device-office.ts'
import { NoticeOffice } from './notices/office.ts'
import type { TextAdapter } from './notices/ways.ts'
import { RefusalLog } from './refusal-log.ts'
import { Relay } from './relay/relay.ts'
import { callGauges, lastHeardOfCalls } from './store/calls.ts'
import { incidentGauges } from './store/incidents.ts'
import { noticeGauges } from './store/notice-requests.ts'
import { outboxAges } from './store/outbox-ages.ts'
import { startUpkeep, type Upkeep } from './store/upkeep.ts'
import { Supervisor } from './supervisor.ts'

/** A running gateway. */
export interface Gateway {
  /** `http://host:port` as really bound. */
  readonly address: string
  /** Resolves with the reason when the gateway cannot go on (its embedded database ended). */
  readonly failed: Promise<string>
  /** Takes nothing new, finishes accepts and deliveries under way within the configured time, and closes. Idempotent. */
  stop(): Promise<void>
}

/** Opens everything in order; what was opened is closed again when a later step rejects, so half a gateway never runs. */
export async function startGateway(configuration: Configuration, log: Logger): Promise<Gateway> {
  const opened: (() => Promise<void>)[] = []
  try {
    return await openInOrder(configuration, log, opened)
  } catch (error) {
    for (const close of opened.reverse())
      await close().catch((reason: unknown) => log.error({ reason: describe(reason) }, 'could not close'))
    throw error
  }
}

async function openInOrder(
  configuration: Configuration,
  log: Logger,
  opened: (() => Promise<void>)[],
): Promise<Gateway> {
  const open = await openDesk(configuration, log)
  const { database, city } = open
  opened.push(() => open.close())
  const { app, intake, relay, office, errands, unfinished, sweep, leases, supervisors, ...parts } = await assemble(
    configuration,
    log,
    open,
  )
  const { settlement, reconciliation, popUps } = parts
  opened.push(() => app.close())
  opened.push(() => popUps.stop())
  const upkeep: Upkeep = startUpkeep({ database, retention: configuration.retention, log })
  opened.push(() => upkeep.stop())
  await relay.start()
  opened.push(() => relay.stop(0))
  office.start()
  opened.push(() => office.stop())
  await errands.start()
  opened.push(() => errands.stop())
  unfinished.start()
  sweep.start()
  opened.push(() => sweep.stop())
  settlement.start()
  opened.push(() => settlement.stop())
  opened.push(() => unfinished.stop())
  const address = await listen(app, configuration)
  leases?.start()
  opened.push(async () => leases?.stop())
  opened.push(async () => {
    await Promise.all(supervisors.map((supervisor) => supervisor.stop()))
    await intake.stop()
  })
  reconciliation.resume(await lastHeardOfCalls(database.pool))
  await Promise.all(supervisors.map((supervisor) => supervisor.start()))
  reconciliation.start()
  opened.push(async () => reconciliation.stop())
  await writeAddresses(configuration, address, supervisors)
  log.info(
    {
      http: address,
      city: city.current().name,
      database: database.kind,
      adapters: supervisors.map(({ name }) => name),
    },
    'gateway started',
  )

  const stopping: { done: Promise<void> | null } = { done: null }
  return {
    address,
    failed: new Promise((resolve) => {
      void database.embedded?.exited.then(() => {
        if (stopping.done === null) resolve('the embedded database ended')
      })
    }),
    stop: () => {
      stopping.done ??= drain()
      return stopping.done
    },
  }

  /** The order of leaving: no new messages, then none under way, then no new events, then nobody asks. */
  async function drain(): Promise<void> {
    log.info('stopping')
    const deadline = Date.now() + configuration.drainMs
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      address: () => rm(addressesFile(configuration), { force: true }),
      // While their links are still there: what was handed in is answered, and not in doubt after.
      texts: () => office.pause(configuration.drainMs / 2),
      adapters: () => Promise.all(supervisors.map((supervisor) => supervisor.stop())),
      leases: async () => leases?.stop(),
      recalls: async () => reconciliation.stop(),
      unfinished: () => unfinished.stop(),
      incidents: () => sweep.stop(),
      calls: () => settlement.stop(),
      popUps: () => popUps.stop(),
      errands: () => errands.stop(),
      intake: () => intake.stop(),
      notices: () => office.stop(),
      relay: () => relay.stop(Math.max(0, deadline - Date.now() - 500)),
      http: () => app.close(),
      upkeep: () => upkeep.stop(),
      store: () => open.close(),
    }
    // A step that fails keeps none of the later ones from being taken.
    for (const [part, step] of Object.entries(steps))
      await step().catch((error: unknown) => log.error({ part, reason: describe(error) }, 'could not close'))
    log.info('stopped')
  }
}

interface Parts {
  readonly app: FastifyInstance
  readonly intake: Intake
  readonly relay: Relay
  readonly office: NoticeOffice
  readonly errands: ErrandRunner
  readonly unfinished: Unfinished
  readonly sweep: IncidentSweep
  /** Null where no other gateway can be. */
  readonly leases: LeaseDesk | null
  readonly settlement: CallSettlement
  readonly reconciliation: Reconciliation
  readonly popUps: PopUps
  readonly supervisors: readonly Supervisor[]
}

/** Makes the parts and ties them together; opens nothing. */
async function assemble(configuration: Configuration, log: Logger, open: OpenDesk): Promise<Parts> {
  const { desk, database, sources } = open
  const { pool, prisma } = database
  const metrics = new Metrics()
  const destinations = configuration.destinations.map((destination) => ({
    ...destination,
    key: destination.secret.key,
  }))
  const relay = new Relay(pool, destinations, database.kind === 'server', log.child({ part: 'relay' }), metrics.relay)
  const posted = () => relay.wake()
  const performers = new Map<string, Performer>()
  const errands = new ErrandRunner({
    pool,
    shared: database.kind === 'server',
    log: log.child({ part: 'errands' }),
    performers,
  })
  const popUps = new PopUps({ pool, log: log.child({ part: 'pop-ups' }), city: () => desk.understanding().city })
  const intake = new Intake(desk, configuration.intake, log.child({ part: 'intake' }), {
    committed: (messages, seconds) => {
      metrics.intake.committed(messages, seconds)
      posted()
      errands.wake()
      popUps.wake()
    },
    failed: metrics.intake.failed,
  })

  const senders = new Map<string, DeviceSender & { readonly kind: string }>()
  const texts = new Map<string, TextAdapter>()
  const office = new NoticeOffice({
    pool,
    shared: database.kind === 'server',
    gateway: configuration.name,
    namedStatements: desk.namedStatements,
    log: log.child({ part: 'notices' }),
    senders,
    texts,
    attachments: desk.attachments,
    rules: configuration.notices,
    understanding: desk.understanding,
    posted,
    submitted: metrics.submitted,
    now: Date.now,
  })
  const unfinished = new Unfinished({
    desk,
    sources,
    log: log.child({ part: 'unfinished' }),
    withinMs: configuration.intake.partsWithinMs,
    posted,
  })
  const sweep = new IncidentSweep({ desk, log: log.child({ part: 'incidents' }), posted })
  const { leasePool } = database
  const leases = leasePool && leaseDesk(leasePool, configuration.name, log.child({ part: 'leases' }))
  const reconciliation = new Reconciliation({
    limits: configuration.calls,
    log: log.child({ part: 'calls' }),
    asked: metrics.recalled,
  })
  const settlement = new CallSettlement({
    desk,
    limits: configuration.calls,
    log: log.child({ part: 'calls' }),
    posted,
    unrecorded: (exchange, from, to) => reconciliation.unrecorded(exchange, from, to),
  })
  const supervisors: Supervisor[] = []
  const { apiToken } = configuration.http
  const app = await createHttp({
    apiToken,
    log: log.child({ part: 'http' }),
    metrics,
    unready: readinessOf(pool, intake),
  })
  for (const block of configuration.adapters) {
    const { name } = block
    const source = sources.get(name)
    if (source === undefined) continue
    await app.register(
      async (scope) => {
        const adapterLog = log.child({ adapter: name })
        const refusals = refusalLog(adapterLog)
        scope.addHook('onClose', async () => refusals.close())
        const context: AdapterContext = {
          name,
          accept: async (message: Inbound) => {
            const receipt = await intake.accept(source, message)
            metrics.accepted(name, receipt)
            return receipt
          },
          report: (link) => {
            supervisor.report(link)
            reconciliation.linkChanged(name, link)
          },
          arrived: (addressee) => office.arrived(name, addressee),
          refused: (reason, fields) => {
            metrics.refused(name, reason)
            refusals.add(reason, fields)
          },
          http: scope,
          log: adapterLog,
        }
        const { kind, options } = block
        const adapter = kindOf(kind).create(options as never, context)
        const alone = kindOf(kind).exclusive?.(options as never) === true
        const lease = alone ? (leases?.lease(`adapter ${name}`) ?? null) : null
        const supervisor = new Supervisor(name, adapter, adapterLog, { lease })
        supervisors.push(supervisor)
        if (adapter.perform !== undefined)
          performers.set(name, {
            perform: adapter.perform.bind(adapter),
            get ours() {
              return supervisor.ours
            },
          })
        if (adapter.recall !== undefined)
          reconciliation.add({ name, exchange: adapter.exchange ?? null, recall: adapter.recall.bind(adapter) })
        if (adapter.send !== undefined) senders.set(name, { kind, send: adapter.send.bind(adapter) })
        if (adapter.texts !== undefined) texts.set(name, { kind, texts: adapter.texts })
      },
      { prefix: `/ingest/${name}` },
    )
  }
  await app.register(
    async (scope) => {
      requireToken(scope, apiToken)
      addRoutes(scope, { pool, prisma, desk, sources, office, popUps, links: supervisors, posted })
    },
    { prefix: '/v1' },
  )
  metrics.watch(
    () => intake.waiting,
    () => outboxAges(pool),
    supervisors,
    () => noticeGauges(pool),
    () => incidentGauges(pool),
    () => callGauges(pool),
  )
  await app.ready()
  const calls = { settlement, reconciliation, popUps }
  return { app, intake, relay, office, errands, unfinished, sweep, leases, ...calls, supervisors }
}

/** An adapter's refusals as log lines, until it is closed. */
function refusalLog(log: Logger): { add: RefusalLog['add']; close(): void } {
  const refusals = new RefusalLog({
    now: () => performance.now(),
    line: (reason, { reason: because, ...rest }) =>
      log.warn({ ...rest, reason, ...(because !== undefined && { because }) }, 'turned away'),
    rest: (reason, count) => log.warn({ reason, count }, 'turned away, not logged one by one'),
  })
  const timer = setInterval(() => refusals.sweep(), 5_000).unref()
  return {
    add: (reason, fields) => refusals.add(reason, fields),
    close() {
      clearInterval(timer)
      refusals.close()
    },
  }
}

async function listen(app: FastifyInstance, configuration: Configuration): Promise<string> {
  const { host, port } = configuration.http
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    throw new GatewayError('LINK_LISTEN', `HTTP on ${host}:${port}: ${describe(cause)}`, { cause })
  }
}

async function writeAddresses(
  configuration: Configuration,
  http: string,
  supervisors: readonly Supervisor[],
): Promise<void> {
  const adapters = Object.fromEntries(supervisors.map(({ name, link }) => [name, link]))
  const addresses: Addresses = { pid: process.pid, http, adapters }
  await writeFile(addressesFile(configuration), `${JSON.stringify(addresses, null, 2)}\n`)
}
