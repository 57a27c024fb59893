import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { z } from 'zod'
import { quote } from '../errors.ts'
import { syntaxFault } from './geojson.ts'
import type { ProblemList } from './problems.ts'

/** What a file of a city's folder holds. A kind may be spread over several files, a file a district for instance. */
export const fileKinds = [
  'districts',
  'streets',
  'communities',
  'grids',
  'category-schemes',
  'categories',
  'category-concepts',
  'category-words',
  'emergency-categories',
  'companies',
  'shifts',
  'routes',
  'work-areas',
  'collectors',
  'vehicles',
  'leaders',
  'vehicle-rules',
  'components',
  'cameras',
  'sensors',
  'alarm-rules',
  'addresses',
  'roads',
  'landmarks',
  'compounds',
  'departments',
  'message-templates',
  'towers',
  'sub-numbers',
] as const
export type FileKind = (typeof fileKinds)[number]

/** Without these nothing can be placed or named; a city without vehicles or cameras is one all the same. */
export const neededKinds: readonly FileKind[] = [
  'districts',
  'streets',
  'communities',
  'grids',
  'category-schemes',
  'categories',
]

export const manifestName = 'manifest.json'

/** The version names a folder and stands in every intent, so it is a plain word. */
export const versionPattern = /^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/

const manifestSchema = z.strictObject({
  name: z.string().min(1),
  version: z.string().regex(versionPattern, 'must be letters, digits, dots, dashes, at most 64, such as 2026.11.1'),
  /** What somebody should know about where the data come from. */
  about: z.string().optional(),
  timeZone: z.string().refine(isTimeZone, { error: (issue) => `${quote(issue.input)} is no IANA time zone` }),
  /** Of the telephone numbers in the city's files. */
  countryCode: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/, 'must be a country code without +, such as 86')
    .default('86'),
  gridScheme: z.enum(['cjt213_2005', 'gbt47678_3_2026']),
  defaultScheme: z.string().min(1),
  files: z.array(
    z.strictObject({
      kind: z.enum(fileKinds, `must be one of ${fileKinds.join(', ')}`),
      // A plain name: a manifest cannot reach outside its folder.
      path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name'),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
    }),
  ),
})

export type Manifest = z.output<typeof manifestSchema>

export interface ReadManifest {
  readonly manifest: Manifest
  /** Line on which each of `manifest.files` stands. */
  readonly fileLines: readonly number[]
  readonly defaultSchemeLine: number
}

/** Reads manifest.json, adding what is wrong to `problems`; `null` when it cannot be used at all. */
export function readManifest(text: string, problems: ProblemList): ReadManifest | null {
  const value = parseJson(text, problems)
  if (value === undefined) return null
  const lines = new LineCounter()
  // JSON is a subset of YAML, and this parser knows the line of every key.
  const document = parseDocument(text, { lineCounter: lines, schema: 'json', prettyErrors: false })

  const lineOf = (path: readonly PropertyKey[]) => {
    const offset = offsetOf(document.contents, path)
    return lines.linePos(offset).line
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) addIssue(issue, lineOf, problems)
    return null
  }
  const manifest = parsed.data
  for (const kind of neededKinds) {
    if (!manifest.files.some((file) => file.kind === kind)) {
      problems.add(manifestName, lineOf(['files']), `no file of the kind ${kind} is named, and a city needs one`)
    }
  }
  for (const [index, file] of manifest.files.entries()) {
    const first = manifest.files.findIndex((other) => other.path === file.path)
    if (first !== index) problems.add(manifestName, lineOf(['files', index]), `${file.path} is named twice`)
  }
  const fileLines = manifest.files.map((_, index) => lineOf(['files', index, 'path']))
  return { manifest, fileLines, defaultSchemeLine: lineOf(['defaultScheme']) }
}

function parseJson(text: string, problems: ProblemList): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { line, message } = syntaxFault(text, error as SyntaxError)
    problems.add(manifestName, line, message)
    return undefined
  }
}

function addIssue(issue: z.core.$ZodIssue, lineOf: (path: readonly PropertyKey[]) => number, problems: ProblemList) {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) problems.add(manifestName, lineOf([...issue.path, key]), `${quote(key)} is unknown`)
    return
  }
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  problems.add(manifestName, lineOf(issue.path), `${where}${issue.message}`)
}

/** Where the deepest part of a path that exists begins; for a key of an object, the key itself. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node = root
  let offset = startOf(root)
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step)
      if (pair === undefined) break
      offset = startOf(pair.key)
      node = pair.value
    } else {
      node = hasItems(node) ? node.items[Number(step)] : undefined
      if (node === undefined) break
      offset = startOf(node)
    }
  }
  return offset
}

function hasItems(node: unknown): node is { readonly items: readonly unknown[] } {
  return typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
