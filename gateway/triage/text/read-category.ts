import type { CategoryReading } from '../../case-intent.ts'
import type { Category, CategoryScheme, City } from '../../city/city.ts'
import { quote } from '../../errors.ts'
import { type Concept, unitsOf, type Vocabulary, vocabularyOf, type Word } from './category-vocabulary.ts'
import { type Normalised, normalise, originalOf } from './normalise.ts'
import { hasRole, type Item, readSentence } from './sentence.ts'
import { soundOf } from './sounds.ts'
import { type Suspicion, suspect } from './suspicions.ts'
import { type Found, segment } from './word-trie.ts'

export type CategorySteps = CategoryReading & { readonly steps: readonly string[] }

const mostCandidates = 6
/** What a citizen complains of stands in the first pages; a letter of 64 kB is read no further. */
const mostUnits = 2_000
/** Below this, words that only sound like it are looked for. */
const goodFrom = 0.5
const guess = 0.72
/** How much likelier a suspicion is than one that scores lower by 1. */
const sharpness = 14
/** People name first what they write for. */
const later = 0.08
/** From here on fewer than 2 % of first candidates are wrong, on the tuning half of test/citizens. */
const certainFrom = 0.68
const certainShare = 0.75

/**
 * What a text is about, by the city's words. Pure; the words are made ready once for each scheme. Never throws: a scheme
 * the city does not have gives no candidates.
 */
export function readCategory(city: City, text: string, schemeId: string = city.defaultScheme): CategorySteps {
  const scheme = city.scheme(schemeId)
  if (scheme === null) return { candidates: [], certain: false, steps: [`the city has no scheme ${quote(schemeId)}`] }
  return readText(scheme, text)
}

export function readText(scheme: CategoryScheme, text: string): CategorySteps {
  const vocabulary = vocabularyOf(scheme)
  const read = normalise(text.slice(0, mostUnits))
  const units = unitsOf(read.text)
  const exact = judge(read, readSentence(read.text, findExact(units, vocabulary)), vocabulary, 1)
  if (exact.best >= goodFrom || exact.dulled) return exact.reading
  const found = findBySound(units, vocabulary)
  if (!found.some(({ guessed }) => guessed)) return exact.reading
  const heard = judge(read, readSentence(read.text, found), vocabulary, guess)
  return heard.best > exact.best ? heard.reading : exact.reading
}

type Mark = Found<Word> & { readonly guessed: boolean }

function findExact(units: readonly number[], { words }: Vocabulary): Mark[] {
  const found = segment<Word>(
    units.length,
    (from, each) => words.at(units, from, (word, to) => each(word, to, 1)),
    isName,
  )
  return found.map((one) => ({ ...one, guessed: false }))
}

function isName(word: Word): boolean {
  return hasRole(word, 'object') || hasRole(word, 'topic')
}

/** A word that is written by its sound keeps at least half of its characters (经盖, 拉圾, 粘道经营). */
function findBySound(units: readonly number[], { words, sounds }: Vocabulary): Mark[] {
  const heard = units.map(soundOf)
  const bySound = sounds()
  const wordsAt = (
    from: number,
    each: (word: { word: Word; guessed: boolean }, to: number, weight: number) => void,
  ) => {
    words.at(units, from, (word, to) => each({ word, guessed: false }, to, 1))
    bySound.at(heard, from, (same, to) => {
      for (const word of same) {
        const kept = keptOf(word.text, units, from)
        if (kept < to - from && kept * 2 >= to - from) each({ word, guessed: true }, to, 0.6)
      }
    })
  }
  const found = segment(units.length, wordsAt, ({ word, guessed }) => !guessed && isName(word))
  return found.map(({ from, to, word }) => ({ from, to, word: word.word, guessed: word.guessed }))
}

function keptOf(text: string, units: readonly number[], from: number): number {
  let kept = 0
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) === units[from + at]) kept++
  return kept
}

interface Judged {
  readonly reading: CategorySteps
  /** Score of the likeliest concept. */
  readonly best: number
  /** Words of the whole sentence spoke against it. */
  readonly dulled: boolean
}

function judge(read: Normalised, items: readonly Item[], vocabulary: Vocabulary, trust: number): Judged {
  const steps = items.map((item) => stepOf(read, item))
  const dulling = dull(items, steps)
  const ranked = rank(suspect(items, vocabulary))
  const [first] = ranked
  if (first === undefined) return { reading: { candidates: [], certain: false, steps }, best: 0, dulled: dulling < 1 }
  const total = ranked.reduce((sum, { weight }) => sum + weight, 0)
  const merged = new Map<Category, { confidence: number; share: number; because: string }>()
  for (const { suspicion, weight } of ranked) {
    const because = becauseOf(read, suspicion)
    for (const { category, share } of suspicion.concept.categories) {
      const confidence = Math.min(0.97, first.suspicion.score) * (weight / total) * share * trust * dulling
      const known = merged.get(category)
      if (known === undefined) merged.set(category, { confidence, share, because })
      else merged.set(category, { ...known, confidence: known.confidence + confidence })
    }
  }
  const sorted = [...merged].sort(([, a], [, b]) => b.confidence - a.confidence).slice(0, mostCandidates)
  const candidates = sorted.map(([category, { confidence, because }]) => ({
    kind: category.kind,
    code: category.code,
    zh: category.zh,
    confidence: Math.round(confidence * 100) / 100,
    because,
  }))
  const top = sorted[0]?.[1]
  const certain =
    trust === 1 && dulling === 1 && top !== undefined && top.confidence >= certainFrom && top.share >= certainShare
  return {
    reading: { candidates: candidates.filter(({ confidence }) => confidence > 0), certain, steps },
    best: first.suspicion.score,
    dulled: dulling < 1,
  }
}

