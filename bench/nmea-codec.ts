import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Assembly } from '../adapters/nmea/assembly.ts'
import { parse } from '../adapters/nmea/codec.ts'
import { Framer } from '../adapters/nmea/framing.ts'
import { decode } from '../adapters/nmea/reports.ts'
import { drive } from '../simulators/nmea-vehicle.ts'

/**
 * The NMEA codec beside Debian's gpsdecode, on the same file in one run. gpsdecode frames, decodes and prints JSON, so
 * the fair comparison is the last line: bytes to messages to reports to JSON.
 */
const epochs = Number(process.argv[2] ?? 50_000)
const sentencesPerEpoch = 4
const rounds = 5
const chunkBytes = 65_536

const start = { latitude: 32.39, longitude: 119.41, at: new Date('2026-05-31T00:00:00Z') }
const log = Buffer.concat(
  [...drive({ seed: 1, start, epochs, intervalMs: 1000, speedKmh: 30 })].map(({ bytes }) => bytes),
)

function* chunks(): Generator<Buffer> {
  for (let at = 0; at < log.length; at += chunkBytes) yield log.subarray(at, at + chunkBytes)
}

function framed(): number {
  const framer = new Framer()
  let count = 0
  for (const chunk of chunks()) count += framer.push(chunk).length
  return count + framer.end().length
}

function parsed(): number {
  const framer = new Framer()
  let count = 0
  for (const chunk of chunks()) {
    for (const { bytes } of framer.push(chunk)) if (parse(bytes.toString('latin1')).formatter !== null) count++
  }
  return count + framer.end().length
}

function reported(): number {
  const assembly = new Assembly({ subject: 'v-001' }, '127.0.0.1', 'required')
  const receivedAt = start.at
  let bytes = 0
  const take = (outcomes: ReturnType<Assembly['push']>) => {
    for (const { message } of outcomes) {
      bytes += JSON.stringify(decode({ ...message, receivedAt }, { checksum: 'required' })).length
    }
  }
  for (const chunk of chunks()) take(assembly.push(chunk, receivedAt))
  take(assembly.end(receivedAt))
  return bytes
}

/** Seconds of processor that gpsdecode takes, as the shell that starts it has counted; `null` when it is not there. */
function gpsdecode(file: string): number | null {
  const script = 'command -v gpsdecode >/dev/null || exit 1; gpsdecode < "$1" > /dev/null; times'
  const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', file], { encoding: 'utf8' })
  if (status !== 0) return null
  const ofChildren = stdout.trim().split('\n').at(-1) ?? ''
  return [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0)
}

function ours(run: () => unknown): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Sentences a second of processor time: what else runs on the machine counts less than in elapsed time. */
function best(run: () => number | null): number | null {
  let fastest: number | null = null
  for (let round = 0; round < rounds; round++) {
    const seconds = run()
    if (seconds !== null) fastest = Math.min(fastest ?? seconds, seconds)
  }
  return fastest === null ? null : (epochs * sentencesPerEpoch) / fastest
}

const folder = mkdtempSync(join(tmpdir(), 'nmea-bench-'))
const file = join(folder, 'log.nmea')
writeFileSync(file, log)
console.log(`${epochs * sentencesPerEpoch} sentences, ${cpus()[0]?.model ?? 'unknown processor'}, best of ${rounds}`)
try {
  const theirs = best(() => gpsdecode(file))
  const lines: [string, number | null][] = [
    ['gpsdecode: bytes to JSON', theirs],
    ['this gateway: framing alone', best(() => ours(framed))],
    ['this gateway: framing and values', best(() => ours(parsed))],
    ['this gateway: bytes to messages to reports to JSON', best(() => ours(reported))],
  ]
  for (const [what, rate] of lines) {
    const told = rate === null ? 'not installed' : `${Math.round(rate / 1000)} k sentences/s`
    const ratio = rate === null || theirs === null ? '' : `  ×${(rate / theirs).toFixed(2)}`
    console.log(`${what.padEnd(52)} ${told}${ratio}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
