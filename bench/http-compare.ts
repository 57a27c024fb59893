import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closeServer, type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { type HttpRate, load } from './http-load.ts'
import { median, ratio, table, thousands } from './table.ts'

/** What is posted over HTTP and answered after its commit, beside a fastify that reads it and stores nothing. */

const { values } = parseArgs({
  options: {
    targets: { type: 'string', default: 'bare,server,embedded' },
    bodies: { type: 'string', default: '1,100' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    // Of the benchmarks that have a second part.
    only: { type: 'string' },
  },
})

const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connections = Number(values.connections)

export const only = values.only ?? null

export interface Compared {
  /** `CDRs` */
  readonly what: string
  readonly adapter: Readonly<Record<string, unknown>> & { readonly name: string }
  /** One, as JSON; another each time. */
  record(): string
}

function bodyOf(records: number, record: () => string): Buffer {
  if (records === 1) return Buffer.from(record())
  return Buffer.from(`[${Array.from({ length: records }, record).join(',')}]`)
}

interface Target {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

async function bare(): Promise<Target> {
  const file = fileURLToPath(new URL('./bare-fastify.js', import.meta.url))
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    name: 'bare fastify, stores nothing',
    url: `${url}/`,
    async close() {
      child.stdin.end()
      await exited
    },
  }
}

async function gateway(kind: DatabaseKind, adapter: Compared['adapter']): Promise<Target> {
  const measured = await openGateway(kind, { adapters: [adapter] })
  return {
    name: kind === 'server' ? 'gateway on PostgreSQL' : 'gateway, embedded PostgreSQL',
    url: `${measured.child().http}/ingest/${adapter.name}/`,
    close: () => measured.close(),
  }
}

async function open(name: string, adapter: Compared['adapter']): Promise<Target | null> {
  if (name === 'bare') return bare()
  if (name === 'server' && noServer !== null) {
    console.log(`skipped: ${noServer}`)
    return null
  }
  return gateway(name === 'server' ? 'server' : 'embedded', adapter)
}

/** All are open at once and take turns, so that whatever else the machine does hits each of them. */
async function measure(
  targets: readonly Target[],
  records: number,
  record: () => string,
): Promise<Map<Target, HttpRate[]>> {
  const rates = new Map<Target, HttpRate[]>(targets.map((target) => [target, []]))
  for (let round = 0; round <= rounds; round++)
    for (const [target, found] of rates) {
      const { url } = target
      const rate = await load({
        url,
        contentType: 'application/json',
        connections: records === 1 ? connections : Math.min(connections, 8),
        seconds,
        body: () => bodyOf(records, record),
      })
      // In the first round everybody warms up.
      if (round > 0) found.push(rate)
    }
  return rates
}

/** Prints a table of rates and ratios. */
export async function compareHttp({ what, adapter, record }: Compared): Promise<void> {
  const targets = (await Promise.all(values.targets.split(',').map((name) => open(name, adapter)))).filter(
    (target) => target !== null,
  )
  try {
    const rows: string[][] = []
    for (const records of values.bodies.split(',').map(Number)) {
      const rates = await measure(targets, records, record)
      const of = (target: Target, what: keyof HttpRate) => median((rates.get(target) ?? []).map((rate) => rate[what]))
      const [first] = targets
      for (const target of targets) {
        const perSecond = of(target, 'perSecond') * records
        const compared = first === undefined ? 1 : perSecond / (of(first, 'perSecond') * records)
        const latency = `${of(target, 'p50Ms').toFixed(1)} / ${of(target, 'p99Ms').toFixed(1)} ms`
        rows.push([
          String(records),
          target.name,
          ratio(compared),
          `${thousands(perSecond)}/s`,
          latency,
          `${of(target, 'refused')}`,
        ])
      }
    }
    const head = [`${what} a body`, 'who', 'to the first', what, 'p50 / p99 of a request', 'refused']
    console.log(`\n${record().length} bytes each\n\n${table(head, rows)}`)
  } finally {
    for (const target of targets) await target.close()
    await closeServer()
  }
}
