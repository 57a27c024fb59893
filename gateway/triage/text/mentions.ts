import { buildingAt } from '../../city/building-label.ts'
import type { Gazetteer, NamedPlace, PlaceName } from '../../city/gazetteer.ts'
import { houseNumberAt } from '../../city/house-number.ts'
import { numeralAt } from '../../city/numerals.ts'
import { syllableOf } from '../../city/syllables.ts'

/** A name of the gazetteer in a normalised text. */
export interface Mention {
  readonly start: number
  readonly end: number
  readonly places: readonly NamedPlace[]
  /** The name as the gazetteer has it. */
  readonly name: string
  /** `null`: written as the city writes it. Otherwise the part of its characters that are right, from 0 to 1. */
  readonly heard: number | null
}

/**
 * Names where they stand, the longest at each place: 云锦路 is no part of 云锦路小学, and 清园桥路灯 begins with 清园桥. Cutting
 * the text into words first would lose them: of the 153 names of roads and landmarks in the example city, jieba with its own
 * dictionary gives 9 back whole, ICU's segmenter one; with the city's names in its dictionary it would be this trie.
 */
export function findNames({ byCharacters, names }: Gazetteer, text: string): Mention[] {
  const found: Mention[] = []
  for (let at = 0; at < text.length; ) {
    const match = longestFrom(text, at, byCharacters, names)
    const better = match === null ? null : longerInside(match, text, byCharacters, names)
    if (match === null) at++
    else if (better !== null) at = better
    else {
      found.push(match)
      at = match.end
    }
  }
  return found
}

function longestFrom(
  text: string,
  start: number,
  trie: Gazetteer['byCharacters'],
  names: readonly PlaceName[],
): Mention | null {
  let node = 0
  let best = -1
  let end = start
  for (let at = start; at < text.length; at++) {
    node = trie.next(node, text.charCodeAt(at))
    if (node === 0) break
    const value = trie.valueAt(node)
    if (value < 0) continue
    best = value
    end = at + 1
  }
  const name = names[best]
  return name === undefined ? null : { start, end, places: name.places, name: name.text, heard: null }
}

/** Where a longer name begins inside this one; `null` when none does. */
function longerInside(match: Mention, text: string, trie: Gazetteer['byCharacters'], names: readonly PlaceName[]) {
  for (let at = match.start + 1; at < match.end; at++) {
    const other = longestFrom(text, at, trie, names)
    if (other !== null && other.end - other.start > match.end - match.start) return at
  }
  return null
}

/** At least so much of a name must be written right, or be told by what stands behind it. */
const leastRight = 0.5

/** Names as they sound, outside of what was found already. Asked only when the text names no place otherwise. */
export function hearNames({ bySound, sounds }: Gazetteer, text: string, known: readonly Mention[]): Mention[] {
  const taken = known.filter((mention) => mention.places.some((one) => one.spelled !== 'short'))
  const found: Mention[] = []
  for (let start = 0; start < text.length; ) {
    const inside = taken.find((mention) => start >= mention.start && start < mention.end)
    if (inside !== undefined) {
      start = inside.end
      continue
    }
    let node = 0
    let best: Mention | null = null
    for (let at = start; at < text.length; at++) {
      node = bySound.next(node, syllableOf(text.charCodeAt(at)))
      if (node === 0) break
      const group = sounds[bySound.valueAt(node)]
      if (group !== undefined) best = heard(group, text, start, at + 1) ?? best
    }
    if (best !== null) found.push(best)
    start = best?.end ?? start + 1
  }
  return found
}

function heard(group: readonly PlaceName[], text: string, start: number, end: number): Mention | null {
  const right = group.map((name) => [...name.text].filter((char, i) => text[start + i] === char).length / (end - start))
  const most = Math.max(...right)
  if (most === 1 || (most < leastRight && !isHouse(text, start, end, group))) return null
  const meant = group.filter((_, i) => right[i] === most)
  const places = meant.flatMap((name) => name.places).filter((one) => one.spelled !== 'short')
  return { start, end, places, name: meant[0]?.text ?? '', heard: most }
}

/** 刘银路12号: nothing but the last word is right, yet a house number stands behind it. */
function isHouse(text: string, start: number, end: number, group: readonly PlaceName[]): boolean {
  const last = group.some((name) => name.text.at(-1) === text[end - 1] && end - start >= 3)
  return last && houseNumberAt(text, end)?.marked === true
}

/** 采蓬街12号: one character is another one that looks alike, perhaps. Only before a house or a building, and never sure. */
export function resembleNames({ resembling }: Gazetteer, text: string): Mention[] {
  for (let end = 3; end < text.length; end++) {
    const numbered = houseNumberAt(text, end)?.marked === true || buildingAt(text, end)?.marked === 'building'
    if (!numbered || numeralAt(text, end - 1) !== null) continue
    for (let length = Math.min(end, 6); length >= 3; length--) {
      const start = end - length
      for (let open = 0; open < length - 1; open++) {
        const key = `${text.slice(start, start + open)}?${text.slice(start + open + 1, end)}`
        const names = resembling.get(key)
        const name = names?.[0]?.text ?? ''
        if (names !== undefined) return [{ start, end, places: names.flatMap((one) => one.places), name, heard: 0 }]
      }
    }
  }
  return []
}
