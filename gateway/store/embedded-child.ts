import { rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { describe, GatewayError } from '../errors.ts'
import { DurableNodeFs, dieOnAbort, durableStartParams, proveDurable } from './embedded-durability.ts'
import { cluster, ensureCluster } from './embedded-folder.ts'
import { type FolderLock, lockFolder } from './embedded-lock.ts'
import type { FromChild, ToChild } from './embedded-messages.ts'
import { Sessions } from './embedded-sessions.ts'

// The process of the embedded PostgreSQL. Its working folder is its part of the data folder, its life the gateway's.

const lockWaitMs = 20_000
const stopTimeoutMs = 15_000
const walBytesBetweenCheckpoints = 64 * 1024 * 1024
const vacuumMs = 10 * 60_000
/** Whose rows are changed and deleted; the days of messages and positions are only ever dropped. */
const vacuumed = ['outbox', 'device', 'tally', 'notice', 'notice_state', 'message_key', 'dead_letter', 'intent']

function say(message: FromChild): void {
  if (process.connected) process.send?.(message)
}

/** Ends this process at once. Nobody is told that anything was stored that may not have been. */
function fail(error: unknown): never {
  writeSync(2, `${describe(error)}\n`)
  process.exit(70)
}

function refusal(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError('STORE_UNAVAILABLE', describe(error))
}

interface Running {
  readonly db: PGlite
  readonly sessions: Sessions
  readonly timers: readonly NodeJS.Timeout[]
  readonly lock: FolderLock
}

async function start(socketFolder: string, checkpointEveryMs: number): Promise<Running> {
  const lock = await lockFolder(process.ppid, lockWaitMs)
  await ensureCluster()
  // Nobody else has the folder: what a killed predecessor left does not count.
  rmSync(join(cluster, 'postmaster.pid'), { force: true })
  const fs = new DurableNodeFs(cluster, fail)
  const db = new PGlite({ fs, startParams: [...durableStartParams] })
  await db.waitReady
  dieOnAbort(db, fail)
  await proveDurable(db, fs.syncs)

  let unsaved = 0
  const checkpoint = () => {
    if (unsaved === 0) return
    unsaved = 0
    void sessions.run('CHECKPOINT')
  }
  const sessions = new Sessions({
    db,
    idleInTransactionMs: 30_000,
    warn: (message) => say({ kind: 'warn', message }),
    after: (bytes) => {
      unsaved += bytes
      if (unsaved > walBytesBetweenCheckpoints) checkpoint()
    },
    fail,
  })
  const socket = join(socketFolder, '.s.PGSQL.5432')
  rmSync(socket, { force: true })
  await sessions.listen(socket)
  const vacuum = async () => {
    for (const table of vacuumed) await sessions.run(`VACUUM (ANALYZE) ${table}`)
  }
  const timers = [setInterval(checkpoint, checkpointEveryMs), setInterval(vacuum, vacuumMs)]
  return { db, sessions, timers, lock }
}

let stopping = false

async function stop({ db, sessions, timers, lock }: Running): Promise<void> {
  if (stopping) return
  stopping = true
  // With the gateway gone nobody would end a process that hangs, and its lock would keep the next one out.
  setTimeout(() => process.exit(1), stopTimeoutMs)
  lock.ending()
  for (const timer of timers) clearInterval(timer)
  await sessions.close()
  await db.close()
  lock.release()
  process.exit(0)
}

// A terminal's Ctrl-C and a service manager's SIGTERM reach every process of the group, this one too; the gateway still
// has messages to store then, and tells when it is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('uncaughtException', fail)

const [socketFolder = '.', checkpointEveryMs = '60000'] = process.argv.slice(2)
let running: Running | null = null

process.on('message', (message: ToChild) => {
  if (message.kind === 'close' && running !== null) void stop(running)
})
// The gateway is gone. Before it runs there is nothing to put in order that the next start would not.
process.on('disconnect', () => (running === null ? process.exit(1) : void stop(running)))

try {
  running = await start(socketFolder, Number(checkpointEveryMs))
  say({ kind: 'ready' })
} catch (error) {
  const { code, detail } = refusal(error)
  process.send?.({ kind: 'refused', code, detail } satisfies FromChild, () => process.exit(1))
}
