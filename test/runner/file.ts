import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { type Point, readTap } from './points.ts'

/** What became of one test file. */
export interface Outcome {
  readonly points: readonly Point[]
  /** Why the file failed as a whole; empty when it did not. */
  readonly faults: readonly string[]
  /** Standard output that is not TAP, and standard error. */
  readonly said: string
  readonly seconds: number
}

/** How long what a test started may hold its output after the test has ended. */
const leftoverMs = 5000

/** The process groups under way, to be ended when the run is interrupted. */
const running = new Set<number>()

export function endAll(): void {
  for (const group of running) end(group)
}

/** Runs one compiled test file in a process group of its own; when its time is over, the whole group is ended. */
export async function runFile(file: string, timeoutMs: number): Promise<Outcome> {
  const began = performance.now()
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // tap ends a file after 30 s by itself; here the file's own limit counts, and names what was still open.
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(Math.max(1, Math.floor(timeoutMs / 1000) - 5)) },
  })
  const group = child.pid
  if (group === undefined) throw new Error(`${process.execPath} could not be started`)
  running.add(group)
  const tap = readTap()
  const errors: string[] = []
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => tap.write(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk))

  const faults: string[] = []
  const closed = once(child, 'close')
  const timer = setTimeout(() => {
    faults.push(`did not end within ${timeoutMs / 1000} s`)
    end(group)
  }, timeoutMs)
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  if (!(await inTime(closed))) faults.push('something it started outlived it and still holds its output')
  end(group)
  await closed
  running.delete(group)

  const read = tap.end()
  if (faults.length === 0) faults.push(...read.faults)
  const red = read.points.some(({ outcome }) => outcome === 'failed')
  if (faults.length === 0 && !red && status !== 0) faults.push(`ended with ${signal ?? `status ${status}`}`)
  const seconds = (performance.now() - began) / 1000
  return { points: read.points, faults, said: `${read.said}${errors.join('')}`, seconds }
}

async function inTime(closed: Promise<unknown>): Promise<boolean> {
  const given = new AbortController()
  const late = wait(leftoverMs, false, { signal: given.signal }).catch(() => true)
  const first = await Promise.race([closed.then(() => true), late])
  given.abort()
  return first
}

function end(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // The group is gone already, which is what was wanted.
  }
}
