import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Line, Lines } from './lines.ts'

/** What a rotated file may grow to when it is unpacked; beyond it is not read. */
const mostUnpacked = 4 * 1024 ** 3

/** The file and those that were rotated, oldest first, without what was written for the last time before `since`. */
export async function filesSince(path: string, since: Date): Promise<string[]> {
  const folder = dirname(path)
  const name = basename(path)
  const files: { path: string; mtimeMs: number }[] = []
  for (const entry of await readdir(folder)) {
    if (entry !== name && !(entry.startsWith(name) && /^[.-]\d+(?:\.gz)?$/.test(entry.slice(name.length)))) continue
    const found = await stat(join(folder, entry)).catch(() => null)
    if (found?.isFile() === true && found.mtimeMs >= since.getTime())
      files.push({ path: join(folder, entry), mtimeMs: found.mtimeMs })
  }
  return files.toSorted((a, b) => a.mtimeMs - b.mtimeMs).map((file) => file.path)
}

/** All lines of a file; what stands after the last newline is not one yet. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  const file = createReadStream(path)
  const lines = new Lines()
  let unpacked = 0
  // Errors of either stream reject the reading.
  const stream = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    unpacked += chunk.length
    if (unpacked > mostUnpacked) throw new Error(`${path} unpacks to more than ${mostUnpacked} octets`)
    yield* lines.push(chunk)
  }
}
