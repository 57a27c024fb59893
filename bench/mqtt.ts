import { parseArgs } from 'node:util'
import pg from 'pg'
import { crashTest } from './crash.ts'
import { closeServer, noServer, openGateway } from './gateways.ts'
import { runLoad } from './load.ts'
import { nodeRedIn, nodeRedTable, startNodeRed } from './node-red.ts'
import { startBareAedes, startMosquitto } from './peers.ts'
import { CpuMeter } from './processes.ts'
import { median, ratio, table, thousands } from './table.ts'

/**
 * Positions over MQTT at QoS 1, acknowledged after the commit, beside brokers that store nothing; every target in turn,
 * several rounds. `--node-red DIR` takes Node-RED in, from a folder where `npm i node-red@4 pg` was run.
 */

export interface Shape {
  readonly connections: number
  readonly window: number
}

interface Target {
  readonly name: string
  port(): number
  /** Processes by what their time is spent on. */
  pids(): { readonly gateway: number[]; readonly database: number[] }
  close(): Promise<void>
}

interface Measured {
  readonly rates: number[]
  readonly full: { p50: number[]; p99: number[] }
  readonly half: { p50: number[]; p99: number[] }
  readonly gatewayUs: number[]
  readonly databaseUs: number[]
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    targets: { type: 'string', default: 'aedes,mosquitto,server,embedded' },
    shapes: { type: 'string', default: '1000x1,50x20' },
    'node-red': { type: 'string' },
    crash: { type: 'boolean', default: false },
    'crash-only': { type: 'boolean', default: false },
  },
})

const opening: Readonly<Record<string, () => Promise<Target | null>>> = {
  aedes: async () => {
    const peer = await startBareAedes()
    const { port, pid } = peer
    return { name: 'bare aedes, stores nothing', port: () => port, pids: () => only(pid), close: () => peer.close() }
  },
  mosquitto: async () => {
    const peer = await startMosquitto()
    if (peer === null) return skipped('mosquitto is not installed')
    const { port, pid } = peer
    return { name: 'mosquitto, stores nothing', port: () => port, pids: () => only(pid), close: () => peer.close() }
  },
  server: async () => (noServer === null ? gateway('server', 'gateway on PostgreSQL') : skipped(noServer)),
  embedded: async () => gateway('embedded', 'gateway, embedded PostgreSQL'),
}

const only = (pid: number) => ({ gateway: [pid], database: [] })

function skipped(why: string): null {
  console.log(`skipped: ${why}`)
  return null
}

async function gateway(kind: 'server' | 'embedded', name: string): Promise<Target> {
  const measured = await openGateway(kind)
  return {
    name,
    port: () => measured.child().port('mqtt'),
    pids: () => measured.pids(),
    close: () => measured.close(),
  }
}

async function measure(target: Target, { connections, window }: Shape, into: Measured): Promise<void> {
  const load = { port: target.port(), connections, window, warmUpMs: 1500, forMs: Number(values.seconds) * 1000 }
  const meter = new CpuMeter(target)
  const full = await runLoad(load, meter.watch)
  if (full.lostConnections > 0) throw new Error(`${target.name} dropped ${full.lostConnections} connections`)
  into.rates.push(full.rate)
  into.full.p50.push(full.p50Ms)
  into.full.p99.push(full.p99Ms)
  const { gatewayUs, databaseUs } = meter.perMessage(full.counted)
  into.gatewayUs.push(gatewayUs)
  into.databaseUs.push(databaseUs)
  const half = await runLoad({ ...load, perSecond: full.rate / 2 })
  into.half.p50.push(half.p50Ms)
  into.half.p99.push(half.p99Ms)
}

async function compare(shape: Shape, targets: readonly Target[]): Promise<Map<Target, Measured>> {
  const results = new Map<Target, Measured>(
    targets.map((target) => [
      target,
      { rates: [], full: { p50: [], p99: [] }, half: { p50: [], p99: [] }, gatewayUs: [], databaseUs: [] },
    ]),
  )
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [target, into] of results) await measure(target, shape, into)
  return results
}

