import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeJsonCdr } from '../adapters/freeswitch/cdr-write.ts'
import { courseOf } from '../simulators/freeswitch-call.ts'
import { closeServer, type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { type HttpRate, load } from './http-load.ts'
import { median, ratio, table, thousands } from './table.ts'

/** CDRs over HTTP, each answered after its commit, beside a fastify that reads them and stores nothing. */

const { values } = parseArgs({
  options: {
    targets: { type: 'string', default: 'bare,server,embedded' },
    bodies: { type: 'string', default: '1,100' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
  },
})

const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connections = Number(values.connections)

/** About 3 KiB, as many variables as a queue's leg has; only the ids and times differ. */
const template = (() => {
  const making = { coreUuid: 'c', uuid: () => '@uuid@', sequence: () => 1 }
  const plan = {
    caller: '13812345678',
    dnis: '12319',
    seat: '8001',
    digits: '12',
    outcome: 'answered',
    ringS: 4,
  } as const
  const [cdr] = courseOf({ ...plan, talkS: 60, startedAt: new Date('2026-11-24T02:00:00Z') }, making).records
  if (cdr === undefined) throw new Error('a call has a record')
  const more = Array.from({ length: 50 }, (_, i) => [`sip_variable_${i}`, `value of ${i} at 192.0.2.21`])
  return writeJsonCdr({ ...cdr, variables: { ...cdr.variables, ...Object.fromEntries(more) } }, true)
})()

let made = 0
function record(): string {
  made++
  return template.replaceAll('@uuid@', `00000000-0000-4000-a000-${made.toString(16).padStart(12, '0')}`)
}

function bodyOf(records: number): Buffer {
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

async function gateway(kind: DatabaseKind): Promise<Target> {
  const measured = await openGateway(kind, { adapters: [{ name: 'pbx', kind: 'freeswitch-cdr' }] })
  return {
    name: kind === 'server' ? 'gateway on PostgreSQL' : 'gateway, embedded PostgreSQL',
    url: `${measured.child().http}/ingest/pbx/`,
    close: () => measured.close(),
  }
}

async function open(name: string): Promise<Target | null> {
  if (name === 'bare') return bare()
  if (name === 'server' && noServer !== null) {
    console.log(`skipped: ${noServer}`)
    return null
  }
  return gateway(name === 'server' ? 'server' : 'embedded')
}

/** All are open at once and take turns, so that whatever else the machine does hits each of them. */
async function measure(targets: readonly Target[], records: number): Promise<Map<Target, HttpRate[]>> {
  const rates = new Map<Target, HttpRate[]>(targets.map((target) => [target, []]))
  for (let round = 0; round <= rounds; round++)
    for (const [target, found] of rates) {
      const { url } = target
      const rate = await load({
        url,
        contentType: 'application/json',
        connections: records === 1 ? connections : Math.min(connections, 8),
        seconds,
        body: () => bodyOf(records),
      })
      // In the first round everybody warms up.
      if (round > 0) found.push(rate)
    }
  return rates
}

const targets = (await Promise.all(values.targets.split(',').map(open))).filter((target) => target !== null)
try {
  const rows: string[][] = []
  for (const records of values.bodies.split(',').map(Number)) {
    const rates = await measure(targets, records)
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
  const head = ['CDRs a body', 'who', 'to the first', 'CDRs', 'p50 / p99 of a request', 'refused']
  console.log(`\n${template.length} bytes a CDR\n\n${table(head, rows)}`)
} finally {
  for (const target of targets) await target.close()
  await closeServer()
}
