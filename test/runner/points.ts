import { Parser, type Result } from 'tap-parser'

/** One assertion, or one skipped test, with the tests it stands in: `a link is cut > is opened again > listens`. */
export interface Point {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped, or what the assertion saw. */
  readonly detail: unknown
}

/** Reads TAP as it arrives. */
export interface TapReader {
  write(chunk: string): void
  end(): {
    readonly points: readonly Point[]
    /** What is wrong with the output as such: no plan, a point outside the plan, a bail-out. */
    readonly faults: readonly string[]
    /** Lines that are not TAP. */
    readonly said: string
  }
}

export function readTap(): TapReader {
  const points: Point[] = []
  const faults: string[] = []
  const said: string[] = []
  const parser = new Parser()
  parser.on('extra', (text: string) => said.push(text))
  parser.on('bailout', (reason: string) => faults.push(`bailed out: ${reason}`))
  collect(parser, [], points, faults)
  return {
    write: (chunk) => void parser.write(chunk),
    end: () => {
      parser.end()
      const reason = parser.results?.plan.skipReason ?? ''
      // The parser's own words for no output at all.
      const skipped = reason !== '' && reason !== 'no tests found'
      if (points.length === 0 && skipped) points.push({ name: 'the whole file', outcome: 'skipped', detail: reason })
      else if (points.length === 0 && faults.length === 0) faults.push('ran no test')
      return { points, faults, said: said.join('') }
    },
  }
}

function collect(parser: Parser, names: readonly string[], points: Point[], faults: string[]): void {
  let failedBefore = 0
  parser.on('child', (child: Parser) => {
    failedBefore = points.filter(({ outcome }) => outcome === 'failed').length
    collect(child, [...names, child.name], points, faults)
  })
  parser.on('assert', (result: Result) => {
    // The point that closes a subtest repeats what is inside it, unless the subtest failed as a whole (a time-out).
    if (result.closingTestPoint) {
      const failed = points.filter(({ outcome }) => outcome === 'failed').length
      if (result.ok || failed > failedBefore) return
    }
    points.push(pointOf(result, names))
  })
  parser.on('complete', ({ failures }: { failures: readonly { readonly tapError?: unknown }[] }) => {
    for (const { tapError } of failures) {
      if (typeof tapError === 'string') faults.push([...names, tapError].join(' > '))
    }
  })
}

function pointOf(result: Result, names: readonly string[]): Point {
  const name = [...names, result.name || `point ${result.id}`].join(' > ')
  const skipped = result.skip || result.todo
  if (skipped) return { name, outcome: 'skipped', detail: skipped === true ? 'no reason given' : skipped }
  return { name, outcome: result.ok ? 'passed' : 'failed', detail: result.diag }
}
