import type { CategoryScheme } from '../city/city.ts'
import { quote } from '../errors.ts'
import { indexOf, type NamedCategory, plain } from './category-index.ts'
import { type CategoryKind, type CategoryQuestion, type Opinion, opinion, refusal } from './category-opinion.ts'
import { readText } from './text/read-category.ts'

const mostOpinions = 6

/** A name exactly; else names inside the words; else what they surely mean; else the one name that they are most of. */
export function byWords(scheme: CategoryScheme, { claim, kind }: CategoryQuestion): Opinion[] {
  const said = claim?.words ?? null
  if (said === null) return []
  const words = plain(said)
  if (words === '') return []
  const exact = (indexOf(scheme).names.get(words) ?? []).filter((one) => kind === null || one.kind === kind)
  if (exact.length > 0) return exact.map((one) => opinion(one, exact.length === 1 ? 0.95 : 0.5, `words ${quote(said)}`))
  const inside = containedIn(words, scheme, kind, 0.75)
  if (inside.length > 0) return inside
  const meant = byReading(scheme, said, kind)
  if (meant.certain) return meant.opinions.map((one, index) => (index === 0 ? { ...one, confidence: 0.7 } : one))
  const wider = words.length < 2 ? [] : namesFor(scheme, kind).filter(({ name }) => name.includes(words))
  if (wider.length === 0) return [refusal(null, `${scheme.id} has nothing like ${quote(said)}`)]
  return wider.slice(0, mostOpinions).map(({ name, category }) => {
    const most = wider.length === 1 && words.length >= 3 && words.length * 2 >= name.length
    return opinion(category, most ? 0.65 : 0.3, `${quote(said)} in ${name}`)
  })
}

/** What a collector writes beside a form says what it may be, and decides nothing: the form has a field for that. */
export function byText(scheme: CategoryScheme, { text, kind }: CategoryQuestion): Opinion[] {
  return text === null ? [] : byReading(scheme, text, kind).opinions
}

function byReading(scheme: CategoryScheme, words: string, kind: CategoryKind | null) {
  const { candidates, certain } = readText(scheme, words)
  const opinions = candidates.flatMap((one) => {
    const category = kind === null || one.kind === kind ? scheme.byCode(one.kind, one.code) : null
    return category === null ? [] : [opinion(category, Math.round(one.confidence * 50) / 100, one.because)]
  })
  return { opinions, certain: certain && opinions[0]?.code === candidates[0]?.code }
}

function namesFor(scheme: CategoryScheme, kind: CategoryKind | null): NamedCategory[] {
  return indexOf(scheme).contained.filter(({ category, thing }) => (kind === null ? !thing : category.kind === kind))
}

/**
 * The names that a text contains. The longest is taken for what is meant, unless another of its kind stands elsewhere in
 * the text; one of the other kind is likely a landmark, as in "refuse beside the street lamp".
 */
function containedIn(words: string, scheme: CategoryScheme, kind: CategoryKind | null, sure: number): Opinion[] {
  const inside = namesFor(scheme, kind).filter(({ name }) => words.includes(name))
  const [longest] = inside
  if (longest === undefined) return []
  const elsewhere = words.replaceAll(longest.name, '\n')
  const rivals = inside.filter(
    ({ name, category }) =>
      category !== longest.category && (name.length === longest.name.length || elsewhere.includes(name)),
  )
  const torn = rivals.some(
    ({ name, category }) => category.kind === longest.category.kind || name.length === longest.name.length,
  )
  const confidence = torn ? sure / 2 : rivals.length > 0 ? sure * 0.85 : sure
  return inside.slice(0, mostOpinions).map((one) => {
    const share = one.name.length / longest.name.length
    const own = one.category === longest.category ? confidence : (sure / 2) * share
    return opinion(one.category, Math.round(own * 100) / 100, `contains ${quote(one.name)}`)
  })
}
