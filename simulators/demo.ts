import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadCity } from '../gateway/city/load-city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { CaseClerk } from './case-clerk.ts'
import { SimulatedCore } from './core.ts'
import { DemoScreen } from './demo-screen.ts'
import { Fleet } from './fleet.ts'
import { type GatewayChild, startGatewayChild } from './gateway-child.ts'
import { Hotline } from './hotline.ts'
import { Phones } from './phones.ts'
import { Watchers } from './watchers.ts'

/**
 * `npm run demo`: a whole city on this machine. The gateway with its embedded PostgreSQL runs as a process of its own;
 * collectors' handhelds, sanitation vehicles, citizens with their telephones, the centres behind these and the core are
 * simulated here and speak to it over real sockets.
 */

const usage = `npm run demo -- [--for 30s] [--handhelds 250] [--vehicles 60] [--texts 2] [--calls 1] [--port 8080] [--seed 1]`

interface Demo {
  readonly forMs: number | null
  readonly handhelds: number
  readonly vehicles: number
  /** Texts a second that citizens write. */
  readonly texts: number
  /** Calls a second that the hotline takes. */
  readonly calls: number
  readonly port: number
  readonly seed: number
}

function read(argv: string[]): Demo {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: argv,
    options: { for: text, handhelds: text, vehicles: text, texts: text, calls: text, port: text, seed: text },
  })
  const whole = (value: string | undefined, otherwise: number) => {
    const number = Number(value ?? otherwise)
    if (!Number.isInteger(number) || number < 0) throw new Error(`${JSON.stringify(value)} is no whole number`)
    return number
  }
  const duration = values.for === undefined ? null : /^(\d+)(s|m)$/.exec(values.for)
  if (values.for !== undefined && duration === null)
    throw new Error(`--for takes 30s or 5m, not ${JSON.stringify(values.for)}`)
  return {
    forMs: duration === null ? null : Number(duration[1]) * (duration[2] === 'm' ? 60_000 : 1000),
    handhelds: whole(values.handhelds, 250),
    vehicles: whole(values.vehicles, 60),
    texts: whole(values.texts, 2),
    calls: whole(values.calls, 1),
    port: whole(values.port, 8080),
    seed: whole(values.seed, 1),
  }
}

