import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { SimulatedCore } from '../simulators/core.ts'
import { type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { runLoad } from './load.ts'
import { nodeRedTable, startNodeRed } from './node-red.ts'
import { startMosquitto } from './peers.ts'
import { table } from './table.ts'

/**
 * What of 20,000 messages that were acknowledged arrives after a kill -9: at the core by the gateway, in the database by
 * Node-RED. All is acknowledged, then the process is killed at once, started again, and given its time.
 */

const messages = 20_000
const quietMs = 5_000

interface Outcome {
  readonly name: string
  readonly acknowledged: number
  readonly beforeKill: number
  readonly arrived: number
  readonly twice: number
}

export async function crashTest(nodeRedFolder: string | null): Promise<void> {
  const outcomes: Outcome[] = [await gatewayOutcome('embedded', 'gateway, embedded PostgreSQL')]
  if (noServer === null) outcomes.push(await gatewayOutcome('server', 'gateway on PostgreSQL'))
  const nodeRed = nodeRedFolder === null || noServer !== null ? null : await nodeRedOutcome(nodeRedFolder)
  if (nodeRed !== null) outcomes.push(nodeRed)
  const head = ['kill -9 after all were acknowledged', 'acknowledged', 'there at the kill', 'there in the end', 'twice']
  const rows = outcomes.map((one) => [
    one.name,
    String(one.acknowledged),
    String(one.beforeKill),
    String(one.arrived),
    String(one.twice),
  ])
  console.log(`\n${table(head, rows)}`)
}

async function gatewayOutcome(kind: DatabaseKind, name: string): Promise<Outcome> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const core = new SimulatedCore(secret)
  const url = await core.start()
  const types = ['position']
  const gateway = await openGateway(kind, { destinations: [{ name: 'core', url, secret, types, perSecond: 0 }] })
  try {
    const port = gateway.child().port('mqtt')
    const load = await runLoad({ port, connections: 200, window: 1, messages, forMs: 60_000 })
    await gateway.crash()
    const beforeKill = core.events.size
    await gateway.restart()
    await settled(async () => core.events.size, load.acknowledged)
    return { name, acknowledged: load.acknowledged, beforeKill, arrived: core.events.size, twice: distinctTwice(core) }
  } finally {
    await gateway.close()
    await core.stop()
  }
}

/** Events that tell of the same message, which would be the same twice in effect; a repeated delivery has the same id. */
function distinctTwice(core: SimulatedCore): number {
  const evidence = [...core.events.values()].map(({ data }) => String(data.evidence))
  return evidence.length - new Set(evidence).size
}

async function nodeRedOutcome(folder: string): Promise<Outcome | null> {
  const broker = await startMosquitto()
  if (broker === null) return null
  const holder = await openGateway('server')
  const databaseUrl = holder.databaseUrl ?? ''
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(nodeRedTable)
  const nodeRed = await startNodeRed(folder, broker.port, databaseUrl)
  const count = async (what: string) => Number((await client.query(`SELECT ${what} AS n FROM node_red`)).rows[0].n)
  try {
    const deadline = Date.now() + 30_000
    while ((await count('count(*)')) === 0 && Date.now() < deadline)
      await runLoad({ port: broker.port, connections: 1, window: 1, messages: 1, forMs: 5_000 })
    await settled(() => count('count(*)'), Number.POSITIVE_INFINITY)
    await client.query('TRUNCATE node_red')
    const load = await runLoad({ port: broker.port, connections: 200, window: 1, messages, forMs: 60_000 })
    await nodeRed.crash()
    const beforeKill = await count('count(DISTINCT id)')
    await nodeRed.restart()
    const arrived = await settled(() => count('count(DISTINCT id)'), load.acknowledged)
    const twice = (await count('count(*)')) - arrived
    return { name: 'mosquitto → Node-RED 4 → PostgreSQL', acknowledged: load.acknowledged, beforeKill, arrived, twice }
  } finally {
    await nodeRed.close()
    await client.end()
    await holder.close()
    await broker.close()
  }
}

/** Waits until all are there, or nothing more comes for a while; returns how many there are. */
async function settled(count: () => Promise<number>, wanted: number): Promise<number> {
  let last = await count()
  let quietSince = Date.now()
  while (last < wanted && Date.now() - quietSince < quietMs) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const now = await count()
    if (now !== last) quietSince = Date.now()
    last = now
  }
  return last
}
