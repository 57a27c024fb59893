import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { mm7 } from '../adapters/mms/mm7-listener.ts'
import { readNotification } from '../adapters/mms/mms-pdu.ts'
import { readPush } from '../adapters/mms/push.ts'
import { mmsRetriever } from '../adapters/mms/retriever.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'

/** Spoilt input may give DECODE_ errors and reports that hold, and takes no time. */
const folder = `${packageRoot}test/cases/mms/`
const inputs = (ending: string) =>
  readdirSync(folder)
    .map((name) => `${folder}${name}/input.${ending}`)
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file))
const random = seeded(20_261_123)
const below = (limit: number) => Math.floor(random() * limit)
const pieces = [
  '\0',
  '\x7f',
  '\xff\xff\xff\xff\xff',
  '\x1f\xff\xff\x7f',
  '--',
  '\r\n',
  '<',
  '</',
  '&#x',
  '"',
  ';',
  'Content-Type: multipart/mixed; boundary="b"\r\n',
]

function mutated(bytes: Buffer): Buffer {
  let copy = Buffer.from(bytes)
  for (let n = 0; n <= below(6); n++) {
    const at = below(Math.min(copy.length, below(2) === 0 ? 300 : copy.length))
    const kind = below(5)
    if (kind === 0) copy[at] = below(256)
    else if (kind === 1) copy = copy.subarray(0, at)
    else if (kind === 2) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + below(40))])
    else if (kind === 3)
      copy = Buffer.concat([
        copy.subarray(0, at),
        Buffer.from(pieces[below(pieces.length)] ?? '', 'latin1'),
        copy.subarray(at),
      ])
    else
      copy = Buffer.concat([copy.subarray(0, at), copy.subarray(below(copy.length)), copy.subarray(at)]).subarray(
        0,
        100_000,
      )
  }
  return copy
}

const options = mmsRetriever.options.parse({ hosts: ['x'] })
const vasp = mm7.options.parse({ username: 'a', password: 'b' })
const receivedAt = new Date('2026-11-23T00:00:00Z')

function problemIn(reports: readonly Report[]): string | null {
  const text = JSON.stringify(reports, (_, one) => (one?.type === 'Buffer' ? one.data.length : one))
  if (/\\u0000|\\ud[89a-f]/.test(text)) return 'a NUL or half a pair'
  for (const report of reports) {
    if (report.kind === 'malformed') {
      if (!report.code.startsWith('DECODE_')) return report.code
    } else if (report.subject === '') return 'no subject'
    else if (report.deviceTime !== null && Number.isNaN(report.deviceTime.getTime())) return 'no time'
  }
  return null
}

/** The slowest, and what is wrong; throws what is no DECODE_ error. */
function run(seeds: readonly Buffer[], rounds: number, read: (bytes: Buffer) => readonly Report[]) {
  let slowestMs = 0
  let understood = 0
  const problems: string[] = []
  for (let i = 0; i < rounds; i++) {
    const bytes = mutated(seeds[i % seeds.length] ?? Buffer.alloc(0))
    const started = performance.now()
    try {
      const problem = problemIn(read(bytes))
      if (problem !== null) problems.push(`${problem}: ${bytes.toString('base64').slice(0, 4000)}`)
      understood++
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_'))
        problems.push(`${String(error)}: ${bytes.toString('base64').slice(0, 4000)}`)
    }
    slowestMs = Math.max(slowestMs, performance.now() - started)
  }
  return { slowestMs, understood, problems: problems.slice(0, 3) }
}

t.test('spoilt m-retrieve-conf', async (t) => {
  const { problems, slowestMs, understood } = run(inputs('mms'), 20_000, (raw) =>
    mmsRetriever.decode({ key: '', raw, envelope: { is: 'retrieve-conf' }, receivedAt }, options),
  )
  t.strictSame(problems, [])
  t.ok(slowestMs < 2000, `the slowest took ${slowestMs} ms`)
  t.ok(understood > 2000, `${understood} were understood`)
})

t.test('spoilt notifications', async (t) => {
  const { problems, slowestMs } = run(inputs('push'), 20_000, (raw) => {
    readNotification(readPush(raw))
    return mmsRetriever.decode({ key: '', raw, envelope: { is: 'notification', reason: 'x' }, receivedAt }, options)
  })
  t.strictSame(problems, [])
  t.ok(slowestMs < 2000, `the slowest took ${slowestMs} ms`)
})

t.test('spoilt MM7 requests', async (t) => {
  const { problems, slowestMs, understood } = run(inputs('mm7'), 6_000, (raw) => {
    const contentType = raw.toString('latin1', 0, Math.max(0, raw.indexOf('\n'))).trim()
    return mm7.decode({ key: '', raw, envelope: { contentType }, receivedAt }, vasp)
  })
  t.strictSame(problems, [])
  t.ok(slowestMs < 2000, `the slowest took ${slowestMs} ms`)
  t.ok(understood > 500, `${understood} were understood`)
})