async function run(demo: Demo): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'chengguan-demo-'))
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const core = new SimulatedCore(secret)
  const screen = new DemoScreen()
  const closing: (() => Promise<void>)[] = []
  try {
    const { city } = await loadCity(join(packageRoot, 'config/city-example'))
    if (city === null) throw new Error('the example city does not load')
    screen.say(
      `${city.name}: ${city.counts.grids} unit grids, ${city.counts.collectors} collectors, ${city.counts.vehicles} vehicles`,
    )
    const people: People = {
      fleet: new Fleet(city, demo),
      phones: new Phones(city, demo.seed),
      hotline: new Hotline(city, demo.seed),
      watchers: new Watchers(demo.seed),
    }
    const { fleet, phones, hotline, watchers } = people
    closing.push(
      () => phones.close(),
      () => hotline.close(),
      () => watchers.close(),
    )
    const gateway = await start(folder, demo, core, secret, people)
    screen.say(`gateway (process ${gateway.pid}), embedded PostgreSQL in ${folder}`)
    screen.say(`API   ${gateway.http}/v1/intents   ${gateway.http}/v1/ledger   ${gateway.http}/metrics`)
    screen.say(`MQTT  127.0.0.1:${gateway.port('handhelds')}   NMEA 0183  127.0.0.1:${gateway.port('vehicles')}`)
    await fleet.start(gateway.port('handhelds'), gateway.port('vehicles'))
    const clerk = new CaseClerk(core, gateway.http)
    clerk.start()
    closing.push(() => clerk.stop())
    if (demo.texts > 0) phones.write(demo.texts)
    if (demo.calls > 0) hotline.ring(gateway.http, demo.calls)
    watchers.watch(gateway.http)
    await watch(demo, gateway, core, people, screen)
    await clerk.stop()
    for (const refusal of new Set(clerk.refused)) screen.say(`the gateway refused a notice: ${refusal}`)
    return await finish(gateway, core, people, screen)
  } finally {
    for (const close of closing.reverse()) await close()
    await core.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** Everybody who speaks to the gateway. */
export interface People {
  readonly fleet: Fleet
  readonly phones: Phones
  readonly hotline: Hotline
  readonly watchers: Watchers
}

async function start(
  folder: string,
  demo: Demo,
  core: SimulatedCore,
  secret: string,
  { fleet, phones, hotline, watchers }: People,
): Promise<GatewayChild> {
  const url = await core.start()
  const { smscPort, mmscHost } = await phones.open()
  const devices = [...(await hotline.open()), ...(await watchers.open())]
  const configure = (port: number) => ({
    name: 'demo',
    city: join(packageRoot, 'config/city-example'),
    http: { host: '127.0.0.1', port },
    adapters: [
      { name: 'handhelds', kind: 'mqtt-broker', tcp: { host: '127.0.0.1', port: 0 }, devices: fleet.credentials() },
      { name: 'vehicles', kind: 'nmea', transport: 'tcp-server', host: '127.0.0.1', port: 0, subject: { by: 'hello' } },
      { name: 'sms', kind: 'smpp-esme', port: smscPort, systemId: 'city', perSecond: 100 },
      { name: 'mms', kind: 'mms-retriever', hosts: [mmscHost], privateAddresses: 'allowed' },
      ...devices,
    ],
    destinations: [
      { name: 'core', url, secret, perSecond: 0 },
      { name: 'emergency', url, secret, types: ['case-intent'], urgencies: ['emergency'] },
    ],
  })
  try {
    return await startGatewayChild(folder, configure(demo.port))
  } catch (error) {
    if (!String(error).includes('EADDRINUSE')) throw error
    return startGatewayChild(folder, configure(0))
  }
}

/** Shows what flows until the time is over or somebody presses Ctrl-C. */
async function watch(
  demo: Demo,
  gateway: GatewayChild,
  core: SimulatedCore,
  people: People,
  screen: DemoScreen,
): Promise<void> {
  const began = Date.now()
  const over = new AbortController()
  const interrupt = () => over.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  while (!over.signal.aborted && (demo.forMs === null || Date.now() - began < demo.forMs)) {
    const ledger = (await (await fetch(`${gateway.http}/v1/ledger`)).json()) as Parameters<DemoScreen['progress']>[1]
    screen.progress(Date.now() - began, ledger, core, people)
    await new Promise((resolve) => setTimeout(resolve, screen.everyMs))
  }
  process.off('SIGINT', interrupt)
  process.off('SIGTERM', interrupt)
}

/** Everybody stops talking; then what was acknowledged is held against what the core has, and the ledger is audited. */
async function finish(
  gateway: GatewayChild,
  core: SimulatedCore,
  { fleet, phones, hotline, watchers }: People,
  screen: DemoScreen,
): Promise<number> {
  screen.end()
  await Promise.all([fleet.stop(), phones.hush(), hotline.hush(), watchers.hush()])
  const collectors = await holdAgainst(core, fleet.acknowledgedReports(), ({ number }) => number)
  screen.say(
    `${collectors.said} reports acknowledged to collectors: ${collectors.missing} missing at the core, ${collectors.doubled} there twice`,
  )
  const citizens = await holdAgainst(core, [...phones.written.keys()], ({ channel, reporter, text }) =>
    channel === 'sms' || channel === 'mms' ? `${(reporter as { id: string }).id.slice(5)} ${String(text)}` : null,
  )
  screen.say(
    `${citizens.said} texts acknowledged to citizens' centres: ${citizens.missing} missing at the core, ${citizens.doubled} there twice; ${phones.answers} texts to citizens, ${phones.doubledAnswers} of them twice`,
  )
  const forms = await holdAgainst(core, hotline.forms, ({ channel, number }) => (channel === 'call' ? number : null))
  screen.say(
    `${hotline.calls} calls of the hotline, ${forms.said} forms acknowledged to its seats: ${forms.missing} missing at the core, ${forms.doubled} there twice`,
  )
  const cases = [...core.events.values()].filter(
    ({ type, data }) => type === 'chengguan.case-intent.v1' && data.purpose === 'alarm',
  )
  screen.say(
    `${watchers.signals} signals of cameras and six water gauges (one dead): ${cases.length} alarms became intents`,
  )
  screen.say('')
  const audited = await gateway.run('audit')
  const stopped = await gateway.stop()
  const kept = [collectors, citizens, forms].every(({ missing, doubled }) => missing === 0 && doubled === 0)
  return audited === 0 && stopped === 0 && kept && phones.doubledAnswers === 0 ? 0 : 1
}

/** How many of what was acknowledged are at the core, by what names them there. */
async function holdAgainst(
  core: SimulatedCore,
  said: readonly string[],
  nameOf: (intent: Record<string, unknown>) => unknown,
): Promise<{ readonly said: number; readonly missing: number; readonly doubled: number }> {
  const arrived = () => {
    const times = new Map<string, number>()
    for (const { type, data } of core.events.values()) {
      const name = type === 'chengguan.case-intent.v1' ? nameOf(data) : null
      if (typeof name === 'string') times.set(name, (times.get(name) ?? 0) + 1)
    }
    return times
  }
  const missing = () => {
    const times = arrived()
    return said.filter((name) => !times.has(name)).length
  }
  // What is missing after this is counted as missing.
  await core.until('all reports are there', () => missing() === 0, 30_000).catch(() => {})
  const doubled = [...arrived()].filter(([, n]) => n > 1).length
  return { said: said.length, missing: missing(), doubled }
}

try {
  process.exitCode = await run(read(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
  process.exitCode = 1
}
