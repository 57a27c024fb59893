import { type ChildProcess, fork } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import type { FromChild, ToChild } from './embedded-messages.ts'

export interface EmbeddedOptions {
  /** The database's own folder. Made when missing. */
  readonly folder: string
  readonly log: Logger
  readonly checkpointEveryMs?: number
}

export interface EmbeddedExit {
  /** False when nobody asked for it: nothing can be stored any more. */
  readonly expected: boolean
  readonly reason: string
}

/** A PostgreSQL in a child process, that lives as long as this process and keeps what it commits. */
export interface EmbeddedPostgres {
  readonly connection: ClientConfig
  readonly pid: number
  /** Never rejects. */
  readonly exited: Promise<EmbeddedExit>
  /** Flushes and ends it; again and after its end too. */
  close(): Promise<void>
}

/** Unix socket paths end at 108 bytes on Linux, 104 on macOS. */
const longestSocketPath = 100
const socketName = '.s.PGSQL.5432'
const startTimeoutMs = 120_000
const closeTimeoutMs = 15_000
const childPath = fileURLToPath(new URL('./embedded-child.js', import.meta.url))

/**
 * Starts it and resolves when it serves. Rejects with STORE_LOCKED when another gateway has the folder,
 * STORE_NOT_DURABLE when its commits do not reach the disk, STORE_UNAVAILABLE when it does not start.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = resolve(options.folder)
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o700)
  const inside = Buffer.byteLength(join(folder, socketName)) <= longestSocketPath
  const socketFolder = inside ? folder : await mkdtemp(join(shortTemporaryFolder(), 'chengguan-'))
  const child = fork(childPath, [inside ? '.' : socketFolder, String(options.checkpointEveryMs ?? 60_000)], {
    cwd: folder,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const started = new Child(child, options.log)
  try {
    await started.ready()
  } catch (error) {
    if (!inside) await rm(socketFolder, { recursive: true, force: true })
    throw error
  }
  return {
    connection: { host: socketFolder, port: 5432, user: 'postgres', database: 'postgres', ssl: false },
    pid: child.pid ?? 0,
    exited: started.exited,
    async close() {
      await started.close()
      if (!inside) await rm(socketFolder, { recursive: true, force: true })
    },
  }
}

function shortTemporaryFolder(): string {
  const folder = tmpdir()
  return Buffer.byteLength(folder) <= longestSocketPath - 40 ? folder : '/tmp'
}

class Child {
  readonly exited: Promise<EmbeddedExit>
  readonly #child: ChildProcess
  readonly #log: Logger
  #closing: Promise<void> | null = null
  #lastWords = ''

  constructor(child: ChildProcess, log: Logger) {
    this.#child = child
    this.#log = log
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-2_000)
    })
    this.exited = new Promise((settle) => {
      const exit = (reason: string) => settle({ expected: this.#closing !== null, reason })
      child.once('error', (error) => exit(error.message))
      // After 'exit', when its last words have been read too.
      child.once('close', (code, signal) => exit(`${signal ?? `exit code ${code}`}: ${this.#lastWords.trim()}`))
    })
  }

  async ready(): Promise<void> {
    const exited = this.exited.then(({ reason }) => {
      throw new GatewayError('STORE_UNAVAILABLE', `the embedded PostgreSQL ended while starting (${reason})`)
    })
    try {
      await Promise.race([this.#heard(), exited])
    } catch (error) {
      this.#child.kill('SIGKILL')
      await this.exited
      throw error
    }
    this.exited.then(({ expected, reason }) => {
      if (!expected) this.#log.error({ reason }, 'the embedded postgresql ended')
    })
  }

  #heard(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new GatewayError('STORE_UNAVAILABLE', 'the embedded PostgreSQL does not start'))
      const timer = setTimeout(late, startTimeoutMs)
      this.exited.then(() => clearTimeout(timer))
      this.#child.on('message', (message: FromChild) => {
        if (message.kind === 'warn') return this.#log.warn({ why: message.message }, 'embedded postgresql')
        clearTimeout(timer)
        if (message.kind === 'ready') resolve()
        else reject(new GatewayError(message.code, message.detail))
      })
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#child.connected) this.#child.send({ kind: 'close' } satisfies ToChild, () => {})
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), closeTimeoutMs)
    await this.exited
    clearTimeout(timer)
  }
}
