import type { CategoryCandidate, CategoryFinding } from '../case-intent.ts'
import type { Category, CategoryScheme, City, Component } from '../city/city.ts'
import { quote } from '../errors.ts'
import type { CategoryClaim } from '../report.ts'
import { indexOf, plain, plainCode } from './category-index.ts'

type Kind = 'component' | 'event'

export interface CategoryQuestion {
  readonly claim: CategoryClaim | null
  /** What the sender says it is about; `null` when it does not say. */
  readonly kind: Kind | null
  readonly componentId: string | null
  /** That component in the census. */
  readonly component: Component | null
  /** Free text: gives candidates, never a decision. */
  readonly text: string | null
}

export interface Categorised {
  readonly finding: CategoryFinding
  /** `null` when unsure. */
  readonly category: Category | null
}

/** An opinion on the category; without one it is only a reason why there is none. */
interface Opinion {
  readonly category: Category | null
  readonly code: string
  readonly confidence: number
  readonly because: string
}

const sureFrom = 0.6
const mostCandidates = 6
export const unclassified = '未分类'

/** In order: the first way that is sure decides; what the others say stands among the candidates. */
const ways = [byCode, byCensus, byComponentId, byWords, byText] as const

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

function opinion(category: Category, confidence: number, because: string): Opinion {
  return { category, code: category.code, confidence, because }
}

function refusal(code: string | null | undefined, because: string): Opinion {
  return { category: null, code: code ?? '', confidence: 0, because }
}

/** A bare code, or the identifier it is part of: division 6 + code for an event, and a sequence of 6 for a component. */
function byCode(scheme: CategoryScheme, { claim, kind }: CategoryQuestion): Opinion[] {
  const said = claim?.code ?? null
  if (said === null || said.trim() === '') return []
  const code = plainCode(said)
  const kinds: readonly Kind[] = kind === null ? ['component', 'event'] : [kind]
  for (const part of partsOf(code, scheme)) {
    const hits = (part.kind === null ? kinds : [part.kind]).flatMap((one) => scheme.byCode(one, part.code) ?? [])
    if (hits.length === 1) return hits.map((hit) => opinion(hit, part.code === code ? 1 : 0.95, `code ${quote(said)}`))
    if (hits.length > 1)
      return hits.map((hit) => opinion(hit, 0.5, `${quote(said)} is both a component's and an event's code`))
  }
  const otherKind = kind === null ? null : scheme.byCode(kind === 'event' ? 'component' : 'event', code)
  if (otherKind !== null)
    return [opinion(otherKind, 0.3, `${quote(said)} is a code of kind ${otherKind.kind}, and ${kind} was said`)]
  return [refusal(said, `${scheme.id} has no code ${quote(said)}`)]
}

function partsOf(code: string, scheme: CategoryScheme): { readonly code: string; readonly kind: Kind | null }[] {
  const parts: { code: string; kind: Kind | null }[] = [{ code, kind: null }]
  if (!/^\d+$/.test(code)) return parts
  for (const length of indexOf(scheme).codeLengths) {
    if (code.length === 6 + length) parts.push({ code: code.slice(6), kind: 'event' })
    if (code.length === 12 + length) parts.push({ code: code.slice(6, 6 + length), kind: 'component' })
  }
  return parts
}

function byCensus(scheme: CategoryScheme, { component, kind }: CategoryQuestion): Opinion[] {
  if (component === null || component.scheme !== scheme.id || kind === 'event') return []
  const category = scheme.byCode('component', component.categoryCode)
  return category === null ? [] : [opinion(category, 1, `component ${component.id} in the census`)]
}

/** The id of a component that the census does not have still says what it is, by the digits in its middle. */
function byComponentId(scheme: CategoryScheme, { component, componentId, kind }: CategoryQuestion): Opinion[] {
  if (component !== null || componentId === null || kind === 'event') return []
  const part = partsOf(plainCode(componentId), scheme).find((one) => one.kind === 'component')
  const category = part === undefined ? null : scheme.byCode('component', part.code)
  return category === null ? [] : [opinion(category, 0.8, `digits of component ${quote(componentId)}`)]
}

function byWords(scheme: CategoryScheme, { claim, kind }: CategoryQuestion): Opinion[] {
  const said = claim?.words ?? null
  if (said === null) return []
  const words = plain(said)
  if (words === '') return []
  const exact = (indexOf(scheme).names.get(words) ?? []).filter((one) => kind === null || one.kind === kind)
  if (exact.length > 0) return exact.map((one) => opinion(one, exact.length === 1 ? 0.95 : 0.5, `words ${quote(said)}`))
  const inside = containedIn(words, scheme, kind, 0.75)
  if (inside.length > 0) return inside
  const wider = indexOf(scheme).contained.filter(
    ({ name, category }) => words.length >= 2 && name.includes(words) && (kind === null || category.kind === kind),
  )
  if (wider.length === 0) return [refusal(null, `${scheme.id} has nothing like ${quote(said)}`)]
  return wider.slice(0, mostCandidates).map(({ name, category }) => opinion(category, 0.3, `${quote(said)} in ${name}`))
}

function byText(scheme: CategoryScheme, { text, kind }: CategoryQuestion): Opinion[] {
  return text === null ? [] : containedIn(plain(text), scheme, kind, 0.4)
}

/** The names that a text contains. The longest is taken for meant; two of the same length are both no more than likely. */
function containedIn(words: string, scheme: CategoryScheme, kind: Kind | null, confidence: number): Opinion[] {
  const inside = indexOf(scheme).contained.filter(
    ({ name, category }) => (kind === null || category.kind === kind) && words.includes(name),
  )
  const longest = inside[0]?.name.length ?? 0
  const ties = inside.filter(({ name }) => name.length === longest).length
  return inside.slice(0, mostCandidates).map(({ name, category }) => {
    const meant = name.length === longest
    const share = meant ? confidence / (ties === 1 ? 1 : 2) : confidence * (name.length / longest) * 0.5
    return opinion(category, Math.round(share * 100) / 100, `contains ${quote(name)}`)
  })
}
