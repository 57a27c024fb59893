import type { z } from 'zod'
import { nearest } from './nearest.ts'

/** One thing that is wrong with a configuration, and where. */
export interface Problem {
  /** As `adapters[1].port`; empty for the file as a whole. */
  readonly path: string
  /** From 1; `null` when the file could not be read. */
  readonly line: number | null
  readonly column: number | null
  /** For an engineer at three in the morning; never holds a secret. */
  readonly message: string
}

/** Every problem on a line of its own, as editors and terminals know it: `file:line:column`. */
export function formatProblems(
  file: string,
  problems: readonly Problem[],
  colour: boolean = process.stderr.isTTY === true && !process.env.NO_COLOR,
): string {
  const bold = (text: string) => (colour && text !== '' ? `\u001b[1m${text}\u001b[22m` : text)
  const dim = (text: string) => (colour ? `\u001b[2m${text}\u001b[22m` : text)
  const lines = problems.map(({ path, line, column, message }) => {
    const place = line === null ? file : `${file}:${line}:${column ?? 1}`
    return `${dim(`${place}:`)} ${path === '' ? '' : `${bold(path)}: `}${message}`
  })
  return [...lines, problems.length === 1 ? '1 problem' : `${problems.length} problems`].join('\n')
}

/** `["adapters", 1, "port"]` as `adapters[1].port`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

export function unknownKey(key: string, known: readonly string[]): string {
  return `"${key}" is unknown here; ${suggestion(key, known, 'known are')}`
}

/** `did you mean "port"?`, or what there is to choose from. */
export function suggestion(word: string, known: readonly string[], introduction: string): string {
  const meant = nearest(word, known)
  if (meant !== null) return `did you mean "${meant}"?`
  return known.length === 0 ? 'nothing is configured here' : `${introduction} ${known.join(', ')}`
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  object: 'a block of keys',
  record: 'a block of keys',
  array: 'a list',
  boolean: 'true or false',
  undefined: 'nothing',
}

/** What zod found, in this house's words. Several unknown keys of one block come as one line each. */
export function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.inst)
    return issue.keys.map((key) => unknownKey(key, known)).join('\n')
  }
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value'))
    return 'is missing'
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input)
    case 'invalid_value':
      return wrongChoice(issue.values.map(String), issue.input)
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty'
      return `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'invalid_union':
      return issue.input === undefined ? 'is missing' : wrongForm(issue)
    default:
      return undefined
  }
}

function wrongType(expected: string, input: unknown): string {
  const wanted = `must be ${typeWords[expected] ?? expected}`
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean'))
    return `${wanted}; put it in quotes`
  if (expected === 'number' && typeof input === 'string') return `${wanted}, not text`
  if (expected === 'array') return `${wanted}: its elements begin with a dash`
  return wanted
}

/** Of a union whose alternatives one key tells apart; the others are worded by their alternatives' own issues. */
function wrongForm(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | undefined {
  if (!('options' in issue) || !Array.isArray(issue.options) || issue.discriminator === undefined) return undefined
  const given = (issue.input as Readonly<Record<string, unknown>>)[issue.discriminator]
  return given === undefined
    ? `is missing; it is one of ${issue.options.join(', ')}`
    : wrongChoice(issue.options.map(String), given)
}

// Only what is a word of its own is repeated: whatever else stands here may be a secret in the wrong place.
function wrongChoice(choices: readonly string[], input: unknown): string {
  const choose = choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}`
  if (typeof input === 'boolean') return `${choose}; ${input} is not among them`
  if (typeof input !== 'string' || !/^[A-Za-z-]{1,20}$/.test(input)) return choose
  const meant = nearest(input, choices)
  return `${choose}, not "${input}"${meant === null ? '' : `; did you mean "${meant}"?`}`
}

function knownKeys(schema: unknown): readonly string[] {
  const def = (schema as z.core.$ZodObject | undefined)?._zod.def
  return def?.type === 'object' ? Object.keys(def.shape) : []
}
