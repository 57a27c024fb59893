import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GatewayError } from '../errors.ts'

/** Files named by their own SHA-256, two levels deep. What is there under a name is whole: it was renamed into place. */
export class Attachments {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256)
  }

  async has(sha256: string): Promise<boolean> {
    return (await stat(this.path(sha256)).catch(() => null)) !== null
  }

  /** Resolves when the bytes and their name are on the disk. Rejects with STORE_UNAVAILABLE, and nothing is named. */
  async keep(sha256: string, content: Uint8Array): Promise<void> {
    const path = this.path(sha256)
    try {
      if (await this.has(sha256)) return
      const folder = dirname(path)
      await mkdir(folder, { recursive: true })
      const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}`
      const file = await open(temporary, 'wx', 0o640)
      try {
        await file.writeFile(content)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
      for (const name of [folder, this.#folder]) await syncFolder(name)
    } catch (cause) {
      throw new GatewayError('STORE_UNAVAILABLE', `attachment ${sha256} cannot be written to ${path}`, { cause })
    }
  }
}

/** A rename is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
