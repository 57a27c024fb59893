import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { drive } from '../simulators/nmea-vehicle.ts'
import { closeServer, type DatabaseKind, type MeasuredGateway, noServer, openGateway } from './gateways.ts'
import { CpuMeter } from './processes.ts'
import { table, thousands } from './table.ts'

/** Bytes over TCP to stored positions; the codec alone beside gpsdecode is `nmea-codec`. */

const { values } = parseArgs({
  options: {
    vehicles: { type: 'string', default: '50' },
    epochs: { type: 'string', default: '400' },
    databases: { type: 'string', default: 'server,embedded' },
  },
})
const vehicles = Number(values.vehicles)
const epochs = Number(values.epochs)
const sentencesAnEpoch = 4

function logOf(vehicle: number): Buffer {
  const at = new Date(Date.now() - epochs * 1000)
  const start = { latitude: 32.39, longitude: 119.41, at }
  const driven = drive({ seed: vehicle, start, epochs, intervalMs: 1000, speedKmh: 30 })
  return Buffer.concat([Buffer.from(`bus-${vehicle}\r\n`), ...[...driven].map(({ bytes }) => bytes)])
}

async function send(port: number, log: Buffer): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  socket.end(log)
  socket.resume()
  await once(socket, 'close')
}

function clientOf(gateway: MeasuredGateway): pg.Client {
  if (gateway.databaseUrl !== null) return new pg.Client({ connectionString: gateway.databaseUrl })
  return new pg.Client({ host: join(gateway.folder, 'data', 'postgres'), user: 'postgres', database: 'postgres' })
}

async function measure(kind: DatabaseKind): Promise<string[]> {
  const gateway = await openGateway(kind)
  const client = clientOf(gateway)
  try {
    await client.connect()
    const stored = async () => Number((await client.query('SELECT count(*) AS n FROM position')).rows[0].n)
    const port = gateway.child().port('nmea')
    const logs = Array.from({ length: vehicles }, (_, i) => logOf(i))
    const meter = new CpuMeter(gateway)
    meter.watch('counting')
    const began = performance.now()
    await Promise.all(logs.map((log) => send(port, log)))
    const wanted = vehicles * epochs
    const deadline = Date.now() + 60_000
    let n = await stored()
    while (n < wanted * 0.99 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      n = await stored()
    }
    const seconds = (performance.now() - began) / 1000
    meter.watch('counted')
    const { gatewayUs, databaseUs } = meter.perMessage(n)
    return [
      kind,
      `${thousands(n / seconds)}/s`,
      `${thousands((n * sentencesAnEpoch) / seconds)}/s`,
      `${n} of ${wanted}`,
      `${Math.round(gatewayUs)} + ${Math.round(databaseUs)} µs`,
    ]
  } finally {
    await client.end()
    await gateway.close()
  }
}

try {
  const rows: string[][] = []
  for (const kind of values.databases.split(',') as DatabaseKind[]) {
    if (kind === 'server' && noServer !== null) console.log(`skipped: ${noServer}`)
    else rows.push(await measure(kind))
  }
  console.log(
    table(['database', 'positions stored', 'sentences', 'stored', 'CPU a position: gateway + database'], rows),
  )
} finally {
  await closeServer()
}
process.argv.length = 2
await import('./nmea-codec.ts')
