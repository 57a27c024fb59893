/** A word found in a text: units `from` to `to`, and whatever the words were entered with. */
export interface Found<W> {
  readonly from: number
  readonly to: number
  readonly word: W
}

interface Node<W> {
  readonly next: Map<number, Node<W>>
  word: W | null
}

/** Words by their units. */
export class WordTrie<W> {
  readonly #root: Node<W> = { next: new Map(), word: null }

  /** The entry of a word, made where it is new. */
  entry(units: readonly number[], make: () => W): W {
    let node = this.#root
    for (const unit of units) {
      let next = node.next.get(unit)
      if (next === undefined) {
        next = { next: new Map(), word: null }
        node.next.set(unit, next)
      }
      node = next
    }
    node.word ??= make()
    return node.word
  }

  /** Every word that begins at `from`, shortest first. */
  at(units: ArrayLike<number>, from: number, each: (word: W, to: number) => void): void {
    let node = this.#root
    for (let at = from; at < units.length; at++) {
      const next = node.next.get(units[at] ?? -1)
      if (next === undefined) return
      node = next
      if (node.word !== null) each(node.word, at + 1)
    }
  }
}

/**
 * The words of a text that do not overlap, chosen so that the sum of their squared lengths is greatest: the longest match,
 * also where the longest from the left would spoil a longer one behind it (`自来水｜管道` beside `水管道堵塞`).
 */
export function segment<W>(
  length: number,
  wordsAt: (from: number, each: (word: W, to: number, weight: number) => void) => void,
): Found<W>[] {
  const best = new Float64Array(length + 1)
  const chosen: (Found<W> | null)[] = new Array(length).fill(null)
  for (let from = length - 1; from >= 0; from--) {
    best[from] = best[from + 1] ?? 0
    wordsAt(from, (word, to, weight) => {
      const sum = (to - from) ** 2 * weight + (best[to] ?? 0)
      if (sum < (best[from] ?? 0)) return
      best[from] = sum
      chosen[from] = { from, to, word }
    })
  }
  const found: Found<W>[] = []
  for (let at = 0; at < length; ) {
    const word = chosen[at] ?? null
    if (word !== null) found.push(word)
    at = word?.to ?? at + 1
  }
  return found
}
