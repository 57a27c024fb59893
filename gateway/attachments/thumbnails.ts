import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { thumbnail } from './picture.ts'

/** Thumbnails of attachments, made when somebody first asks and kept beside the file. They can be deleted at any time. */
export class Thumbnails {
  readonly #pathOf: (sha256: string) => string
  /** One is made at a time: an unpacked picture takes hundreds of megabytes. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(pathOf: (sha256: string) => string) {
    this.#pathOf = pathOf
  }

  /** A JPEG; `null`: there is no such file, or it is no picture. Rejects when the disk does. */
  async of(sha256: string): Promise<Uint8Array | null> {
    const path = this.#pathOf(sha256)
    const kept = await read(`${path}.thumbnail`)
    if (kept !== null) return kept
    const made = this.#turn.then(() => make(path))
    this.#turn = made.catch(() => {})
    return await made
  }
}

/** A file of more than this is not read into memory for a small copy of it. */
const largest = 32 * 1024 ** 2

async function make(path: string): Promise<Uint8Array | null> {
  const kept = await read(`${path}.thumbnail`)
  if (kept !== null) return kept
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  )
  if (size === null || size > largest) return null
  const content = await read(path)
  const small = content === null ? null : await thumbnail(content)
  if (small === null) return null
  const temporary = `${path}.thumbnail.${process.pid}`
  try {
    await writeFile(temporary, small, { mode: 0o640 })
    await rename(temporary, `${path}.thumbnail`)
  } finally {
    await rm(temporary, { force: true })
  }
  return small
}

async function read(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
