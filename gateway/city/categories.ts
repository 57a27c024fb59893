import { z } from 'zod'
import { lexiconOf, readWordTables, type WordTables } from './category-lexicon.ts'
import { categoryKind, id, integer, optionalText, text } from './cells.ts'
import type { Category, CategoryScheme } from './city.ts'
import type { CityReader, Source } from './reader.ts'

const schemeColumns = z.object({
  id: id(),
  title: text(),
  /** Digits of a category's code: 4 in the CJ/T 214 edition, 5 in GB/T 47678.5. */
  codeDigits: integer(2, 12),
  /** Digits of a component's id: 16 and 17. */
  componentDigits: integer(2, 32),
  /** Where the tables come from, and how far they may be trusted. */
  source: text(),
})

const categoryColumns = z.object({
  scheme: text(),
  kind: categoryKind(),
  code: z.string().regex(/^[0-9]+$/, 'must be digits'),
  zh: text(),
  en: text(),
  majorCode: z.string().regex(/^[0-9]+$/, 'must be digits'),
  majorZh: text(),
  majorEn: text(),
  source: text(),
  basis: text(),
})

const reference = { scheme: text(), kind: categoryKind(), code: text() }
const emergencyColumns = z.object({ ...reference, because: optionalText() })

export interface Scheme extends CategoryScheme {
  readonly codeDigits: number
  readonly componentDigits: number
}

/** Schemes by id, with the city's own words and emergency flags. */
export function readSchemes(reader: CityReader): Map<string, Scheme> {
  const schemeRows = reader.rows('category-schemes', schemeColumns)
  for (const row of schemeRows) reader.define('category-schemes', row.value.id, row)
  const categories = readCategories(reader, new Map(schemeRows.map((row) => [row.value.id, row.value])))
  const tables = readWordTables(reader, (row, category) => referCategory(reader, row, category))
  const words = wordsByCategory(tables)
  const emergencies = readEmergencies(reader)
  return new Map(
    schemeRows.map(({ value: { id: schemeId, title, codeDigits, componentDigits } }) => {
      const own = (categories.get(schemeId) ?? []).map((category) => {
        const key = keyOf(schemeId, category.kind, category.code)
        return Object.freeze({ ...category, words: words.get(key) ?? [], emergency: emergencies.has(key) })
      })
      const byCode = finderOf(own)
      const lexicon = lexiconOf(tables, schemeId, byCode)
      return [schemeId, { id: schemeId, title, codeDigits, componentDigits, categories: own, lexicon, byCode }]
    }),
  )
}

/** Made out here: a function that `readSchemes` made would keep its reader, and so every row of the city, for good. */
function finderOf(categories: readonly Category[]): Scheme['byCode'] {
  const byKey = new Map(categories.map((category) => [`${category.kind} ${category.code}`, category]))
  return (kind, code) => byKey.get(`${kind} ${code}`) ?? null
}

/** Says so when there is no such category. */
export function referCategory(
  reader: CityReader,
  where: Source,
  category: { readonly scheme: string; readonly kind: string; readonly code: string },
): boolean {
  return (
    reader.refer('category-schemes', category.scheme, where, 'column scheme') &&
    reader.refer('categories', keyOf(category.scheme, category.kind, category.code), where, 'column code')
  )
}

type Bare = Omit<Category, 'words' | 'emergency'>

function readCategories(reader: CityReader, schemes: ReadonlyMap<string, z.output<typeof schemeColumns>>) {
  const categories = new Map<string, Bare[]>()
  for (const row of reader.rows('categories', categoryColumns)) {
    const { scheme, kind, code, zh, en, majorCode, majorZh } = row.value
    if (!reader.define('categories', keyOf(scheme, kind, code), row)) continue
    reader.refer('category-schemes', scheme, row, 'column scheme')
    const codeDigits = schemes.get(scheme)?.codeDigits ?? code.length
    if (code.length !== codeDigits) reader.problem(row, `column code: must be ${codeDigits} digits in ${scheme}`)
    if (!code.startsWith(majorCode))
      reader.problem(row, `column majorCode: ${majorCode} does not begin the code ${code}`)
    const own = categories.get(scheme) ?? []
    categories.set(scheme, own)
    own.push({ kind, code, zh, en, majorCode, majorZh })
  }
  return categories
}

/** What people call a category: names of the thing and whole phrases, for collectors who write a category in words. */
function wordsByCategory({ words, concepts }: WordTables): Map<string, string[]> {
  const byCategory = new Map<string, string[]>()
  for (const row of words) {
    if (row.role !== 'object' && row.role !== 'phrase') continue
    for (const { scheme, kind, code } of concepts.get(row.concept) ?? []) {
      const key = keyOf(scheme, kind, code)
      const own = byCategory.get(key)
      if (own === undefined) byCategory.set(key, [...row.words])
      else own.push(...row.words)
    }
  }
  return byCategory
}

function readEmergencies(reader: CityReader): Set<string> {
  const flagged = new Set<string>()
  for (const row of reader.rows('emergency-categories', emergencyColumns)) {
    const key = keyOf(row.value.scheme, row.value.kind, row.value.code)
    if (reader.define('emergency-categories', key, row)) referCategory(reader, row, row.value)
    flagged.add(key)
  }
  return flagged
}

/** Codes are unique by kind: 0101 is a manhole cover and an unauthorised building. */
function keyOf(scheme: string, kind: string, code: string): string {
  return `${scheme} ${kind} ${code}`
}
