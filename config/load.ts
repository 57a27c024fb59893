import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import type { AdapterKind } from '../gateway/adapter.ts'
import { acrossKeys, type Finding, openDoors, samePorts } from './across.ts'
import { parseYaml, type YamlText } from './document.ts'
import { readingFrom, Secret } from './fields.ts'
import { type Problem, pathText, suggestion, wording } from './problems.ts'
import { type AdapterConfiguration, type Configuration, configurationSchema } from './schema.ts'

export { formatProblems, type Problem } from './problems.ts'

export type Loaded = { readonly configuration: Configuration } | { readonly problems: readonly Problem[] }

/**
 * Reads the configuration once: everything that is wrong with it in one report, or the whole of it, frozen. Relative
 * paths begin at the file's folder. Never throws for what stands in the file.
 */
export function loadConfiguration(file: string, kinds: readonly AdapterKind<never>[]): Loaded {
  const absolute = resolve(file)
  let text: string
  try {
    text = readFileSync(absolute, 'utf8')
  } catch (error) {
    return { problems: [{ path: '', line: null, column: null, message: unreadable(error) }] }
  }
  const yaml = parseYaml(text)
  if (yaml.problems.length > 0) return { problems: yaml.problems }
  if (yaml.value === undefined) {
    return {
      problems: [{ path: '', line: 1, column: 1, message: 'the file is empty; config/minimal.yaml is a start' }],
    }
  }
  return readingFrom(dirname(absolute), () => check(yaml, kinds))
}

function check(yaml: YamlText, kinds: readonly AdapterKind<never>[]): Loaded {
  const parsed = configurationSchema.safeParse(yaml.value, { error: wording })
  const adapters = checkAdapters(yaml.value, kinds)
  const found = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => fromIssue(issue))),
    ...adapters.found,
    ...acrossKeys(yaml.value),
  ]
  if (parsed.success) found.push(...samePorts({ ...parsed.data.http, transport: 'tcp', path: [] }, adapters.known))
  if (parsed.success) found.push(...openDoors(parsed.data.http.host, adapters.known))
  if (!parsed.success || found.length > 0) return { problems: inOrder(found, yaml) }
  return { configuration: frozen({ ...parsed.data, adapters: adapters.known.map(({ block }) => block) }) }
}

interface Known {
  readonly index: number
  readonly block: AdapterConfiguration
  readonly kind: AdapterKind<never>
}

/** Each block's options by its kind's own schema. What is wrong with names and kinds as such, the main schema says. */
function checkAdapters(raw: unknown, kinds: readonly AdapterKind<never>[]): { found: Finding[]; known: Known[] } {
  const blocks = (raw as { readonly adapters?: unknown }).adapters
  const found: Finding[] = []
  const known: Known[] = []
  for (const [index, block] of (Array.isArray(blocks) ? blocks : []).entries()) {
    if (typeof block !== 'object' || block === null) continue
    const { name, kind: wanted, ...options } = block as Readonly<Record<string, unknown>>
    if (typeof wanted !== 'string') continue
    const kind = kinds.find((one) => one.kind === wanted)
    if (kind === undefined) {
      const names = kinds.map((one) => one.kind)
      const message = `there is no adapter kind "${wanted}"; ${suggestion(wanted, names, 'there are')}`
      found.push({ path: ['adapters', index, 'kind'], message })
      continue
    }
    const parsed = kind.options.safeParse(options, { error: wording })
    if (parsed.success) known.push({ index, kind, block: { name: String(name), kind: wanted, options: parsed.data } })
    else found.push(...parsed.error.issues.flatMap((issue) => fromIssue(issue, ['adapters', index])))
  }
  return { found, known }
}

/** One finding for each unknown key; for a union, those of the alternative that was meant. */
function fromIssue(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): Finding[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? issue.message }))
  }
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return [{ path, message: issue.message }]
  const meant = issue.errors.filter((issues) => !issues.some(isOfAnotherType))
  const [only] = meant.length === 1 ? meant : []
  if (only !== undefined) return only.flatMap((each) => fromIssue(each, path))
  const alternatives = issue.errors.flatMap((issues) =>
    issues.filter(isOfAnotherType).map(({ message }) => form(message)),
  )
  return [{ path, message: `must be ${[...new Set(alternatives)].join(' or ') || 'of another form'}` }]
}

const form = (message: string): string => message.replace(/^must be /, '').replace(/[,;:] .*$/, '')

const isOfAnotherType = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')

/** In the order of the file, each mistake once. */
function inOrder(found: readonly Finding[], yaml: YamlText): Problem[] {
  const problems = found.map(({ path, message }) => {
    const aboutKey = / is unknown here; /.test(message)
    return { path: pathText(path), ...yaml.place(path, aboutKey ? 'key' : 'value'), message }
  })
  const first = new Map(problems.reverse().map((problem) => [`${problem.path} ${problem.message}`, problem]))
  return [...first.values()].sort((a, b) => a.line - b.line || a.column - b.column || a.path.localeCompare(b.path))
}

function unreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  return code === 'EISDIR' ? 'this is a folder, not a file' : `the file cannot be read (${code ?? String(error)})`
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret || ArrayBuffer.isView(value)) return value
  for (const each of Object.values(value)) frozen(each)
  return Object.freeze(value)
}
