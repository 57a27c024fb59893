import { parseArgs } from 'node:util'
import { closeServer, type DatabaseKind, openGateway } from './gateways.ts'
import { holdIdle, runLoad } from './load.ts'
import { startMosquitto } from './peers.ts'
import { residentMiB } from './processes.ts'
import { table } from './table.ts'

/** Resident memory: idle connections beside mosquitto's, and a gateway's over many messages. */

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '1000000' },
    database: { type: 'string', default: 'embedded' },
  },
})
const connections = Number(values.connections)
const messages = Number(values.messages)
const kind = values.database as DatabaseKind

/** MiB before and while they are there; two generators, because each may open 20,000 files at most. */
async function idle(port: number, pid: number): Promise<{ before: number; during: number }> {
  const before = residentMiB(pid)
  const half = Math.ceil(connections / 2)
  const holders = await Promise.all([
    holdIdle({ port, connections: half, window: 1, device: 'idle-a-' }),
    holdIdle({ port, connections: connections - half, window: 1, device: 'idle-b-' }),
  ])
  // What only connecting needed is let go meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const during = residentMiB(pid)
  await Promise.all(holders.map((holder) => holder.release()))
  return { before, during }
}

async function idleTable(): Promise<void> {
  const row = (name: string, { before, during }: { before: number; during: number }) => [
    name,
    `${before.toFixed(0)} MiB`,
    `${during.toFixed(0)} MiB`,
    `${(((during - before) * 1024) / connections).toFixed(1)} KiB`,
  ]
  const gateway = await openGateway(kind)
  const rows: string[][] = []
  try {
    const { pid } = gateway.child()
    rows.push(row('gateway', await idle(gateway.child().port('mqtt'), pid)))
  } finally {
    await gateway.close()
  }
  const mosquitto = await startMosquitto()
  if (mosquitto === null) console.log('skipped: mosquitto is not installed')
  else {
    rows.push(row('mosquitto', await idle(mosquitto.port, mosquitto.pid)))
    await mosquitto.close()
  }
  console.log(table([`${connections} idle connections`, 'before', 'with them', 'each'], rows))
}

async function series(): Promise<void> {
  const gateway = await openGateway(kind)
  const steps = 20
  const rows: string[][] = []
  try {
    for (let step = 0; step <= steps; step++) {
      const done = (messages / steps) * step
      const database = gateway.pids().database.reduce((sum, pid) => sum + residentMiB(pid), 0)
      rows.push([`${done}`, residentMiB(gateway.child().pid).toFixed(0), database.toFixed(0)])
      console.error(`${done} messages: gateway ${rows.at(-1)?.[1]} MiB, database ${rows.at(-1)?.[2]} MiB`)
      if (step === steps) break
      const port = gateway.child().port('mqtt')
      const load = { port, connections: 500, window: 2, messages: messages / steps, firstId: 1, forMs: 600_000 }
      await runLoad(load)
    }
  } finally {
    await gateway.close()
  }
  console.log(`\n${table(['messages', 'gateway MiB', 'database MiB'], rows)}`)
}

try {
  if (connections > 0) await idleTable()
  if (messages > 0) await series()
} finally {
  await closeServer()
}
