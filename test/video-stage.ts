import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Adapter, AdapterContext, AdapterKind, Inbound, Link, Received } from '../gateway/adapter.ts'
import type { AlarmReport, MalformedReport, Report } from '../gateway/report.ts'
import { ModelIntake } from './contract.ts'

/** One adapter of the channel `video` on a model intake, with the gateway's HTTP server. */
export interface VideoStage {
  readonly adapter: Adapter
  readonly intake: ModelIntake
  readonly links: readonly Link[]
  readonly refused: readonly string[]
  /** Every message that was handed over, stored or not. */
  readonly handed: readonly Inbound[]
  /** `http://127.0.0.1:8080/ingest/cameras` */
  readonly url: string
  /** Every alarm that was stored, in the order it came. */
  readonly alarms: readonly AlarmReport[]
  readonly malformed: readonly MalformedReport[]
}

export async function videoStage<Options>(
  t: Test,
  kind: AdapterKind<Options>,
  block: Record<string, unknown>,
): Promise<VideoStage> {
  const options = kind.options.parse(block)
  const intake = new ModelIntake((message) => kind.decode(message, options))
  const refused: string[] = []
  const handed: Inbound[] = []
  const app = Fastify()
  const made: Adapter[] = []
  await app.register(
    async (scope) => {
      const context: AdapterContext = {
        name: 'cameras',
        accept: (message) => {
          handed.push(message)
          return intake.accept(message)
        },
        report: (link) => {
          intake.links.push(link)
          intake.note()
        },
        arrived: () => {},
        refused: (reason) => {
          refused.push(reason)
          intake.note()
        },
        http: scope,
        log: pino({ level: 'silent' }),
      }
      made.push(kind.create(options, context))
    },
    { prefix: '/ingest/cameras' },
  )
  const at = await app.listen({ host: '127.0.0.1', port: 0 })
  const [adapter] = made
  if (adapter === undefined) throw new Error('no adapter was made')
  t.teardown(async () => {
    intake.letGo()
    await adapter.stop()
    await app.close()
  })
  const reports = () => [...intake.stored.values()].flat()
  return {
    adapter,
    intake,
    links: intake.links,
    refused,
    handed,
    url: `${at}/ingest/cameras`,
    get alarms() {
      return reports().filter((report) => report.kind === 'alarm')
    },
    get malformed() {
      return reports().filter((report) => report.kind === 'malformed')
    },
  }
}

/** What `decode` says of bytes, or the code of its error. */
export function readAs<Options>(
  kind: AdapterKind<Options>,
  options: Options,
  message: Pick<Received, 'raw' | 'envelope'>,
): unknown {
  try {
    return kind.decode({ key: '', receivedAt: new Date('2026-11-26T00:00:00Z'), ...message }, options)
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string }
    if (name === 'GatewayError' && code?.startsWith('DECODE_')) return code
    throw error
  }
}

/** Whether programs are there; the reason for skipping otherwise. */
export function missing(...programs: string[]): string | false {
  const absent = programs.find((program) => {
    try {
      execFileSync('which', [program], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return absent === undefined ? false : `${absent} is not installed`
}

export interface Program {
  readonly said: () => string
  /** The exit code when it has ended by itself. */
  readonly ended: Promise<number | null>
  end(): Promise<void>
}

/** A program that ends with its test, by its process. */
export function launch(t: Test, program: string, args: readonly string[]): Program {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk)
    })
  const exited = once(child, 'exit')
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const kill = () => child.kill('SIGKILL')
    const limit = AbortSignal.timeout(10_000)
    limit.addEventListener('abort', kill)
    await exited
    limit.removeEventListener('abort', kill)
  }
  t.teardown(end)
  return { said: () => said, ended: exited.then(([code]) => code as number | null), end }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A picture of one pixel. */
export const jpeg = Buffer.from(
  '/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k=',
  'base64',
)

/** Reports as expected.json has them: attachments by their size, the bytes stand in the input. */
export const plainReports = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (name, one) =>
      name === 'content' && one?.type === 'Buffer' ? { bytes: one.data.length } : one,
    ),
  )

/** What no report may be, whatever it was made of. */
export function truthsOf(reports: readonly Report[]): string[] {
  return reports.flatMap((report) => {
    if (report.kind === 'malformed') return report.code.startsWith('DECODE_') ? [] : [report.code]
    if (report.kind !== 'alarm') return [`a report of kind ${report.kind}`]
    const { subject, event, deviceTime, occurrence, detail } = report
    const words = [subject, event, occurrence ?? '', ...Object.keys(detail), ...Object.values(detail)]
    return [
      ...(subject === '' || event === '' ? ['an empty subject or event'] : []),
      ...(deviceTime !== null && Number.isNaN(deviceTime.getTime()) ? ['a time that is none'] : []),
      ...(words.some((word) => word.includes('\0') || !word.isWellFormed()) ? ['text that cannot be stored'] : []),
    ]
  })
}
