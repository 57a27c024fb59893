import type { Concept } from './category-vocabulary.ts'

/** How much a pair of neighbouring characters speaks for each concept whose words hold it. */
type Weights = readonly { readonly concept: Concept; readonly weight: number }[]

/**
 * Words resemble each other by the pairs of characters they share: who writes `放报纸的小亭子` means the 报刊亭 that no word of
 * the table spells so. For texts in which no word decides; it names what is likeliest and is never sure.
 */
export type Resemblance = ReadonlyMap<number, Weights>

export function resemblanceOf(words: Iterable<{ readonly text: string; readonly concepts: readonly Concept[] }>): Resemblance {
  const counts = new Map<number, Map<Concept, number>>()
  const named = new Set<Concept>()
  for (const { text, concepts } of words) {
    for (const concept of concepts) {
      named.add(concept)
      for (const pair of pairsOf(text)) {
        const own = counts.get(pair) ?? new Map<Concept, number>()
        counts.set(pair, own)
        own.set(concept, (own.get(concept) ?? 0) + 1)
      }
    }
  }
  return new Map(
    [...counts].map(([pair, own]) => {
      const rarity = Math.log(1 + named.size / own.size)
      const total = [...own.values()].reduce((sum, count) => sum + count, 0)
      return [
        pair,
        [...own].map(([concept, count]) => ({ concept, weight: rarity * Math.sqrt(count / total) })),
      ] as const
    }),
  )
}

/** How much a text resembles the words of each concept, from 0 on; 10 is much. */
export function resembled(text: string, resemblance: Resemblance): Map<Concept, number> {
  const sums = new Map<Concept, number>()
  for (const pair of new Set(pairsOf(text))) {
    for (const { concept, weight } of resemblance.get(pair) ?? []) sums.set(concept, (sums.get(concept) ?? 0) + weight)
  }
  return sums
}

function pairsOf(text: string): number[] {
  const pairs: number[] = []
  for (let at = 0; at + 1 < text.length; at++) {
    const [one, other] = [text.charCodeAt(at), text.charCodeAt(at + 1)]
    if (one >= 0x4e00 && other >= 0x4e00) pairs.push(one * 0x10000 + other)
  }
  return pairs
}
