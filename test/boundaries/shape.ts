import type { Sources } from './imports.ts'

const mostLines = 400
const emptyWords = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'service', 'base'])

/** Files that have grown too long, and names that say nothing. */
export function shapeProblems(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const lines = text.trimEnd().split('\n').length
    const problems: string[] = []
    if (/^(adapters|gateway|simulators)\//.test(path) && lines > mostLines)
      problems.push(`${path} has ${lines} lines; split it by subject`)
    const empty = path
      .replace(/\.[a-z.]+$/, '')
      .split(/[/.-]/)
      .find((word) => emptyWords.has(word))
    if (empty !== undefined) problems.push(`${path}: the name "${empty}" says nothing`)
    if (!/^[a-z0-9-]+(\.[a-z0-9]+)*$/.test(path.slice(path.lastIndexOf('/') + 1)))
      problems.push(`${path} is not kebab-case`)
    return problems
  })
}

/** What a protocol needs besides its folder; `kinds` and `example` are the list and the example configuration as text. */
export function protocolProblems(paths: readonly string[], kinds: string, exampleKinds: readonly string[]): string[] {
  const protocols = new Set(paths.flatMap((path) => /^adapters\/([^/]+)\//.exec(path)?.[1] ?? []))
  return [...protocols].flatMap((protocol) => {
    const wanted: readonly (readonly [string, boolean])[] = [
      [`a simulator simulators/${protocol}*`, paths.some((path) => path.startsWith(`simulators/${protocol}`))],
      [
        `a test test/${protocol}*.test.ts`,
        paths.some((path) => path.startsWith(`test/${protocol}`) && path.endsWith('.test.ts')),
      ],
      [`cases in test/cases/${protocol}/`, paths.some((path) => path.startsWith(`test/cases/${protocol}/`))],
      ['a line in gateway/adapter-kinds.ts', kinds.includes(`'../adapters/${protocol}/`)],
      [
        'a block in config/example.yaml',
        exampleKinds.some((kind) => kind === protocol || kind.startsWith(`${protocol}-`)),
      ],
    ]
    return wanted.filter(([, there]) => !there).map(([what]) => `adapters/${protocol} has not ${what}`)
  })
}

// tap's own t.setTimeout sets a limit.
const timer = /(?<!\.)\bsetTimeout\(|\bsleep\(|\bwait\(|\bdelay\(/
const loop = /\b(for|while|do)\b[^\n]*[({]/
const limit = /deadline|attempt/i

/** A timer in a test stands in a loop that looks for a condition until a deadline; any other is a sleep. */
export function sleepProblems(sources: Sources, allowed: Readonly<Record<string, string>>): string[] {
  return [...sources].flatMap(([path, text]) => {
    if (!path.startsWith('test/') || path in allowed) return []
    const lines = text.split('\n')
    return lines.flatMap((line, i) => {
      if (!timer.test(line)) return []
      const before = lines.slice(Math.max(0, i - 10), i).join('\n')
      return loop.test(before) && limit.test(before)
        ? []
        : [`${path}:${i + 1} sleeps: wait for a named condition with a deadline`]
    })
  })
}
