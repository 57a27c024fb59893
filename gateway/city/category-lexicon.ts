import { z } from 'zod'
import { categoryKind, integer, text } from './cells.ts'
import type { Category, CategoryLexicon, LexiconRow, WordRole } from './city.ts'
import type { CityReader, Row } from './reader.ts'

const roles = [
  'object',
  'topic',
  'fault',
  'trouble',
  'phrase',
  'hint',
  'example',
  'part',
  'pair',
  'compound',
  'aside',
  'settled',
  'inquiry',
  'advert',
] as const satisfies readonly WordRole[]

/** Roles of whole sentences: their words mean no category, so they belong to no concept. */
const withoutConcept: ReadonlySet<WordRole> = new Set(['aside', 'settled', 'inquiry', 'advert'])
/** Roles that speak of concepts by name. */
const ofTwo: ReadonlySet<WordRole> = new Set(['pair', 'compound'])

const conceptColumns = z.object({
  concept: text(),
  scheme: text(),
  kind: categoryKind(),
  code: text(),
  /** How likely this category is meant where people name the concept, beside the others of the scheme. */
  share: integer(1, 100),
})

const wordColumns = z.object({
  concept: z.string(),
  role: z.enum(roles, `must be one of ${roles.join(', ')}`),
  words: text(),
})

export interface ConceptRow {
  readonly scheme: string
  readonly kind: Category['kind']
  readonly code: string
  readonly share: number
}

/** The city's words and what they stand for in each scheme; a concept without categories only helps to tell others apart. */
export interface WordTables {
  readonly words: readonly LexiconRow[]
  readonly concepts: ReadonlyMap<string, readonly ConceptRow[]>
}

export function readWordTables(
  reader: CityReader,
  refer: (row: Row<ConceptRow>, category: ConceptRow) => boolean,
): WordTables {
  const concepts = new Map<string, ConceptRow[]>()
  for (const row of reader.rows('category-concepts', conceptColumns)) {
    const { concept, ...category } = row.value
    const key = `${concept} ${category.scheme} ${category.kind} ${category.code}`
    if (!reader.define('category-concepts', key, row) || !refer(row, category)) continue
    const same = concepts.get(concept)
    if (same === undefined) concepts.set(concept, [category])
    else same.push(category)
  }
  const rows = reader.rows('category-words', wordColumns)
  const named = new Set([...concepts.keys(), ...rows.filter(({ value }) => !ofTwo.has(value.role)).map(conceptOf)])
  return { words: rows.flatMap((row) => readRow(reader, row, named)), concepts }
}

function conceptOf({ value }: Row<z.output<typeof wordColumns>>): string {
  return value.concept
}

function readRow(reader: CityReader, row: Row<z.output<typeof wordColumns>>, named: ReadonlySet<string>): LexiconRow[] {
  const { concept, role, words: cell } = row.value
  if (withoutConcept.has(role) !== (concept === '')) {
    const must = concept === '' ? 'names what the words stand for, with the role' : 'must be empty with the role'
    reader.problem(row, `column concept: ${must} ${role}`)
    return []
  }
  const words = cell.split(' ').filter((word) => word !== '')
  for (const word of words) {
    reader.define('category-words', `${concept === '' ? role : `${concept} ${role}`} ${word}`, row)
    if (!ofTwo.has(role)) continue
    const parts = word.split('+')
    if (parts.length !== 2) reader.problem(row, `column words: ${word} must be two concepts with a + between them`)
    for (const part of parts) {
      if (!named.has(part)) reader.problem(row, `column words: ${part} of ${word} is no concept of these tables`)
    }
  }
  return [{ concept, role, words }]
}

/** The tables as one scheme has them, with its categories in the place of codes. */
export function lexiconOf(
  tables: WordTables,
  scheme: string,
  byCode: (kind: Category['kind'], code: string) => Category | null,
): CategoryLexicon {
  const concepts = new Map<string, { category: Category; share: number }[]>()
  for (const [concept, rows] of tables.concepts) {
    const own = rows.flatMap((row) => {
      const category = row.scheme === scheme ? byCode(row.kind, row.code) : null
      return category === null ? [] : [{ category, share: row.share }]
    })
    if (own.length > 0)
      concepts.set(
        concept,
        own.sort((a, b) => b.share - a.share),
      )
  }
  return { words: tables.words, concepts }
}
