import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { sha256 } from '../gateway/city/folder.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { formatProblems } from '../gateway/city/problems.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'

/** A city's files by name, to be changed in a test and written to a folder of its own. */
export type Files = Map<string, string | Buffer>

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'city-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function exampleFiles(): Files {
  const names = readdirSync(exampleCityFolder).filter((name) => /\.(json|geojson|csv)$/.test(name))
  return new Map(names.map((name) => [name, readFileSync(join(exampleCityFolder, name), 'utf8')]))
}

/** The example cut down to its first two communities, so that a test loads it in a moment. */
export function smallFiles(): Files {
  const kept = new Set(['990101001001', '990101001002'])
  const inside = (line: string) => (line.match(/\b990[0-9]{11}\b/g) ?? []).every((code) => kept.has(code.slice(0, 12)))
  return new Map(
    [...exampleFiles()].map(([name, content]) => {
      if (name === 'manifest.json') return [name, content]
      const lines = String(content).split('\n').filter(inside)
      // The last feature of a collection has no comma behind it, whichever the last one now is.
      const last = name.endsWith('.geojson') ? lines.indexOf(']}') - 1 : -1
      return [name, lines.map((line, index) => (index === last ? line.replace(/,$/, '') : line)).join('\n')]
    }),
  )
}

/** Writes the files and, unless told not to, makes the manifest's digests right again. */
export function writeCity(t: Test, files: Files, digests: 'made right' | 'left' = 'made right'): string {
  const folder = temporaryFolder(t)
  for (const [name, content] of files) writeFileSync(join(folder, name), content)
  if (digests === 'made right') {
    const lines = String(files.get('manifest.json') ?? '').split('\n')
    writeFileSync(join(folder, 'manifest.json'), lines.map(sealAfter(files)).join('\n'))
  }
  return folder
}

/** Puts the digest of the file named on one line into the next, leaving every line where it is. */
function sealAfter(files: Files) {
  let digest: string | null = null
  return (line: string): string => {
    const name = /"path": "(.*)"/.exec(line)?.[1]
    const content = name === undefined ? undefined : files.get(name)
    if (name !== undefined) digest = content === undefined ? null : sha256(content)
    return digest === null ? line : line.replace(/("sha256": ")[0-9a-f]{64}/, `$1${digest}`)
  }
}

/** Changes one line of a file, counted from 1; fails when that changes nothing. */
export function editLine(files: Files, name: string, line: number, change: (line: string) => string): void {
  const lines = String(files.get(name)).split('\n')
  const before = lines[line - 1] ?? ''
  const after = change(before)
  if (after === before) throw new Error(`${name}:${line} is unchanged: ${before}`)
  lines[line - 1] = after
  files.set(name, lines.join('\n'))
}

/** Adds lines before the end of a CSV file; the number of the first one. */
export function append(files: Files, name: string, ...added: string[]): number {
  const text = String(files.get(name))
  files.set(name, `${text}${added.join('\n')}\n`)
  return text.split('\n').length
}

export interface BrokenCity {
  readonly name: string
  readonly breakIt: (files: Files) => void
  /** All that is reported, no more and no less. */
  readonly expected: readonly string[]
  readonly digests?: 'left'
}

/** A test that breaks the small city and finds exactly the expected problems. */
export function isRefused({ breakIt, expected, digests }: BrokenCity) {
  return async (t: Test) => {
    const files = smallFiles()
    breakIt(files)
    const { city, problems } = await loadCity(writeCity(t, files, digests ?? 'made right'))
    t.equal(city, null, 'a city with a problem is no city')
    // Every engine has words of its own for what is no JSON.
    t.same(
      formatProblems(problems)
        .replace(/(is not JSON): .*/g, '$1')
        .split('\n'),
      expected,
    )
  }
}
