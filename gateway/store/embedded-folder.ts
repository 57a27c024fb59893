import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { syncPath } from './embedded-durability.ts'

/** The database's own files, inside the folder this process was started in. */
export const cluster = 'cluster'
const unfinished = 'cluster.unfinished'

/**
 * Makes the cluster when there is none: beside its place, synced, then renamed. What an interrupted first start left is
 * thrown away; a folder with this name is whole.
 */
export async function ensureCluster(): Promise<void> {
  if (existsSync(cluster)) return
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  const db = new PGlite({ fs: new NodeFS(unfinished) })
  await db.waitReady
  await db.close()
  await syncTree(unfinished)
  renameSync(unfinished, cluster)
  syncPath('.')
}

async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.filter((entry) => entry.isDirectory())) await syncTree(join(folder, entry.name))
  await Promise.all(entries.filter((entry) => entry.isFile()).map(({ name }) => syncFile(join(folder, name))))
  await syncFile(folder)
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
