import { hasRole, type Item } from './sentence.ts'

/** Somebody thanks, asks or sells: what the words name is not what is wrong. */
export function dull(items: readonly Item[]): { readonly left: number; readonly why: readonly string[] } {
  let settled: Item | null = null
  let inquiries = 0
  let adverts = 0
  for (const item of items) {
    if (item.negated) continue
    for (const { role } of item.word.senses) {
      if (role === 'settled') settled = item
      else if (role === 'inquiry') inquiries++
      else if (role === 'advert') adverts++
    }
  }
  const why: string[] = []
  let left = 1
  const mended = settled?.to ?? null
  // 上次修好的井盖又坏了: what comes after it is wrong again.
  if (mended !== null && !items.some((item) => item.from > mended && tellsTrouble(item))) {
    why.push('it is said to be mended')
    left *= 0.4
  }
  if (inquiries > 0) {
    why.push('somebody asks')
    left *= 0.7
  }
  if (adverts > 1 || (adverts === 1 && !items.some(tellsTrouble))) {
    why.push('it advertises')
    left *= 0.35
  }
  return { left, why }
}

function tellsTrouble({ word, negated }: Item): boolean {
  return !negated && (word.trouble || hasRole(word, 'phrase'))
}
