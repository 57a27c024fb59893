import { closeSync, fsyncSync, openSync } from 'node:fs'
import { PGlite, type postgresMod } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { describe, GatewayError } from '../errors.ts'

type PostgresMod = postgresMod.PostgresMod

/** Calls of `fsync` that reached the disk. */
export interface Syncs {
  files: number
  /** Of these, files of the write-ahead log: what makes a commit durable. */
  wal: number
}

interface Stream {
  readonly nfd?: number
  readonly path?: string
  readonly node: unknown
}

interface NodeFileSystem {
  readonly realPath: (node: unknown) => string
  readonly stream_ops: { fsync?: (stream: Stream) => number }
}

// As PGlite's own, without `-F`. Its file system answers fdatasync without doing anything, so only `fsync` will do. The
// log is kept small because nobody but us checkpoints: there is no background process.
export const durableStartParams: readonly string[] = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...['fsync=on', 'wal_sync_method=fsync', 'full_page_writes=on', 'synchronous_commit=on'].flatMap((s) => ['-c', s]),
  ...['max_wal_size=256MB', 'jit=off'].flatMap((s) => ['-c', s]),
]

/**
 * PGlite's file system with an `fsync`. Emscripten's has none, so that the database's calls do nothing and an
 * acknowledged row can be lost to a power cut.
 */
export class DurableNodeFs extends NodeFS {
  readonly syncs: Syncs = { files: 0, wal: 0 }
  readonly #fail: (error: unknown) => never

  /** `fail` must end the process: after a failed fsync nobody knows what is on the disk, and a retry would lie. */
  constructor(folder: string, fail: (error: unknown) => never) {
    super(folder)
    this.#fail = fail
  }

  override async init(pg: PGlite, options: Partial<PostgresMod>): Promise<{ emscriptenOpts: Partial<PostgresMod> }> {
    const { emscriptenOpts } = await super.init(pg, options)
    const install = (mod: PostgresMod) => {
      const filesystems: unknown = Reflect.get(mod.FS, 'filesystems')
      const nodefs = Reflect.get(Object(filesystems), 'NODEFS') as NodeFileSystem
      nodefs.stream_ops.fsync = (stream) => this.#sync(stream, nodefs)
    }
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), install] } }
  }

  #sync(stream: Stream, nodefs: NodeFileSystem): number {
    try {
      if (stream.nfd === undefined) syncPath(nodefs.realPath(stream.node))
      else fsyncSync(stream.nfd)
    } catch (error) {
      this.#fail(error)
    }
    this.syncs.files++
    if (stream.path?.includes('/pg_wal/')) this.syncs.wal++
    return 0
  }
}

export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const required = {
  fsync: 'on',
  wal_sync_method: 'fsync',
  full_page_writes: 'on',
  synchronous_commit: 'on',
} as const

/**
 * Throws STORE_NOT_DURABLE unless the settings are right and a commit made just now called fsync on the log. Run at
 * every start: what makes it true lies in another library's internals.
 */
export async function proveDurable(db: Pick<PGlite, 'query' | 'exec'>, syncs: Syncs): Promise<void> {
  for (const [setting, value] of Object.entries(required)) {
    const { rows } = await db.query<Record<string, string>>(`SHOW ${setting}`)
    const found = rows[0]?.[setting]
    if (found !== value) throw new GatewayError('STORE_NOT_DURABLE', `${setting} is ${found}, not ${value}`)
  }
  const before = syncs.wal
  await db.exec(`SELECT pg_logical_emit_message(true, 'chengguan', 'proof')`)
  if (syncs.wal === before) throw new GatewayError('STORE_NOT_DURABLE', 'a commit did not call fsync')
}

// PGlite catches whatever its database throws and goes on, after an abort (a full disk under the log) too, and then
// answers with a database that is no longer one.
const errorJump = 100

/** Lets a database that aborted or exited take the process with it. Its own error jumps pass. */
export function dieOnAbort(db: PGlite, fail: (error: unknown) => never): void {
  const mod = db.Module
  const inner = mod._PostgresMainLoopOnce
  mod._PostgresMainLoopOnce = () => {
    try {
      return inner()
    } catch (error) {
      if (Reflect.get(Object(error), 'status') !== errorJump) fail(new Error(`aborted: ${describe(error)}`))
      throw error
    }
  }
}
