import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, listening, type Peer, peerOf } from './peers.ts'
import { temporaryFolder } from './processes.ts'

/**
 * Node-RED's flow from a broker to a database, as a user would draw it: mqtt in (QoS 1) → function → PostgreSQL. The
 * function node writes with `pg` and a pool of ten, one INSERT a message; nothing ties the broker's PUBACK to it.
 */

export const nodeRedTable =
  'CREATE TABLE IF NOT EXISTS node_red (id TEXT, topic TEXT, body JSONB, at TIMESTAMPTZ DEFAULT now())'

/** `folder`: where `npm i node-red@4 pg` was run. */
export function nodeRedIn(folder: string | null): string | null {
  if (folder === null) return null
  const script = join(folder, 'node_modules/node-red/red.js')
  return existsSync(script) && existsSync(join(folder, 'node_modules/pg')) ? script : null
}

export interface NodeRed extends Peer {
  restart(): Promise<void>
}

export async function startNodeRed(folder: string, brokerPort: number, databaseUrl: string): Promise<NodeRed> {
  const script = nodeRedIn(folder)
  if (script === null) throw new Error(`no node-red and pg in ${folder}`)
  const userFolder = temporaryFolder()
  const port = await freePort()
  await writeFile(join(userFolder, 'settings.js'), settings(folder, databaseUrl, port))
  await writeFile(join(userFolder, 'flows.json'), JSON.stringify(flow(brokerPort)))
  const launch = async () => {
    const args = [script, '--userDir', userFolder, '--settings', join(userFolder, 'settings.js')]
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    await listening(port, child)
    return peerOf(child, port, async () => {})
  }
  let running = await launch()
  return {
    port,
    get pid() {
      return running.pid
    },
    crash: () => running.crash(),
    async restart() {
      running = await launch()
    },
    async close() {
      await running.close()
      await rm(userFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

function settings(folder: string, databaseUrl: string, port: number): string {
  const pg = JSON.stringify(join(folder, 'node_modules/pg'))
  return `const { Pool } = require(${pg})
module.exports = {
  flowFile: 'flows.json', uiHost: '127.0.0.1', uiPort: ${port}, credentialSecret: false,
  functionGlobalContext: { pool: new Pool({ connectionString: ${JSON.stringify(databaseUrl)}, max: 10 }) },
  logging: { console: { level: 'error', metrics: false, audit: false } },
}
`
}

const insert = `const body = msg.payload
global.get('pool').query('INSERT INTO node_red (id, topic, body) VALUES ($1, $2, $3)', [body.id, msg.topic, body])
  .then(() => node.done(), (error) => node.error(error, msg))`

function flow(brokerPort: number): unknown[] {
  return [
    { id: 'f1', type: 'tab', label: 'bench' },
    {
      id: 'b1',
      type: 'mqtt-broker',
      name: 'bench',
      broker: '127.0.0.1',
      port: String(brokerPort),
      clientid: 'node-red',
      autoConnect: true,
      usetls: false,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: false,
      autoUnsubscribe: false,
    },
    {
      id: 'm1',
      type: 'mqtt in',
      z: 'f1',
      topic: 'v1/+/up/#',
      qos: '1',
      datatype: 'json',
      broker: 'b1',
      nl: false,
      rap: true,
      rh: 0,
      inputs: 0,
      wires: [['n1']],
    },
    { id: 'n1', type: 'function', z: 'f1', name: 'store', func: insert, outputs: 0, timeout: 0, noerr: 0, wires: [] },
  ]
}
