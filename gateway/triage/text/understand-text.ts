import type { CategoryReading, PlaceReading } from '../../case-intent.ts'
import type { City } from '../../city/city.ts'

export interface TextUnderstanding {
  readonly grammar: { readonly name: string | null; readonly address: string; readonly content: string } | null
  readonly category: CategoryReading
  readonly place: PlaceReading
}

export function understandText(_city: City, _text: string, _schemeId?: string): TextUnderstanding {
  return {
    grammar: null,
    category: { candidates: [], certain: false },
    place: { candidates: [], certain: false },
  }
}
