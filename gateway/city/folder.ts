import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from '../errors.ts'
import { type FileKind, type Manifest, manifestName, neededKinds, readManifest } from './manifest.ts'
import type { ProblemList } from './problems.ts'

export interface CityFile {
  readonly kind: FileKind
  readonly name: string
  readonly bytes: Uint8Array
  /** `null` when the bytes are not what the manifest promises, or no UTF-8: the problem is already named. */
  readonly text: string | null
}

/** A city's folder as it was read, byte for byte: what was checked is what gets copied. */
export interface CityFolder {
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  readonly defaultSchemeLine: number
  readonly files: readonly CityFile[]
  /** Kinds of which a file is missing or unreadable: what refers into them cannot be judged. */
  readonly lacking: ReadonlySet<FileKind>
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Reads the manifest and every file it names; `null` when there is no manifest to go by. */
export async function readCityFolder(folder: string, problems: ProblemList): Promise<CityFolder | null> {
  const manifestBytes = await readBytes(folder, manifestName, (why) => problems.add(manifestName, null, why))
  if (manifestBytes === null) return null
  const text = decode(manifestBytes, manifestName, problems)
  const read = text === null ? null : readManifest(text, problems)
  if (read === null) return null

  const files: CityFile[] = []
  const named = new Set(read.manifest.files.map((entry) => entry.kind))
  const lacking = new Set<FileKind>(neededKinds.filter((kind) => !named.has(kind)))
  for (const [index, entry] of read.manifest.files.entries()) {
    if (files.some((file) => file.name === entry.path)) continue
    const line = read.fileLines[index] ?? null
    const bytes = await readBytes(folder, entry.path, (why) => problems.add(manifestName, line, `${entry.path} ${why}`))
    const fileText = bytes === null ? null : decode(bytes, entry.path, problems)
    if (fileText === null) lacking.add(entry.kind)
    if (bytes === null) continue
    const digest = sha256(bytes)
    if (digest !== entry.sha256) {
      problems.add(manifestName, line, `${entry.path} was changed: its sha256 is ${digest}`)
    }
    files.push({ kind: entry.kind, name: entry.path, bytes, text: fileText })
  }
  return { ...read, manifestBytes, files, lacking }
}

async function readBytes(folder: string, name: string, fail: (why: string) => void): Promise<Uint8Array | null> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    fail(missing ? 'is missing' : `cannot be read: ${describe(error)}`)
    return null
  }
}

/** UTF-8 with or without a byte order mark; a spreadsheet saved as GBK is the mistake that will be made. */
function decode(bytes: Uint8Array, name: string, problems: ProblemList): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    problems.add(name, firstBadLine(bytes), 'is not UTF-8 text; a table saved as GBK must be saved as UTF-8')
    return null
  }
}

function firstBadLine(bytes: Uint8Array): number | null {
  let line = 1
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, from)
    const to = end < 0 ? bytes.length : end + 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, to))
    } catch {
      return line
    }
    from = to
  }
  return null
}
