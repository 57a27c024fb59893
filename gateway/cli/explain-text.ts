import { createInterface } from 'node:readline'
import type { City } from '../city/city.ts'
import { understandText } from '../triage/text/understand-text.ts'

/** Each step with its findings, for reading. */
export function explainText(city: City, text: string, scheme: string): string {
  return understandText(city, text, scheme)
    .steps.map(({ title, lines }) => `# ${title}\n${lines.join('\n')}\n`)
    .join('\n')
}

export interface ExplainedLine {
  /** One JSON object, without its line end. */
  readonly line: string
  /** False: the line held no text, and `line` has an `error`. */
  readonly read: boolean
}

/** A line each for every line of the input, in order, as they come; other keys of a line are passed through. */
export async function* explainLines(
  city: City,
  input: NodeJS.ReadableStream,
  scheme: string,
): AsyncGenerator<ExplainedLine> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    yield explainLine(city, line, scheme)
  }
}

function explainLine(city: City, line: string, scheme: string): ExplainedLine {
  const given = parsed(line)
  if (given === null) return { line: JSON.stringify({ error: 'the line is not a JSON object' }), read: false }
  const { text } = given
  if (typeof text !== 'string') return { line: JSON.stringify({ ...given, error: 'there is no text' }), read: false }
  const { category, place } = understandText(city, text, scheme)
  const candidates = category.candidates.map(({ kind, code, zh, confidence, because }) => {
    return { kind, code, name: zh, confidence, because }
  })
  const read = {
    ...given,
    category: { candidates, certain: category.certain },
    place: { candidates: place.candidates, certain: place.certain },
  }
  return { line: JSON.stringify(read), read: true }
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
