/** One thing wrong with a city's folder. */
export interface Problem {
  /** Name of the file inside the city's folder. */
  readonly file: string
  /** Line the mistake is on, counted from 1; `null` when it concerns the file as a whole. */
  readonly line: number | null
  readonly message: string
}

/** Everything found wrong so far: a city is read to its end, so that one report names all there is to mend. */
export class ProblemList {
  readonly #problems: Problem[] = []

  add(file: string, line: number | null, message: string): void {
    this.#problems.push({ file, line, message })
  }

  get none(): boolean {
    return this.#problems.length === 0
  }

  /** By file and line, so that somebody can walk through a file from top to bottom. */
  sorted(): Problem[] {
    const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
    return this.#problems.toSorted((a, b) => byText(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0))
  }
}

/** One line a problem, `file:line: message`; beyond `limit` only their number. */
export function formatProblems(problems: readonly Problem[], limit = Number.POSITIVE_INFINITY): string {
  const lines = problems.slice(0, limit).map((p) => `${p.line === null ? p.file : `${p.file}:${p.line}`}: ${p.message}`)
  if (problems.length > limit) lines.push(`… and ${problems.length - limit} more`)
  return lines.join('\n')
}
