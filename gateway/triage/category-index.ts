import type { Category, CategoryScheme } from '../city/city.ts'

/** A scheme prepared for looking up words: names and city words in the form `plain` gives them. */
export interface CategoryIndex {
  readonly names: ReadonlyMap<string, readonly Category[]>
  /** Names of the scheme, without the city's words for them, long enough to be found inside longer words, longest first. */
  readonly contained: readonly NamedCategory[]
  /** Lengths of the codes: 4 in one edition, 5 in the next. */
  readonly codeLengths: readonly number[]
}

export interface NamedCategory {
  readonly name: string
  readonly category: Category
  /** Only the name of the thing that the event is about: it counts where an event is known to be meant. */
  readonly thing: boolean
}

const indexes = new WeakMap<CategoryScheme, CategoryIndex>()

export function indexOf(scheme: CategoryScheme): CategoryIndex {
  let index = indexes.get(scheme)
  if (index === undefined) {
    index = build(scheme)
    indexes.set(scheme, index)
  }
  return index
}

/** Words as they are compared: full width made half, small letters, nothing but letters and digits. */
export function plain(words: string): string {
  return words
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
}

/** A code or identifier as people type it: full-width digits, spaces and hyphens between its parts. */
export function plainCode(code: string): string {
  return code.normalize('NFKC').replace(/[\s\-_.·]+/g, '')
}

function build({ categories }: CategoryScheme): CategoryIndex {
  const names = new Map<string, Category[]>()
  const own = new Set<string>()
  const lengths = new Set<number>()
  for (const category of categories) {
    lengths.add(category.code.length)
    for (const name of [category.zh, category.en]) own.add(plain(name))
    for (const words of new Set([category.zh, category.en, ...category.words].map(plain))) {
      if (words === '') continue
      const same = names.get(words)
      if (same === undefined) names.set(words, [category])
      else same.push(category)
    }
  }
  const contained = [...names.entries()]
    .filter(([name]) => own.has(name) && name.length >= 2 && !name.startsWith('其他') && name !== 'other')
    .flatMap(([name, same]) => same.flatMap((category) => namesOf(name, category)))
    .sort((a, b) => b.name.length - a.name.length)
  return { names, contained, codeLengths: [...lengths].sort((a, b) => b - a) }
}

/** The 2026 edition has an event for each component, named after it: 路灯异常. People say 路灯 and what ails it. */
function namesOf(name: string, category: Category): NamedCategory[] {
  const whole = { name, category, thing: false }
  if (category.kind !== 'event' || !name.endsWith('异常') || name.length < 4) return [whole]
  return [whole, { name: name.slice(0, -2), category, thing: true }]
}
