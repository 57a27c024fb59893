import type { Concept } from './category-vocabulary.ts'
import type { Item } from './sentence.ts'
import type { Suspicion } from './suspicions.ts'

/** How much likelier a suspicion is than one that scores lower by 1. */
const sharpness = 14
/** People name first what they write for. */
const later = 0.08

export interface Ranked {
  readonly suspicion: Suspicion
  readonly weight: number
}

/** One suspicion a concept, with what speaks for it besides; the likeliest first. */
export function rank(suspicions: readonly Suspicion[]): Ranked[] {
  const best = new Map<Concept, { suspicion: Suspicion; times: number; from: number }>()
  for (const suspicion of suspicions) {
    const known = best.get(suspicion.concept)
    const from = Math.min(...suspicion.items.map((item) => item.clause))
    if (known === undefined) best.set(suspicion.concept, { suspicion, times: 1, from })
    else if (suspicion.score > known.suspicion.score)
      best.set(suspicion.concept, { suspicion, times: known.times + 1, from: Math.min(from, known.from) })
    else known.times++
  }
  narrowDown(best)
  const all = [...best.values()]
  const firstClause = Math.min(...all.filter(({ suspicion }) => suspicion.score >= 0.6).map(({ from }) => from))
  const scored = all.map(({ suspicion, times, from }) => {
    const late = Number.isFinite(firstClause) ? Math.min(3, Math.max(0, from - firstClause)) * later : 0
    const value = suspicion.score + Math.min(0.04, (times - 1) * 0.01)
    return { suspicion: { ...suspicion, score: value }, weight: Math.exp(sharpness * (value - late)) }
  })
  return scored.sort((a, b) => b.weight - a.weight)
}

/** 井盖丢了，是污水井盖: who names the kind elsewhere in the text means that kind. */
function narrowDown(best: Map<Concept, { suspicion: Suspicion; times: number; from: number }>): void {
  for (const [wide, { suspicion }] of [...best]) {
    if (wide.categories.length < 3 || suspicion.score < 0.6) continue
    for (const [narrow, found] of best) {
      const [top] = narrow.categories
      if (narrow.categories.length > 2 || top === undefined || found.suspicion.items.some(isAside)) continue
      if (!wide.categories.some(({ category }) => category === top.category)) continue
      const score = Math.max(found.suspicion.score, suspicion.score + 0.08)
      best.set(narrow, { ...found, suspicion: { ...found.suspicion, score } })
    }
  }
}

function isAside({ standing, negated }: Item): boolean {
  return negated || standing === 'place' || standing === 'name' || standing === 'agent'
}
