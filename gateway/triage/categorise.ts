import type { CategoryCandidate, CategoryFinding } from '../case-intent.ts'
import type { Category, City } from '../city/city.ts'
import { quote } from '../errors.ts'
import { byCensus, byCode, byComponentId } from './category-codes.ts'
import { type CategoryQuestion, type Opinion, refusal, sureFrom } from './category-opinion.ts'
import { byText, byWords } from './category-words.ts'

export interface Categorised {
  readonly finding: CategoryFinding
  /** `null` when unsure. */
  readonly category: Category | null
}

const mostCandidates = 6
export const unclassified = '未分类'

/** In order: the first way that is sure decides; what the others say stands among the candidates. */
const ways = [byCode, byCensus, byComponentId, byWords, byText] as const

/**
 * A category by its scheme and edition, from whatever the sender gave. When unsure it is 未分类 with what it may be, and
 * why; a category is never invented.
 */
export function categorise(city: City, question: CategoryQuestion): Categorised {
  const { claim, component } = question
  const stated = claim?.scheme ?? null
  const claimed = stated === null ? null : city.scheme(stated)
  // Codes of an unknown edition are never looked up in another one: the same number means something else there.
  const unknown = stated !== null && claimed === null
  const schemeId = claimed?.id ?? (claim?.code == null && component !== null ? component.scheme : city.defaultScheme)
  const scheme = claimed ?? city.scheme(schemeId)
  if (scheme === null)
    return unsure(question, schemeId, [refusal(claim?.code, `the city has no scheme ${quote(schemeId)}`)])

  const opinions = unknown ? [refusal(claim?.code, `the city has no scheme ${quote(stated)}`)] : []
  for (const way of ways) if (!(unknown && way === byCode)) opinions.push(...way(scheme, question))
  const best = decide(opinions, claimed !== null)
  if (best === null) return unsure(question, unknown ? (stated ?? scheme.id) : scheme.id, opinions)
  const { category, confidence } = best
  const finding = {
    scheme: scheme.id,
    kind: category.kind,
    code: category.code,
    zh: category.zh,
    confidence,
    candidates: candidatesOf([best, ...opinions]),
  }
  return { finding, category }
}

function decide(opinions: readonly Opinion[], schemeStated: boolean): (Opinion & { category: Category }) | null {
  const best = opinions.find(isSure) ?? null
  if (best === null) return null
  const other = opinions.find((one) => isSure(one) && one.category !== best.category)
  if (other === undefined) return best
  // A bare number beside words that name something else is most likely a number of another edition.
  return schemeStated ? { ...best, confidence: Math.min(best.confidence, 0.8) } : null
}

function isSure(opinion: Opinion): opinion is Opinion & { category: Category } {
  return opinion.category !== null && opinion.confidence >= sureFrom
}

function unsure({ kind, componentId }: CategoryQuestion, scheme: string, opinions: readonly Opinion[]): Categorised {
  const guess = opinions.find(({ category }) => category !== null)?.category?.kind
  const finding = {
    scheme,
    kind: kind ?? (componentId === null ? (guess ?? 'event') : 'component'),
    code: null,
    zh: unclassified,
    confidence: 0,
    candidates: candidatesOf(opinions),
  } as const
  return { finding, category: null }
}

function candidatesOf(opinions: readonly Opinion[]): CategoryCandidate[] {
  const seen = new Set<Category>()
  const candidates: CategoryCandidate[] = []
  for (const { category, code, confidence, because } of [...opinions].sort((a, b) => b.confidence - a.confidence)) {
    if (category !== null && seen.has(category)) continue
    if (category !== null) seen.add(category)
    candidates.push({ code, zh: category?.zh ?? unclassified, confidence, because })
  }
  return candidates.slice(0, mostCandidates)
}
