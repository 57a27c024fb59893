import { stringify } from 'yaml'
import type { Outcome } from './file.ts'

/** Of one file or of all: how many points passed, failed and were skipped. A file that fails as a whole is one more failed. */
export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export function countOf({ points, faults }: Pick<Outcome, 'points' | 'faults'>): Count {
  const of = (wanted: string) => points.filter(({ outcome }) => outcome === wanted).length
  return { passed: of('passed'), failed: of('failed') + (faults.length > 0 ? 1 : 0), skipped: of('skipped') }
}

/** `✓ relay-parts  12 passed  0.8 s`, and under it all that is known of a failure. */
export function sayFile(name: string, outcome: Outcome): string {
  const { passed, failed, skipped } = countOf(outcome)
  const counts = [`${passed} passed`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (skipped > 0) counts.push(`${skipped} skipped`)
  const line = `${failed === 0 ? '✓' : '✗'} ${name}  ${counts.join(', ')}  ${outcome.seconds.toFixed(1)} s`
  return failed === 0 ? line : [line, ...failures(outcome).map((text) => indent(text))].join('\n')
}

function failures({ points, faults, said }: Outcome): string[] {
  const failed = points.filter(({ outcome }) => outcome === 'failed')
  return [
    ...faults.map((fault) => `the file ${fault}`.replace('the file no plan', 'the file ended before its plan')),
    ...failed.map(
      ({ name, detail }) =>
        `✗ ${name}${detail ? `\n${indent(firstLines(stringify(own(detail), { lineWidth: 0 }), 120))}` : ''}`,
    ),
    ...(said.trim() === '' ? [] : [`it said:\n${indent(lastLines(said.trimEnd(), 200))}`]),
  ]
}

/** Without the lines of the stack that are the test library's. */
function own(detail: unknown): unknown {
  const { stack } = detail as { readonly stack?: unknown }
  if (typeof stack !== 'string') return detail
  const lines = stack.split('\n').filter((line) => !line.includes('node_modules/'))
  return { ...(detail as object), stack: lines.join('\n') }
}

/** The skipped tests by name, each with its reason, so that nobody takes a test that did not run for one that passed. */
export function saySkipped(outcomes: readonly (readonly [name: string, outcome: Outcome])[]): string {
  return outcomes
    .flatMap(([name, { points }]) =>
      points
        .filter(({ outcome }) => outcome === 'skipped')
        .map((point) => `- ${name}: ${point.name} (skipped: ${String(point.detail)})`),
    )
    .join('\n')
}

/** The last line: `12 passed, 0 failed, 1 skipped`. */
export function sayTotal(outcomes: readonly Outcome[]): string {
  const counts = outcomes.map(countOf)
  const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0)
  const skipped = sum('skipped')
  return `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

const indent = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, '    ')

function firstLines(text: string, most: number): string {
  const lines = text.trimEnd().split('\n')
  return lines.length <= most ? text : [...lines.slice(0, most), `(${lines.length - most} lines more)`].join('\n')
}

function lastLines(text: string, most: number): string {
  const lines = text.split('\n')
  return lines.length <= most ? text : [`(${lines.length - most} lines before)`, ...lines.slice(-most)].join('\n')
}
