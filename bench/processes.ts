import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What Linux counts of processes (proc(5)). */

const ticksPerSecond = 100

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly cpuSeconds: number
}

function stat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; what follows it has fixed places.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const field = (number: number) => Number(fields[number - 3])
    // Of children that have ended too: a server makes one for each connection.
    const ticks = field(14) + field(15) + field(16) + field(17)
    return { pid, parent: field(4), cpuSeconds: ticks / ticksPerSecond }
  } catch {
    return null
  }
}

/** The processes that this one started. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((name) => {
    const found = stat(Number(name))
    return found !== null && found.parent === parent ? [found.pid] : []
  })
}

/** User and system time so far; several processes together. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (stat(pid)?.cpuSeconds ?? 0), 0)
}

/** Resident memory in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? 0) / 1024
}

/** Processes by what their time is spent on. */
export interface Parties {
  pids(): { readonly gateway: readonly number[]; readonly database: readonly number[] }
}

/** CPU time between the two moments that a load tells of. */
export class CpuMeter {
  readonly #parties: Parties
  readonly #at = { counting: { gateway: 0, database: 0 }, counted: { gateway: 0, database: 0 } }

  constructor(parties: Parties) {
    this.#parties = parties
  }

  readonly watch = (moment: 'counting' | 'counted'): void => {
    const { gateway, database } = this.#parties.pids()
    this.#at[moment] = { gateway: cpuSeconds(gateway), database: cpuSeconds(database) }
  }

  perMessage(messages: number): { readonly gatewayUs: number; readonly databaseUs: number } {
    const { counting, counted } = this.#at
    const us = (party: 'gateway' | 'database') => ((counted[party] - counting[party]) / messages) * 1e6
    return { gatewayUs: us('gateway'), databaseUs: us('database') }
  }
}

const folders = new Set<string>()

/** A folder that is gone when this process is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chengguan-bench-'))
  folders.add(folder)
  return folder
}

/** Whatever ends this process, a signal too: nothing that it started outlives it. */
export function leaveNothing(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  process.once('exit', () => {
    for (const pid of descendantsOf(process.pid)) endNow(pid)
    for (const folder of folders) removeNow(folder)
  })
}

function removeNow(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  } catch {
    // A database that is just ending still wrote into it; the other folders go all the same.
  }
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
