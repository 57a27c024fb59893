import type { CategoryReading } from '../../case-intent.ts'
import type { Category } from '../../city/city.ts'
import { becauseOf, stepOf } from './category-reasons.ts'
import type { Concept } from './category-vocabulary.ts'
import { dull } from './mood.ts'
import type { Normalised } from './normalise.ts'
import { type Ranked, rank } from './ranking.ts'
import type { Alike } from './resemblance.ts'
import type { Item } from './sentence.ts'
import type { Suspicion } from './suspicions.ts'

export type CategorySteps = CategoryReading & { readonly steps: readonly string[] }

/** The words of a text and what they make suspect. */
export interface Evidence {
  readonly items: readonly Item[]
  readonly suspicions: readonly Suspicion[]
  readonly trust: number
}

const mostCandidates = 6
/** A suspicion this much less likely than all others together is none. */
const least = 0.005
/** Set so that fewer than 2 % of readings that are certain are wrong on messages that the words were not made for. */
const certainFrom = 0.85
const certainShare = 0.85
/** Resemblance to the concept that the words decided for, as a share of the greatest: below it they contradict each other. */
const agreesFrom = 0.9

/** Weighs the suspicions against each other; `trust`: in the words that were found, 1 for words as they are written. */
export function judge(read: Normalised, { items, suspicions, trust }: Evidence, alike: Alike): CategorySteps {
  const { left: dulling, why } = dull(items)
  /** Asked for when somebody wants them explained, which is hardly ever. */
  const reading = (candidates: CategoryReading['candidates'], certain: boolean): CategorySteps => ({
    candidates,
    certain,
    get steps() {
      return [...items.map((item) => stepOf(read, item)), ...why]
    },
  })
  const ranked = rank(suspicions)
  const [first] = ranked
  if (first === undefined) return reading([], false)
  const total = ranked.reduce((sum, { weight }) => sum + weight, 0)
  const merged = new Map<Category, { confidence: number; share: number; suspicion: Suspicion }>()
  for (const { suspicion, weight } of ranked) {
    if (weight / total < least) break
    for (const { category, share } of suspicion.concept.categories) {
      const confidence = Math.min(0.97, first.suspicion.score) * (weight / total) * share * trust * dulling
      const known = merged.get(category)
      if (known === undefined) merged.set(category, { confidence, share, suspicion })
      else merged.set(category, { ...known, confidence: known.confidence + confidence })
    }
  }
  const sorted = [...merged].sort(([, a], [, b]) => b.confidence - a.confidence).slice(0, mostCandidates)
  const candidates = sorted.map(([category, { confidence, suspicion }]) => ({
    kind: category.kind,
    code: category.code,
    zh: category.zh,
    confidence: Math.round(confidence * 100) / 100,
    because: becauseOf(read, suspicion),
  }))
  const top = sorted[0]?.[1]
  const certain =
    trust === 1 &&
    dulling === 1 &&
    top !== undefined &&
    top.confidence >= certainFrom &&
    top.share >= certainShare &&
    isClear(top.suspicion, items) &&
    (namesAtLength(top.suspicion) || agrees(top.suspicion.concept, alike, ranked))
  return reading(
    candidates.filter(({ confidence }) => confidence > 0),
    certain,
  )
}

/**
 * Short words are parts of too many others, and a thing beside the one that was chosen may be the one that was meant: then
 * the reading may be right, and is not certain.
 */
function isClear({ items: evidence, concept }: Suspicion, items: readonly Item[]): boolean {
  if (evidence.some(({ word }) => word.thing && word.text.length < 2)) return false
  const clauses = new Set(evidence.map(({ clause }) => clause))
  const [only] = evidence
  const single = evidence.length === 1 && only !== undefined
  if (single && only.word.text.length < 3) return false
  if (evidence.every(({ word }) => word.thing) && !single) return true
  const long = single && only.word.text.length > 3
  return !items.some(
    (item) =>
      item.word.thing &&
      !item.negated &&
      !evidence.includes(item) &&
      (item.standing === 'plain' || item.standing === 'agent') &&
      !long &&
      clauses.has(item.clause) &&
      item.word.senses.some((sense) => isOther(sense.concept, concept)),
  )
}

function isOther(one: Concept, chosen: Concept): boolean {
  const [category] = one.categories
  return category !== undefined && chosen.categories.every((other) => other.category !== category.category)
}

/** 污水井盖: a name as long as that resembles many others, and means none of them. */
function namesAtLength({ items }: Suspicion): boolean {
  return items.some(({ word }) => word.thing && word.text.length >= 4)
}

function agrees({ categories }: Concept, alike: Alike, ranked: readonly Ranked[]): boolean {
  const same = ranked.filter(({ suspicion }) => suspicion.concept.categories[0]?.category === categories[0]?.category)
  return Math.max(...same.map(({ suspicion }) => alike.get(suspicion.concept))) >= alike.most * agreesFrom
}
