import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { CategoryReading, PlaceReading } from '../gateway/case-intent.ts'
import { packageRoot } from '../gateway/package-root.ts'

/** The labelled messages of test/citizens/, and what counts as right; its README.md says both in words. */

const labelSchema = z.strictObject({
  id: z.string(),
  text: z.string().min(1),
  kind: z.enum(['component', 'event']).nullable(),
  codes: z.array(z.string()),
  /** `event 0102`: acceptable categories of the other kind. */
  alsoCodes: z.array(z.string()).default([]),
  gbt: z.array(z.string()),
  grid: z.string().nullable(),
  grids: z.array(z.string()),
  place: z.string().nullable(),
  area: z.boolean().default(false),
  /** Several places of that name, and the text does not say which: any is right, none is certain. */
  ambiguous: z.boolean().default(false),
  toleranceM: z.number().nullable(),
  notes: z.string(),
})

export type Label = z.output<typeof labelSchema>
export type Half = 'tune' | 'report'

/** `fresh`: by other hands, harder on purpose, and of categories alone; nobody has tuned on it either. */
export function readLabels(half: Half | 'fresh'): Label[] {
  const lines = readFileSync(join(packageRoot, `test/citizens/${half}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map((line) => labelSchema.parse(JSON.parse(line)))
}

/** Acceptable categories as `kind code`, the best first. */
export function acceptable(label: Label, scheme: string): string[] {
  if (scheme === 'gbt47678_5_2026') return label.gbt
  return [...label.codes.map((code) => `${label.kind} ${code}`), ...label.alsoCodes]
}

export function categoryIsRight(label: Label, scheme: string, { candidates, certain }: CategoryReading): boolean {
  const right = acceptable(label, scheme)
  const first = candidates[0]
  if (right.length === 0) return !certain
  return first !== undefined && right.includes(`${first.kind} ${first.code}`)
}

export function placeIsRight(label: Label, { candidates, certain }: PlaceReading): boolean {
  const first = candidates[0]
  if (label.place === null) return !certain
  if (first === undefined) return false
  if (first.grid !== null) return label.grids.includes(first.grid)
  return label.area && first.name.startsWith(label.place)
}

/** Given as certain, and not right. */
export function placeMisleads(label: Label, reading: PlaceReading): boolean {
  return reading.certain && (label.ambiguous || !placeIsRight(label, reading))
}