function report({ connections, window }: Shape, results: Map<Target, Measured>): void {
  const bare = median([...results.values()][0]?.rates ?? [])
  const ms = (list: readonly number[]) => `${median(list).toFixed(1)} ms`
  const us = (list: readonly number[]) => `${Math.round(median(list))} µs`
  console.log(`\n${connections} connections × window ${window}, median of ${values.rounds} rounds\n`)
  const head = [
    '',
    'of bare aedes',
    'acknowledged/s',
    'p50 / p99 flat out',
    'p50 / p99 at half the rate',
    'CPU a message',
  ]
  const rows = [...results].map(([target, one]) => [
    target.name,
    ratio(median(one.rates) / bare),
    `${thousands(median(one.rates))} (${one.rates.map((rate) => (rate / 1000).toFixed(1)).join(', ')})`,
    `${ms(one.full.p50)} / ${ms(one.full.p99)}`,
    `${ms(one.half.p50)} / ${ms(one.half.p99)}`,
    target.pids().database.length === 0
      ? us(one.gatewayUs)
      : `${us(one.gatewayUs)} + ${us(one.databaseUs)} in the database`,
  ])
  console.log(table(head, rows))
}

/** Rows a second into Node-RED's table: its broker's PUBACK says nothing of the database. */
async function nodeRedRate(folder: string): Promise<void> {
  const broker = await startMosquitto()
  if (broker === null) return void skipped('node-red wants mosquitto')
  const holder = await openGateway('server')
  const client = new pg.Client({ connectionString: holder.databaseUrl ?? '' })
  await client.connect()
  await client.query(nodeRedTable)
  const nodeRed = await startNodeRed(folder, broker.port, holder.databaseUrl ?? '')
  const rows = async () => Number((await client.query('SELECT count(*) AS n FROM node_red')).rows[0].n)
  try {
    await subscribed(broker.port, rows)
    const before = await rows()
    const began = performance.now()
    const load = await runLoad({ port: broker.port, connections: 1000, window: 1, messages: 20_000, forMs: 30_000 })
    const deadline = Date.now() + 60_000
    while ((await rows()) - before < load.acknowledged && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100))
    const stored = (await rows()) - before
    const rate = stored / ((performance.now() - began) / 1000)
    console.log(
      `\nNode-RED 4, mqtt in → function → PostgreSQL: ${thousands(rate)} rows/s (${stored} of ${load.acknowledged})`,
    )
  } finally {
    await nodeRed.close()
    await client.end()
    await holder.close()
    await broker.close()
  }
}

/** Its flow is there when a message comes through. */
export async function subscribed(port: number, rows: () => Promise<number>): Promise<void> {
  const deadline = Date.now() + 30_000
  while ((await rows()) === 0) {
    if (Date.now() > deadline) throw new Error('node-red does not store')
    await runLoad({ port, connections: 1, window: 1, messages: 1, forMs: 5_000 })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function run(): Promise<void> {
  if (!values['crash-only']) {
    const opened = await Promise.all(values.targets.split(',').map((name) => opening[name]?.() ?? skipped(name)))
    const targets = opened.filter((target) => target !== null)
    try {
      for (const text of values.shapes.split(',')) {
        const [connections = 1000, window = 1] = text.split('x').map(Number)
        const shape = { connections, window }
        report(shape, await compare(shape, targets))
      }
    } finally {
      for (const target of targets) await target.close()
    }
  }
  const folder = values['node-red'] ?? null
  if (folder === null) console.log('\nskipped: no --node-red DIR')
  else if (nodeRedIn(folder) === null) console.log(`\nskipped: no node-red and pg in ${folder}`)
  else if (!values['crash-only']) await nodeRedRate(folder)
  if (values.crash || values['crash-only'])
    await crashTest(folder !== null && nodeRedIn(folder) !== null ? folder : null)
}

try {
  await run()
} finally {
  await closeServer()
}
