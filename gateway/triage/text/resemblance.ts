import type { Concept } from './category-vocabulary.ts'

/**
 * Words resemble each other by the pairs of characters they share: who writes `放报纸的小亭子` means the 报刊亭 that no word of
 * the table spells so. For texts in which no word decides; it names what is likeliest and is never sure.
 */
export interface Resemblance {
  readonly concepts: readonly Concept[]
  readonly indexes: ReadonlyMap<Concept, number>
  /** By pair of characters: indexes of the concepts whose words hold it, and how much it speaks for each. */
  readonly pairs: ReadonlyMap<number, { readonly indexes: Uint16Array; readonly weights: Float32Array }>
}

export function resemblanceOf(
  words: Iterable<{ readonly text: string; readonly concepts: readonly Concept[] }>,
): Resemblance {
  const counts = new Map<number, Map<number, number>>()
  const indexes = new Map<Concept, number>()
  for (const { text, concepts } of words) {
    for (const concept of concepts) {
      const index = indexes.get(concept) ?? indexes.size
      indexes.set(concept, index)
      for (const pair of pairsOf(text)) {
        const own = counts.get(pair) ?? new Map<number, number>()
        counts.set(pair, own)
        own.set(index, (own.get(index) ?? 0) + 1)
      }
    }
  }
  const pairs = new Map<number, { indexes: Uint16Array; weights: Float32Array }>()
  for (const [pair, own] of counts) {
    const rarity = Math.log(1 + indexes.size / own.size)
    const total = [...own.values()].reduce((sum, count) => sum + count, 0)
    pairs.set(pair, {
      indexes: Uint16Array.from(own.keys()),
      weights: Float32Array.from(own.values(), (count) => rarity * Math.sqrt(count / total)),
    })
  }
  return { concepts: [...indexes.keys()], indexes, pairs }
}

/** How much a text resembles the words of each concept, from 0 on; 10 is much. */
export class Alike {
  readonly #sums: Float64Array
  readonly #resemblance: Resemblance
  #most: number | null = null

  constructor(sums: Float64Array, resemblance: Resemblance) {
    this.#sums = sums
    this.#resemblance = resemblance
  }

  get(concept: Concept): number {
    const index = this.#resemblance.indexes.get(concept)
    return index === undefined ? 0 : (this.#sums[index] ?? 0)
  }

  /** The greatest of all. */
  get most(): number {
    this.#most ??= this.#sums.reduce((most, sum) => Math.max(most, sum), 0)
    return this.#most
  }
}

export function resembled(text: string, resemblance: Resemblance): Alike {
  const sums = new Float64Array(resemblance.concepts.length)
  for (const pair of new Set(pairsOf(text))) {
    const found = resemblance.pairs.get(pair)
    if (found === undefined) continue
    for (let at = 0; at < found.indexes.length; at++) {
      const index = found.indexes[at] ?? 0
      sums[index] = (sums[index] ?? 0) + (found.weights[at] ?? 0)
    }
  }
  return new Alike(sums, resemblance)
}

/** Small enough to be a key without a box: a pair of 20,992 characters each. */
function pairsOf(text: string): number[] {
  const pairs: number[] = []
  let before = -1
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at) - firstHan
    const han = unit >= 0 && unit < hans
    if (han && before >= 0) pairs.push(before * hans + unit)
    before = han ? unit : -1
  }
  return pairs
}

const firstHan = 0x4e00
const hans = 0x5200
