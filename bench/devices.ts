import { parseArgs } from 'node:util'
import { closeServer, type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { runLoad } from './load.ts'
import { CpuMeter } from './processes.ts'
import { median, ratio, table } from './table.ts'

/** What a message costs at the same rate from 100, 1,000 and 10,000 connected devices. */

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1500' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    databases: { type: 'string', default: 'server,embedded' },
  },
})
const counts = [100, 1_000, 10_000]

interface Cost {
  readonly gatewayUs: number[]
  readonly databaseUs: number[]
  readonly p99Ms: number[]
}

async function measure(kind: DatabaseKind): Promise<Map<number, Cost>> {
  const costs = new Map<number, Cost>(counts.map((n) => [n, { gatewayUs: [], databaseUs: [], p99Ms: [] }]))
  const gateway = await openGateway(kind)
  try {
    const load = { port: gateway.child().port('mqtt'), window: 4, perSecond: Number(values.rate) }
    // All devices have their rows, and the code is compiled.
    await runLoad({ ...load, connections: 10_000, perSecond: null, window: 1, messages: 30_000, forMs: 60_000 })
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [connections, cost] of costs) {
        const meter = new CpuMeter(gateway)
        const timed = { warmUpMs: 3000, forMs: Number(values.seconds) * 1000 }
        const result = await runLoad({ ...load, ...timed, connections }, meter.watch)
        const { gatewayUs, databaseUs } = meter.perMessage(result.counted)
        cost.gatewayUs.push(gatewayUs)
        cost.databaseUs.push(databaseUs)
        cost.p99Ms.push(result.p99Ms)
      }
    }
    return costs
  } finally {
    await gateway.close()
  }
}

try {
  const rows: string[][] = []
  for (const kind of values.databases.split(',') as DatabaseKind[]) {
    if (kind === 'server' && noServer !== null) {
      console.log(`skipped: ${noServer}`)
      continue
    }
    const costs = await measure(kind)
    const total = ({ gatewayUs, databaseUs }: Cost) => median(gatewayUs) + median(databaseUs)
    const first = [...costs.values()][0]
    for (const [count, cost] of costs)
      rows.push([
        kind,
        String(count),
        ratio(total(cost) / (first === undefined ? Number.NaN : total(first))),
        `${Math.round(median(cost.gatewayUs))} + ${Math.round(median(cost.databaseUs))} µs`,
        `${median(cost.p99Ms).toFixed(0)} ms`,
      ])
  }
  console.log(`${values.rate} messages/s\n`)
  console.log(table(['database', 'devices', 'to 100 devices', 'CPU a message: gateway + database', 'p99'], rows))
} finally {
  await closeServer()
}
