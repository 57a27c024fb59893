import type { Category, CategoryScheme, WordRole } from '../../city/city.ts'
import { normalised } from './normalise.ts'
import { type Resemblance, resemblanceOf } from './resemblance.ts'
import { soundOf } from './sounds.ts'
import { WordTrie } from './word-trie.ts'

/** A word and all that it may mean. */
export interface Word {
  readonly text: string
  readonly senses: Sense[]
  /** Has a sense as an object or topic; as a fault or trouble; as a part. Asked for at every word of every text. */
  thing: boolean
  trouble: boolean
  part: boolean
}

export interface Sense {
  readonly concept: Concept
  readonly role: WordRole
}

export interface Concept {
  readonly id: number
  readonly name: string
  /** What it is in this scheme, the likeliest first; shares add up to 1. Empty: it only helps to tell others apart. */
  readonly categories: readonly { readonly category: Category; readonly share: number }[]
}

export interface Pair {
  readonly concept: Concept
  readonly role: 'pair' | 'compound'
}

/** A scheme's words, made ready for reading. */
export interface Vocabulary {
  readonly words: WordTrie<Word>
  /** Two concepts in either order; by `keyOfPair`. */
  readonly pairs: ReadonlyMap<number, readonly Pair[]>
  /** Words by their sound. Made when first asked for: most texts are written well enough. */
  readonly sounds: () => WordTrie<Word[]>
  readonly resemblance: () => Resemblance
}

const vocabularies = new WeakMap<CategoryScheme, Vocabulary>()

export function vocabularyOf(scheme: CategoryScheme): Vocabulary {
  let vocabulary = vocabularies.get(scheme)
  if (vocabulary === undefined) {
    vocabulary = compile(scheme)
    vocabularies.set(scheme, vocabulary)
  }
  return vocabulary
}

export function keyOfPair(one: Concept, other: Concept): number {
  return one.id * 0x10000 + other.id
}

function compile({ categories, lexicon }: CategoryScheme): Vocabulary {
  const words = new WordTrie<Word>()
  const all = new Map<string, Word>()
  const concepts = new Map<string, Concept>()
  const pairs = new Map<number, Pair[]>()
  const examples: { readonly text: string; readonly concepts: readonly Concept[] }[] = []

  const conceptOf = (name: string): Concept => {
    const known = concepts.get(name)
    if (known !== undefined) return known
    const own = lexicon.concepts.get(name) ?? []
    const sum = own.reduce((total, { share }) => total + share, 0)
    const concept = {
      id: concepts.size,
      name,
      categories: own.map(({ category, share }) => ({ category, share: share / sum })),
    }
    concepts.set(name, concept)
    return concept
  }
  const enter = (written: string, concept: Concept, role: WordRole) => {
    const text = normalised(written)
    if (text === '') return
    if (text.length > 2 && text.includes(particle)) enter(text.replaceAll(particle, ''), concept, role)
    const word = words.entry(unitsOf(text), () => ({ text, senses: [], thing: false, trouble: false, part: false }))
    all.set(text, word)
    if (word.senses.some((sense) => sense.concept === concept && sense.role === role)) return
    word.senses.push({ concept, role })
    word.thing ||= role === 'object' || role === 'topic'
    word.part ||= role === 'part'
    word.trouble ||= role === 'fault' || role === 'trouble'
  }

  for (const { concept: name, role, words: own } of lexicon.words) {
    const concept = conceptOf(name)
    if (role === 'pair' || role === 'compound')
      for (const word of own) addPair(pairs, word.split('+').map(conceptOf), { concept, role })
    else if (role === 'example') for (const word of own) examples.push({ text: normalised(word), concepts: [concept] })
    else for (const word of own) enter(word, concept, role)
  }
  // A category that no concept leads to is still known by its name.
  const led = new Set([...lexicon.concepts.values()].flatMap((own) => own.map(({ category }) => category)))
  for (const category of categories) {
    if (led.has(category) || isCatchAll(category)) continue
    const named = { id: concepts.size, name: category.zh, categories: [{ category, share: 1 }] }
    concepts.set(`${category.kind} ${category.code}`, named)
    for (const name of [category.zh, ...category.words])
      enter(name, named, category.kind === 'component' ? 'object' : 'phrase')
  }
  let sounds: WordTrie<Word[]> | null = null
  let resemblance: Resemblance | null = null
  return {
    words,
    pairs,
    sounds: () => {
      sounds ??= bySound(all.values())
      return sounds
    },
    resemblance: () => {
      resemblance ??= resemblanceOf([...[...all.values()].map(meant), ...examples.filter(known)])
      return resemblance
    },
  }
}

function known({ concepts }: { readonly concepts: readonly Concept[] }): boolean {
  return concepts.every(({ categories }) => categories.length > 0)
}

function meant({ text, senses }: Word) {
  const telling = senses.filter(({ role, concept }) => tells.has(role) && concept.categories.length > 0)
  return { text, concepts: telling.map(({ concept }) => concept) }
}

const tells: ReadonlySet<WordRole> = new Set(['object', 'topic', 'phrase', 'hint'])

/** `其他` is what a person decides for, never what a word says. */
function isCatchAll({ zh }: Category): boolean {
  return zh.startsWith('其他')
}

function addPair(pairs: Map<number, Pair[]>, [one, other]: Concept[], pair: Pair): void {
  if (one === undefined || other === undefined) return
  for (const key of new Set([keyOfPair(one, other), keyOfPair(other, one)])) {
    const same = pairs.get(key)
    if (same === undefined) pairs.set(key, [pair])
    else same.push(pair)
  }
}

/** Troubles and short phrases sound like too much else; a thing's name of two characters is as short as a guess may be. */
function bySound(words: Iterable<Word>): WordTrie<Word[]> {
  const sounds = new WordTrie<Word[]>()
  for (const word of words) {
    const least = Math.min(...word.senses.map(({ role }) => leastGuessed[role] ?? Number.POSITIVE_INFINITY))
    if (word.text.length >= least) sounds.entry(unitsOf(word.text).map(soundOf), () => []).push(word)
  }
  return sounds
}

const leastGuessed: Partial<Record<WordRole, number>> = { object: 2, topic: 2, phrase: 3 }

/** `污水的井盖` is `污水井盖`: it stands or not, in the tables as in texts. */
export const particle = '的'

export function unitsOf(text: string): number[] {
  const units: number[] = []
  for (let at = 0; at < text.length; at++) units.push(text.charCodeAt(at))
  return units
}
