import type { Category, Component } from '../city/city.ts'
import type { CategoryClaim } from '../report.ts'

export type CategoryKind = 'component' | 'event'

export interface CategoryQuestion {
  readonly claim: CategoryClaim | null
  /** What the sender says it is about; `null` when it does not say. */
  readonly kind: CategoryKind | null
  readonly componentId: string | null
  /** That component in the census. */
  readonly component: Component | null
  /** Free text: gives candidates, never a decision. */
  readonly text: string | null
}

/** An opinion on the category; without one it is only a reason why there is none. */
export interface Opinion {
  readonly category: Category | null
  readonly code: string
  readonly confidence: number
  readonly because: string
}

/** From this confidence on an opinion may decide. */
export const sureFrom = 0.6

export function opinion(category: Category, confidence: number, because: string): Opinion {
  return { category, code: category.code, confidence, because }
}

export function refusal(code: string | null | undefined, because: string): Opinion {
  return { category: null, code: code ?? '', confidence: 0, because }
}
