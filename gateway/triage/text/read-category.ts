import type { CategoryReading } from '../../case-intent.ts'
import type { City } from '../../city/city.ts'

export function readCategory(
  _city: City,
  _text: string,
  _schemeId?: string,
): CategoryReading & { readonly steps: readonly string[] } {
  return { candidates: [], certain: false, steps: [] }
}
