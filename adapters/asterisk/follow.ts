import { type FileHandle, open, stat } from 'node:fs/promises'
import { type Line, Lines } from './lines.ts'

const chunkBytes = 256 * 1024
/** So much of a file's beginning has the Uniqueid of its first line: it tells whether it is still the same. */
const headBytes = 1024

/**
 * A file that grows, is moved aside and begun anew, or is cut to nothing. What was read counts as read when it is taken:
 * until then it is given again.
 */
export class FollowedFile {
  readonly #path: string
  readonly #reread: number
  #handle: FileHandle | null = null
  #offset = 0
  #first = true
  #head = Buffer.alloc(0)
  #mtimeMs = 0
  #lines = new Lines()
  /** Read, and not yet taken. */
  #pending: readonly Line[] = []
  #pendingBytes = 0

  /** `reread`: of a file that is there at the first look so many octets of its end. */
  constructor(path: string, reread: number) {
    this.#path = path
    this.#reread = reread
  }

  /** Some lines that are new; empty: there are none now. */
  async next(): Promise<readonly Line[]> {
    while (this.#pending.length === 0) {
      if (this.#handle === null && !(await this.open())) return []
      const chunk = await this.#read()
      if (chunk.length === 0) {
        if (!(await this.#moved())) return []
        continue
      }
      this.#pending = this.#lines.push(chunk)
      this.#pendingBytes = chunk.length
      if (this.#pending.length === 0) this.taken()
    }
    return this.#pending
  }

  taken(): void {
    this.#offset += this.#pendingBytes
    this.#pendingBytes = 0
    this.#pending = []
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    this.#offset = 0
    this.#pending = []
    this.#pendingBytes = 0
    this.#lines = new Lines()
    this.#first = true
    await handle?.close()
  }

  /** Where it is read from is settled now, not at the first `next`. Resolves with whether the file is there. */
  async open(): Promise<boolean> {
    let handle: FileHandle
    try {
      handle = await open(this.#path, 'r')
    } catch (error) {
      // cdr_csv makes the file with the first call; after a rotation it is not there for a while.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      this.#first = false
      return false
    }
    this.#handle = handle
    this.#lines = new Lines()
    this.#head = Buffer.alloc(0)
    this.#mtimeMs = 0
    const { size } = await handle.stat()
    this.#offset = this.#first ? await lineStart(handle, Math.max(0, size - this.#reread)) : 0
    this.#first = false
    return true
  }

  async #read(): Promise<Buffer> {
    const handle = this.#handle
    if (handle === null) return Buffer.alloc(0)
    if (await this.#begunAnew(handle)) {
      this.#offset = 0
      this.#lines = new Lines()
    }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.#offset)
    return buffer.subarray(0, bytesRead)
  }

  /** copytruncate: the same file, emptied; by the time of this look it may be as long as it was. */
  async #begunAnew(handle: FileHandle): Promise<boolean> {
    const { size, mtimeMs } = await handle.stat()
    if (mtimeMs === this.#mtimeMs && size >= this.#offset) return false
    this.#mtimeMs = mtimeMs
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    const head = buffer.subarray(0, bytesRead)
    const known = this.#head
    this.#head = head
    return size < this.#offset || !head.subarray(0, known.length).equals(known)
  }

  /** All of it is read; whether another file has its name now, and then that one is read from its beginning. */
  async #moved(): Promise<boolean> {
    const handle = this.#handle
    if (handle === null) return false
    const mine = await handle.stat()
    const now = await stat(this.#path).catch(() => null)
    if (now === null || (now.ino === mine.ino && now.dev === mine.dev)) return false
    // A writer that had it open when it was moved may have written on.
    if ((await handle.stat()).size > this.#offset) return true
    this.#handle = null
    await handle.close()
    this.#pending = this.#lines.end()
    return true
  }
}

/** The first line that begins at or after an offset. */
async function lineStart(handle: FileHandle, from: number): Promise<number> {
  if (from === 0) return 0
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, from - 1)
  const feed = buffer.subarray(0, bytesRead).indexOf(0x0a)
  return feed < 0 ? from : from + feed
}
