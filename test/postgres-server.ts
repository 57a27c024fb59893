import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

// A real PostgreSQL for tests: the one at CHENGGUAN_TEST_DATABASE_URL, whose user may create databases, or Debian's,
// started here on a Unix socket in a temporary folder.

const givenUrl = process.env.CHENGGUAN_TEST_DATABASE_URL
const debian = '/usr/lib/postgresql'
const binaries = newestBinaries()

/** Why there is no server, for `skip`; null when there is one. */
export const serverMissing =
  givenUrl !== undefined || binaries !== null
    ? null
    : 'no PostgreSQL server: neither CHENGGUAN_TEST_DATABASE_URL nor the Debian package postgresql'

export interface TestServer {
  /** A new and empty database's URL. */
  createDatabase(): Promise<string>
  /** Its process, where it was started here: to be killed. */
  readonly process: ChildProcess | null
  /** Starts it again after its process ended. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** `settings`: of a server that is started here, as `name=value`. */
export async function openServer(settings: readonly string[] = ['shared_buffers=32MB']): Promise<TestServer> {
  if (givenUrl !== undefined) return serverAt(givenUrl)
  if (binaries === null) throw new Error(serverMissing ?? '')
  return startServer(binaries, settings)
}

function newestBinaries(): string | null {
  if (!existsSync(debian)) return null
  const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a))
  const found = versions.map((version) => join(debian, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
  return found ?? null
}

function serverAt(url: string): TestServer {
  const made: string[] = []
  return {
    process: null,
    restart: () => Promise.reject(new Error('not started here')),
    async createDatabase() {
      const name = newName()
      made.push(name)
      await execute(url, `CREATE DATABASE ${name}`)
      const own = new URL(url)
      own.pathname = `/${name}`
      return own.href
    },
    async close() {
      for (const name of made) await execute(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

async function startServer(bin: string, wanted: readonly string[]): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'chengguan-pg-'))
  const identity = postgresIdentity()
  if (identity !== null) chownSync(folder, identity.uid, identity.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
  execFileSync(join(bin, 'initdb'), initdb, { ...identity, cwd: folder, stdio: 'ignore' })

  const start = async () => {
    const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, ...wanted]
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...identity,
      cwd: folder,
      stdio: 'ignore',
    })
    return (await answering(urlOf('postgres'), child)) ? child : null
  }
  const launch = async () => {
    // Sessions of a killed server live on for a moment, and while they hold its memory a new one refuses to start.
    const deadline = Date.now() + 30_000
    while (Date.now() < deadline) {
      const child = await start()
      if (child !== null) return child
    }
    throw new Error('PostgreSQL does not start')
  }
  const urlOf = (name: string) => `postgresql://postgres@localhost/${name}?host=${encodeURIComponent(folder)}`
  let child = await launch()
  process.once('exit', () => child.kill('SIGINT'))
  return {
    get process() {
      return child
    },
    async restart() {
      child = await launch()
    },
    async createDatabase() {
      const name = newName()
      await execute(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        // Fast shutdown: sessions are cut, what is committed is flushed.
        child.kill('SIGINT')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root. */
function postgresIdentity(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Resolves when it takes queries, after a kill once it has recovered; with false when it ended instead. */
async function answering(url: string, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      await execute(url, 'SELECT 1')
      return true
    } catch (error) {
      if (child.exitCode !== null) return false
      if (Date.now() > deadline) throw error
      await new Promise((resume) => setTimeout(resume, 50))
    }
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function newName(): string {
  return `chengguan_test_${randomBytes(6).toString('hex')}`
}
