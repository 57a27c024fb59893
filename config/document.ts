import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from 'yaml'
import type { Problem } from './problems.ts'

/** A YAML file as plain values, which still knows where each of them stood. */
export interface YamlText {
  /** A key with nothing after it counts as absent: `undefined`. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Of the value, or of its key; of the nearest block around it when there is neither. */
  place(path: readonly PropertyKey[], what?: 'value' | 'key'): { readonly line: number; readonly column: number }
}

export function parseYaml(text: string): YamlText {
  const lines = new LineCounter()
  // Pretty errors quote the line, which may hold a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)

  function place(path: readonly PropertyKey[], what: 'value' | 'key' = 'value') {
    let node: unknown = resolved(document.contents)
    let offset = (node as Node | null)?.range?.[0] ?? 0
    for (const [i, part] of path.entries()) {
      const step = child(node, part)
      if (step === null) break
      const start = what === 'key' && i === path.length - 1 ? step.keyAt : (step.value?.range?.[0] ?? step.keyAt)
      offset = start ?? offset
      node = resolved(step.value)
    }
    return at(offset)
  }

  const problems = document.errors.map((error) => ({ path: '', ...at(error.pos[0]), message: syntax(error) }))
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return
      problems.push({
        path: '',
        ...at(alias.range?.[0] ?? 0),
        message: 'not valid YAML: * refers to an anchor that is not there',
      })
    },
  })
  if (problems.length > 0) return { value: undefined, problems, place }
  try {
    return { value: withoutNulls(document.toJS()), problems, place }
  } catch {
    // Aliases that hold themselves, or that multiply to more than a configuration can mean.
    const message = 'not valid YAML: too much is repeated by * references'
    return { value: undefined, problems: [{ path: '', line: 1, column: 1, message }], place }
  }
}

function child(node: unknown, part: PropertyKey): { keyAt: number | null; value: Node | null } | null {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part] as Node | undefined
    return item === undefined ? null : { keyAt: item.range?.[0] ?? null, value: item }
  }
  if (!isMap(node)) return null
  const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : null) === String(part))
  if (pair === undefined) return null
  return { keyAt: (pair.key as Node | null)?.range?.[0] ?? null, value: pair.value as Node | null }
}

// These say what they stumbled over, which may be a piece of a secret.
const quoting = new Set(['UNEXPECTED_TOKEN', 'BAD_ALIAS', 'TAG_RESOLVE_FAILED', 'BAD_SCALAR_START'])

function syntax({ code, message }: YAMLError): string {
  return `not valid YAML: ${quoting.has(code) ? message.replace(/(: |"| [%@`]).*$/s, '') : message}`
}

function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutNulls(each)]))
}
