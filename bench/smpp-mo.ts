import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { noServer, openGateway } from './gateways.ts'
import { type HttpSink, startSink } from './http-sink.ts'
import { startKannel } from './kannel.ts'
import { CpuMeter } from './processes.ts'
import { type Centre, type Messages, startCentre } from './smpp-centre.ts'
import { adapterOf, destinationAt } from './smpp-gateway.ts'
import { median, ratio, table, thousands } from './table.ts'

/** Texts from a message centre over one bind, each acknowledged after the commit, beside what a user would pick. */

interface Target {
  readonly name: string
  readonly centre: Centre
  readonly sink: HttpSink
  pids(): { readonly gateway: readonly number[]; readonly database: readonly number[] }
  close(): Promise<void>
}

export interface MoSetup {
  readonly messages: Messages
  readonly targets: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly window: number
  readonly bind: 'receiver' | 'transceiver'
}

interface Measured {
  readonly rates: number[]
  readonly full: { p50: number[]; p99: number[] }
  readonly half: { p50: number[]; p99: number[] }
  readonly gatewayUs: number[]
  readonly databaseUs: number[]
  readonly centreUs: number[]
}

type Opening = (
  centre: Centre,
  sink: HttpSink,
  bind: MoSetup['bind'],
) => Promise<Omit<Target, 'centre' | 'sink'> | null>

const opening: Readonly<Record<string, Opening>> = {
  bare: async ({ port }) => {
    const file = fileURLToPath(new URL('./bare-smpp.js', import.meta.url))
    const child = spawn(process.execPath, [file, String(port)], { stdio: ['pipe', 'ignore', 'inherit'] })
    const exited = once(child, 'exit')
    return {
      name: 'bare smpp, stores nothing',
      pids: () => ({ gateway: [child.pid ?? 0], database: [] }),
      async close() {
        child.stdin?.end()
        await exited
      },
    }
  },
  server: async (centre, sink, bind) =>
    noServer === null ? gateway('server', 'gateway on PostgreSQL', centre, sink, bind) : skipped(noServer),
  embedded: (centre, sink, bind) => gateway('embedded', 'gateway, embedded PostgreSQL', centre, sink, bind),
  kannel: async ({ port }, sink) => {
    const kannel = await startKannel(port, sink.port)
    if (kannel === null) return skipped('kannel is not installed')
    const { pids } = kannel
    return {
      name: 'Kannel with its spool',
      pids: () => ({ gateway: pids, database: [] }),
      close: () => kannel.close(),
    }
  },
}

function skipped(why: string): null {
  console.log(`skipped: ${why}`)
  return null
}

async function gateway(
  kind: 'server' | 'embedded',
  name: string,
  { port }: Centre,
  sink: HttpSink,
  bind: MoSetup['bind'],
): Promise<Omit<Target, 'centre' | 'sink'>> {
  const measured = await openGateway(kind, {
    adapters: [adapterOf(port, { bind, perSecond: 500, window: 50 })],
    destinations: [destinationAt(sink.port)],
  })
  return { name, pids: () => measured.pids(), close: () => measured.close() }
}

async function open(name: string, { messages, bind }: MoSetup): Promise<Target | null> {
  const opens = opening[name]
  if (opens === undefined) return skipped(name)
  const [centre, sink] = [await startCentre(messages), await startSink()]
  const closeBoth = async () => {
    await centre.close()
    await sink.close()
  }
  const opened = await opens(centre, sink, bind)
  if (opened === null) {
    await closeBoth()
    return null
  }
  await centre.bound()
  return {
    ...opened,
    centre,
    sink,
    async close() {
      await opened.close()
      await closeBoth()
    },
  }
}

async function measure(target: Target, { window, seconds }: MoSetup, into: Measured): Promise<void> {
  const { centre, sink } = target
  const load = { window, warmUpMs: 3000, forMs: seconds * 1000 }
  const meter = new CpuMeter(target)
  const ofCentre = new CpuMeter({ pids: () => ({ gateway: [centre.pid], database: [] }) })
  const full = await centre.run(load, (moment) => {
    meter.watch(moment)
    ofCentre.watch(moment)
  })
  if (full.lostLinks > 0) throw new Error(`${target.name} dropped its link`)
  if (full.acknowledged < full.sent) throw new Error(`${target.name} left ${full.sent - full.acknowledged} unanswered`)
  for (const [status, times] of Object.entries(full.refused)) console.log(`${target.name}: ${times} × ${status}`)
  into.rates.push(full.rate)
  into.full.p50.push(full.p50Ms)
  into.full.p99.push(full.p99Ms)
  const { gatewayUs, databaseUs } = meter.perMessage(full.counted)
  into.gatewayUs.push(gatewayUs)
  into.databaseUs.push(databaseUs)
  into.centreUs.push(ofCentre.perMessage(full.counted).gatewayUs)
  await sink.quiet()
  const half = await centre.run({ ...load, perSecond: full.rate / 2 })
  into.half.p50.push(half.p50Ms)
  into.half.p99.push(half.p99Ms)
  await sink.quiet()
}

function nothing(): Measured {
  const times = () => ({ p50: [], p99: [] })
  return { rates: [], full: times(), half: times(), gatewayUs: [], databaseUs: [], centreUs: [] }
}

export async function compareMo(setup: MoSetup): Promise<void> {
  const targets: Target[] = []
  try {
    for (const name of setup.targets) {
      const target = await open(name, setup)
      if (target !== null) targets.push(target)
    }
    const results = new Map(targets.map((target) => [target, nothing()]))
    for (let round = 0; round < setup.rounds; round++)
      for (const [target, into] of results) await measure(target, setup, into)
    report(setup, results)
  } finally {
    for (const target of targets) await target.close()
  }
}

function report({ window, rounds, bind, messages }: MoSetup, results: Map<Target, Measured>): void {
  const bare = median([...results.values()][0]?.rates ?? [])
  const ms = (list: readonly number[]) => `${median(list).toFixed(1)} ms`
  const us = (list: readonly number[]) => `${Math.round(median(list))} µs`
  const [first] = results.keys()
  console.log(
    `\nMO, one bind (${bind}), window ${window}, median of ${rounds} rounds; ${messages.texts} texts of ` +
      `${Math.round(messages.characters)} characters, ${messages.pdus} PDUs\n`,
  )
  const head = [
    '',
    `of ${first?.name ?? 'nothing'}`,
    'acknowledged/s',
    'p50 / p99 flat out',
    'p50 / p99 at half the rate',
    'CPU a message',
    "the centre's own",
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
    us(one.centreUs),
  ])
  console.log(table(head, rows))
}