/** Somebody thanks, asks or sells: what the words name is not what is wrong. */
function dull(items: readonly Item[], steps: string[]): number {
  const of = (role: 'settled' | 'inquiry' | 'advert') =>
    items.filter(({ word, negated }) => hasRole(word, role) && !negated)
  let left = 1
  const [settled] = of('settled').slice(-1)
  // 上次修好的井盖又坏了: what comes after it is wrong again.
  if (settled !== undefined && !items.some((item) => item.from > settled.to && tellsTrouble(item))) {
    steps.push('it is said to be mended')
    left *= 0.4
  }
  if (of('inquiry').length > 0) {
    steps.push('somebody asks')
    left *= 0.7
  }
  const adverts = of('advert').length
  if (adverts > 1 || (adverts === 1 && !items.some(tellsTrouble))) {
    steps.push('it advertises')
    left *= 0.35
  }
  return left
}

function tellsTrouble({ word, negated }: Item): boolean {
  return !negated && word.senses.some(({ role }) => role === 'phrase' || role === 'fault' || role === 'trouble')
}

interface Ranked {
  readonly suspicion: Suspicion
  readonly weight: number
}

/** One suspicion a concept, with what speaks for it besides; the likeliest first. */
function rank(suspicions: readonly Suspicion[]): Ranked[] {
  const best = new Map<Concept, { suspicion: Suspicion; times: number; from: number }>()
  for (const suspicion of suspicions) {
    const known = best.get(suspicion.concept)
    const from = Math.min(...suspicion.items.map((item) => item.clause))
    if (known === undefined) best.set(suspicion.concept, { suspicion, times: 1, from })
    else if (suspicion.score > known.suspicion.score)
      best.set(suspicion.concept, { suspicion, times: known.times + 1, from: Math.min(from, known.from) })
    else known.times++
  }
  narrowDown(best)
  const all = [...best.values()]
  const firstClause = Math.min(...all.filter(({ suspicion }) => suspicion.score >= 0.6).map(({ from }) => from))
  const scored = all.map(({ suspicion, times, from }) => {
    const late = Number.isFinite(firstClause) ? Math.min(3, Math.max(0, from - firstClause)) * later : 0
    const value = suspicion.score + Math.min(0.04, (times - 1) * 0.01)
    return { suspicion: { ...suspicion, score: value }, weight: Math.exp(sharpness * (value - late)) }
  })
  return scored.sort((a, b) => b.weight - a.weight)
}

/** 井盖丢了，是污水井盖: who names the kind elsewhere in the text means that kind. */
function narrowDown(best: Map<Concept, { suspicion: Suspicion; times: number; from: number }>): void {
  for (const [wide, { suspicion }] of [...best]) {
    if (wide.categories.length < 3 || suspicion.score < 0.6) continue
    for (const [narrow, found] of best) {
      const [top] = narrow.categories
      if (narrow.categories.length > 2 || top === undefined || found.suspicion.items.some(isAside)) continue
      if (!wide.categories.some(({ category }) => category === top.category)) continue
      const score = Math.max(found.suspicion.score, suspicion.score + 0.08)
      best.set(narrow, { ...found, suspicion: { ...found.suspicion, score } })
    }
  }
}

function isAside({ standing, negated }: Item): boolean {
  return negated || standing === 'place' || standing === 'name' || standing === 'agent'
}

function becauseOf(read: Normalised, { items, concept }: Suspicion): string {
  const words = [...items].sort((a, b) => a.from - b.from).map(({ from, to }) => quote(originalOf(read, from, to)))
  const guessed = items.some((item) => item.guessed) ? ', by its sound' : ''
  return `${words.join(' + ')}: ${concept.name}${guessed}`
}

const standings = {
  plain: '',
  place: ', only a place',
  container: ', something is in or on it',
  agent: ', it did it',
  name: ', part of a name',
  part: ', part of the thing before it',
} as const

function stepOf(read: Normalised, item: Item): string {
  const senses = item.word.senses.map(({ role, concept }) => (concept.name === '' ? role : `${role} ${concept.name}`))
  const written = quote(originalOf(read, item.from, item.to))
  const heard = item.guessed ? `, heard as ${quote(item.word.text)}` : ''
  const said = item.negated ? ', denied' : item.lacked ? ', lacking' : standings[item.standing]
  return `${written}${heard}: ${senses.join(', ')}${said}`
}
