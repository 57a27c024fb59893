import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { packageRoot } from '../gateway/package-root.ts'

/** The gateway as an operator runs it: a process of its own, started, killed and started again on the same data. */
export class GatewayProcess {
  readonly folder: string
  readonly configuration: string
  #child: ChildProcess | null = null
  #exited: Promise<number | null> = Promise.resolve(null)

  private constructor(folder: string) {
    this.folder = folder
    this.configuration = join(folder, 'config.yaml')
  }

  static async prepare(configuration: Record<string, unknown>): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(await mkdtemp(join(tmpdir(), 'chengguan-test-')))
    const http = { host: '127.0.0.1', port: 0 }
    await gateway.configure({ name: 'test', data: './data', http, ...configuration })
    return gateway
  }

  async configure(configuration: Record<string, unknown>): Promise<void> {
    await writeFile(this.configuration, stringify(configuration))
  }

  get logFile(): string {
    return join(this.folder, 'gateway.log')
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the gateway is not running')
    return pid
  }

  /** Resolves with where it listens; rejects with the end of its log when it ends first. */
  async start(): Promise<Addresses> {
    await rm(join(this.folder, 'data', 'addresses.json'), { force: true })
    const child = spawn(process.execPath, [join(packageRoot, 'dist/gateway/main.js'), 'start', this.configuration], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(this.logFile, { flags: 'a' })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        log.end()
        if (this.#child === child) this.#child = null
        resolve(code)
      })
    })
    const deadline = Date.now() + 60_000
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the gateway ended (${child.exitCode ?? child.signalCode}): ${await this.logTail()}`)
      if (Date.now() > deadline) throw new Error(`the gateway did not start in time: ${await this.logTail()}`)
      const addresses = await this.addresses()
      if (addresses !== null) return addresses
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  async addresses(): Promise<Addresses | null> {
    try {
      return JSON.parse(await readFile(join(this.folder, 'data', 'addresses.json'), 'utf8')) as Addresses
    } catch {
      // Not written yet, or half of it: it is asked for again.
      return null
    }
  }

  /** SIGKILL: no word of farewell. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** Resolves with its exit code when it ends by itself. */
  ended(): Promise<number | null> {
    return this.#exited
  }

  /** The process of the embedded database: the gateway's one child. */
  async databasePid(): Promise<number> {
    const children = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8')
    const [child] = children.trim().split(' ')
    if (child === undefined || child === '') throw new Error('the gateway has no child')
    return Number(child)
  }

  /** SIGTERM: drains. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM')
    return this.#exited
  }

  async logTail(characters = 3000): Promise<string> {
    return (await readFile(this.logFile, 'utf8').catch(() => '')).slice(-characters)
  }

  /** Runs another command of the command line on the same configuration. */
  async run(command: string, ...words: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [
      join(packageRoot, 'dist/gateway/main.js'),
      command,
      this.configuration,
      ...words,
    ])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, output: Buffer.concat(chunks).toString('utf8') }
  }

  async remove(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

export interface Addresses {
  readonly pid: number
  readonly http: string
  readonly adapters: Readonly<Record<string, { readonly state: string; readonly at?: string }>>
}

/** The port of the adapter's listener, out of `scheme://host:port`. */
export function portOf(addresses: Addresses, adapter: string): number {
  const port = /(?:mqtt|tcp|udp):\/\/\S*:(\d+)/.exec(addresses.adapters[adapter]?.at ?? '')?.[1]
  if (port === undefined)
    throw new Error(`${adapter} does not say where it listens: ${JSON.stringify(addresses.adapters[adapter])}`)
  return Number(port)
}
