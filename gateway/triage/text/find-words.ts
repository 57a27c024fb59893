import { particle, unitsOf, type Vocabulary, type Word } from './category-vocabulary.ts'
import { soundOf } from './sounds.ts'
import { type Found, segment } from './word-trie.ts'

/** A word found in a text; `guessed`: by its sound. */
export type Mark = Found<Word> & { readonly guessed: boolean }

/** What stands between the parts of a word and is none: `“禁止游泳”的牌子`. */
const skipped: ReadonlySet<number> = new Set(unitsOf(`${particle}"'“”‘’「」《》`))
const nothing: ReadonlySet<number> = new Set()

export function findExact(units: readonly number[], { words }: Vocabulary): Mark[] {
  const wordsAt = (from: number, each: (word: Word, to: number, weight: number) => void) =>
    words.at(units, from, skipped, (word, to) => {
      const weight = weightOf(word, from, to)
      if (weight > 0) each(word, to, weight)
    })
  return segment(units.length, wordsAt, isName).map(({ from, to, word }) => ({ from, to, word, guessed: false }))
}

/** A thing's name that the particle stands in is a little less likely to be one; a phrase with it is another (洗的衣服). */
function weightOf({ text, thing }: Word, from: number, to: number): number {
  if (to - from === text.length) return 1
  return thing && text.length > 2 ? 0.85 * (text.length / (to - from)) ** 1.5 : 0
}

/** A word that is written by its sound keeps at least half of its characters (经盖, 拉圾, 粘道经营). */
export function findBySound(units: readonly number[], { words, sounds }: Vocabulary): Mark[] {
  const heard = units.map(soundOf)
  const bySound = sounds()
  const wordsAt = (
    from: number,
    each: (word: { word: Word; guessed: boolean }, to: number, weight: number) => void,
  ) => {
    words.at(units, from, skipped, (word, to) => {
      const weight = weightOf(word, from, to)
      if (weight > 0) each({ word, guessed: false }, to, weight)
    })
    bySound.at(heard, from, nothing, (same, to) => {
      for (const word of same) {
        const kept = keptOf(word.text, units, from)
        if (kept < to - from && kept * 2 >= to - from) each({ word, guessed: true }, to, 0.6)
      }
    })
  }
  const found = segment(units.length, wordsAt, ({ word, guessed }) => !guessed && isName(word))
  return found.map(({ from, to, word }) => ({ from, to, word: word.word, guessed: word.guessed }))
}

function isName({ thing }: Word): boolean {
  return thing
}

function keptOf(text: string, units: readonly number[], from: number): number {
  let kept = 0
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) === units[from + at]) kept++
  return kept
}
