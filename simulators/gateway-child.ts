import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

/** A gateway run as a process of its own from a folder of its own, as the demo and the benchmarks need one. */
export interface GatewayChild {
  readonly pid: number
  readonly http: string
  /** Port of the adapter's TCP listener. */
  port(adapter: string): number
  /** SIGTERM and wait; resolves with the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
  /** Another command on the same configuration, its output passed through. */
  run(command: string): Promise<number | null>
}

const main = fileURLToPath(new URL('../gateway/main.js', import.meta.url))

/** Writes the configuration into the folder and starts; rejects with the end of the log when the gateway ends first. */
export async function startGatewayChild(folder: string, configuration: Record<string, unknown>): Promise<GatewayChild> {
  const file = join(folder, 'config.yaml')
  await writeFile(file, stringify({ data: './data', ...configuration }))
  const logFile = join(folder, 'gateway.log')
  const child = spawn(process.execPath, [main, 'start', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(logFile, { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const addresses = await appearing(join(folder, 'data', 'addresses.json'), child, logFile)
  return {
    pid: addresses.pid,
    http: addresses.http,
    port(adapter) {
      const port = /(?:mqtt|tcp|udp):\/\/\S*:(\d+)/.exec(addresses.adapters[adapter]?.at ?? '')?.[1]
      if (port === undefined)
        throw new Error(`${adapter} does not listen: ${JSON.stringify(addresses.adapters[adapter])}`)
      return Number(port)
    },
    async stop() {
      child.kill('SIGTERM')
      return exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    run(command) {
      const other = spawn(process.execPath, [main, command, file], { stdio: ['ignore', 'inherit', 'inherit'] })
      return new Promise((resolve) => other.once('close', resolve))
    },
  }
}

interface Addresses {
  readonly pid: number
  readonly http: string
  readonly adapters: Readonly<Record<string, { readonly at?: string }>>
}

async function appearing(file: string, child: ReturnType<typeof spawn>, logFile: string): Promise<Addresses> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const ended = child.exitCode !== null || child.signalCode !== null
    if (ended || Date.now() > deadline) {
      const log = await readFile(logFile, 'utf8').catch(() => '')
      throw new Error(`the gateway did not start:\n${log.slice(-3000)}`)
    }
    try {
      const addresses = JSON.parse(await readFile(file, 'utf8')) as Addresses
      if (addresses.pid === child.pid) return addresses
    } catch {
      // Not written yet, or half of it: it is looked at again.
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
