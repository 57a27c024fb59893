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

/** A word costs its overlap when it cuts a thing's name in two: `一根电线｜杆`, `红｜灯不亮`. */
const cut = 0.45

/**
 * The words of a text that do not overlap, chosen so that they cover most of it with the longest of them: the longest match,
 * also where the longest from the left would spoil a longer one behind it. `isName`: words that others should not cut.
 */
export function segment<W>(
  length: number,
  wordsAt: (from: number, each: (word: W, to: number, weight: number) => void) => void,
  isName: (word: W) => boolean,
): Found<W>[] {
  const matches: (Found<W> & { readonly weight: number })[] = []
  /** Where the names end that reach furthest from here, and where those begin that end here. */
  const nameEnds = new Int32Array(length + 1)
  const nameStarts = new Int32Array(length + 1).fill(length)
  for (let from = 0; from < length; from++) {
    wordsAt(from, (word, to, weight) => {
      matches.push({ from, to, word, weight })
      if (!isName(word)) return
      if (to > (nameEnds[from] ?? 0)) nameEnds[from] = to
      for (let inside = from + 1; inside < to; inside++)
        if (from < (nameStarts[inside] ?? length)) nameStarts[inside] = from
    })
  }
  const best = new Float64Array(length + 1)
  const chosen: (Found<W> | null)[] = new Array(length).fill(null)
  let settled = length
  for (let index = matches.length - 1; index >= 0; index--) {
    const match = matches[index]
    if (match === undefined) continue
    const { from, to, word, weight } = match
    for (; settled > from; settled--) best[settled - 1] = Math.max(best[settled - 1] ?? 0, best[settled] ?? 0)
    const sum = (to - from) ** 1.5 * weight * (cutsName(from, to, nameEnds, nameStarts) ? cut : 1) + (best[to] ?? 0)
    if (sum <= (best[from] ?? 0)) continue
    best[from] = sum
    chosen[from] = { from, to, word }
  }
  for (; settled > 0; settled--) best[settled - 1] = Math.max(best[settled - 1] ?? 0, best[settled] ?? 0)
  const found: Found<W>[] = []
  for (let at = 0; at < length; ) {
    const word = chosen[at] ?? null
    if (word !== null) found.push(word)
    at = word?.to ?? at + 1
  }
  return found
}

function cutsName(from: number, to: number, ends: Int32Array, starts: Int32Array): boolean {
  if ((starts[from] ?? from) < from && (ends[starts[from] ?? 0] ?? 0) < to) return true
  for (let at = from + 1; at < to; at++) if ((ends[at] ?? 0) > to && (ends[at] ?? 0) - at > 1) return true
  return false
}
