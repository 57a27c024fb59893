import type { CategoryScheme } from '../city/city.ts'
import { quote } from '../errors.ts'
import { indexOf, plainCode } from './category-index.ts'
import { type CategoryKind, type CategoryQuestion, type Opinion, opinion, refusal } from './category-opinion.ts'

/** A bare code, or the identifier it is part of: division 6 + code for an event, and a sequence of 6 for a component. */
export function byCode(scheme: CategoryScheme, { claim, kind }: CategoryQuestion): Opinion[] {
  const said = claim?.code ?? null
  if (said === null || said.trim() === '') return []
  const code = plainCode(said)
  const kinds: readonly CategoryKind[] = kind === null ? ['component', 'event'] : [kind]
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

function partsOf(
  code: string,
  scheme: CategoryScheme,
): { readonly code: string; readonly kind: CategoryKind | null }[] {
  const parts: { code: string; kind: CategoryKind | null }[] = [{ code, kind: null }]
  if (!/^\d+$/.test(code)) return parts
  for (const length of indexOf(scheme).codeLengths) {
    if (code.length === 6 + length) parts.push({ code: code.slice(6), kind: 'event' })
    if (code.length === 12 + length) parts.push({ code: code.slice(6, 6 + length), kind: 'component' })
  }
  return parts
}

export function byCensus(scheme: CategoryScheme, { component, kind }: CategoryQuestion): Opinion[] {
  if (component === null || component.scheme !== scheme.id || kind === 'event') return []
  const category = scheme.byCode('component', component.categoryCode)
  return category === null ? [] : [opinion(category, 1, `component ${component.id} in the census`)]
}

/** The id of a component that the census does not have still says what it is, by the digits in its middle. */
export function byComponentId(scheme: CategoryScheme, { component, componentId, kind }: CategoryQuestion): Opinion[] {
  if (component !== null || componentId === null || kind === 'event') return []
  const part = partsOf(plainCode(componentId), scheme).find((one) => one.kind === 'component')
  const category = part === undefined ? null : scheme.byCode('component', part.code)
  return category === null ? [] : [opinion(category, 0.8, `digits of component ${quote(componentId)}`)]
}
