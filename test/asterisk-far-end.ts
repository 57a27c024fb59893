import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { describe } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'

/** A real Asterisk in the folder that .ci/asterisk made, and sipp as its callers and seats. */

const root = '/var/tmp/asterisk-root'
const templates = join(packageRoot, 'test/asterisk-far-end')

/** The reason for skipping; `false`: all is there. */
export function missingAsterisk(): string | false {
  if (process.getuid?.() !== 0) return 'Asterisk is run in a folder of its own, which needs root'
  if (!existsSync(join(root, 'made'))) return 'Asterisk is not there (.ci/asterisk)'
  try {
    execFileSync('which', ['sipp', 'chroot', 'openssl'], { stdio: 'ignore' })
    return false
  } catch {
    return 'sipp or openssl is not installed'
  }
}

/** Of the exchange's clock, as .ci/asterisk sets it. */
export const zone = 'Asia/Shanghai'

export interface RealAsterisk {
  readonly manager: number
  /** The same with TLS, as `localhost` with a certificate that vouches for itself. */
  readonly managerTls: number
  readonly certificate: string
  /** cdr_csv's file. */
  readonly cdrFile: string
  /** Runs calls of one kind and resolves with sipp's own tally. */
  calls(to: string, calls: Calls): Promise<Tally>
  /** One command of its console. */
  console(command: string): string
  /** What it and its seats said, for a failure's message. */
  said(): string
}

export interface Calls {
  readonly count: number
  /** How long the caller stays; with `givesUp` how long it rings. */
  readonly holdMs?: number
  readonly givesUp?: boolean
  readonly caller?: string
  /** The display name, as octets. */
  readonly name?: Buffer
}

export interface Tally {
  readonly succeeded: number
  readonly failed: number
}

const seats = { 8001: 'seat-answers', 8002: 'seat-busy', 8003: 'seat-rings', 8004: 'seat-refuses' } as const

export async function realAsterisk(t: Test): Promise<RealAsterisk> {
  const run = mkdtempSync(join(root, 'run-'))
  const scratch = mkdtempSync(join(tmpdir(), 'asterisk-'))
  const children: ChildProcess[] = []
  t.teardown(async () => {
    await Promise.all(children.map(endOf))
    rmSync(run, { recursive: true, force: true })
    rmSync(scratch, { recursive: true, force: true })
  })
  const inside = `/${basename(run)}`
  const manager = await freeTcpPort()
  const managerTls = await freeTcpPort()
  const sip = await freeUdpPort()
  const filled: Record<string, string> = {
    RUN: inside,
    MANAGER: String(manager),
    TLS: String(managerTls),
    SIP: String(sip),
  }
  for (const seat of Object.keys(seats)) filled[seat] = String(await freeUdpPort())
  for (const folder of ['etc', 'lib', 'spool/monitor', 'run', 'log/cdr-csv'])
    mkdirSync(join(run, folder), { recursive: true })
  for (const file of readdirSync(templates).filter((name) => name.endsWith('.conf'))) {
    const text = readFileSync(join(templates, file), 'utf8').replace(
      /@(\w+)@/g,
      (_, name: string) => filled[name] ?? '',
    )
    writeFileSync(join(run, 'etc', file), text)
  }
  const certificate = certify(join(run, 'etc'))
  let said = ''
  const launch = (program: string, args: readonly string[]): ChildProcess => {
    const quiet = program === 'sipp' ? 'ignore' : 'pipe'
    const child = spawn(program, args, { stdio: ['ignore', quiet, quiet], cwd: scratch })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => (said = `${said}${chunk}`.slice(-3000)))
    children.push(child)
    return child
  }
  launch('chroot', [root, 'asterisk', '-f', '-C', `${inside}/etc/asterisk.conf`])
  for (const [seat, scenario] of Object.entries(seats)) launch('sipp', sippArgs(scenario, Number(filled[seat])))
  const command = (words: string) =>
    execFileSync('chroot', [root, 'asterisk', '-C', `${inside}/etc/asterisk.conf`, '-rx', words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  await answering(manager, () => said)
  await booted(command)
  let started = 0
  return {
    manager,
    managerTls,
    certificate,
    cdrFile: join(run, 'log/cdr-csv/Master.csv'),
    console: command,
    said: () => said,
    async calls(to, { count, holdMs = 200, givesUp = false, caller = '13800138000', name = Buffer.from('caller') }) {
      const data = join(scratch, `callers-${++started}.csv`)
      writeFileSync(data, Buffer.concat([Buffer.from(`SEQUENTIAL\n${caller};`), name, Buffer.from('\n')]))
      const scenario = givesUp ? 'caller-gives-up' : 'caller'
      const statistics = join(scratch, `calls-${started}.csv`)
      const run = launch('sipp', [
        ...['-inf', data, '-s', to, '-m', String(count), '-r', '5', '-d', String(holdMs), '-timeout', '40'],
        ...['-trace_err', '-error_file', join(scratch, `errors-${started}`)],
        ...['-trace_stat', '-stf', statistics, '-fd', '1'],
        ...sippArgs(scenario, await freeUdpPort()),
        `127.0.0.1:${sip}`,
      ])
      await once(run, 'exit')
      const errors = join(scratch, `errors-${started}`)
      if (existsSync(errors)) said += readFileSync(errors, 'utf8').slice(0, 2000)
      return tallyOf(readFileSync(statistics, 'utf8'))
    },
  }
}

function certify(folder: string): string {
  const certificate = join(folder, 'manager.pem')
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'
  const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'manager.key'), '-out', certificate]
  execFileSync('openssl', [...words.split(' '), ...names], { stdio: 'ignore' })
  return certificate
}

function sippArgs(scenario: string, port: number): string[] {
  return ['-sf', join(templates, `${scenario}.xml`), '-i', '127.0.0.1', '-p', String(port), '-nostdin']
}

/** The last line of what `-trace_stat` writes has the cumulated counters. */
function tallyOf(statistics: string): Tally {
  const [heading = '', ...lines] = statistics.trim().split('\n')
  const names = heading.split(';')
  const values = lines.at(-1)?.split(';') ?? []
  const value = (name: string) => Number(values[names.indexOf(name)])
  return { succeeded: value('SuccessfulCall(C)'), failed: value('FailedCall(C)') }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  AbortSignal.timeout(8000).addEventListener('abort', () => child.kill('SIGKILL'))
  await exited
}

async function freeTcpPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

async function answering(port: number, said: () => string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Asterisk does not listen: ${said()}`)
}

/** Before that it has no dial plan, and answers 404. */
async function booted(command: (words: string) => string): Promise<void> {
  let problem = ''
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    try {
      if (command('core waitfullybooted').includes('fully booted')) return
    } catch (error) {
      problem = describe(error)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Asterisk does not boot: ${problem}`)
}
