import type { CategoryReading } from '../../case-intent.ts'
import type { Category, CategoryScheme, City } from '../../city/city.ts'
import { quote } from '../../errors.ts'
import { type Concept, particle, unitsOf, type Vocabulary, vocabularyOf, type Word } from './category-vocabulary.ts'
import { type Normalised, normalise, originalOf } from './normalise.ts'
import { hasRole, type Item, readSentence } from './sentence.ts'
import { resembled } from './resemblance.ts'
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
/** A suspicion this much less likely than all others together is none. */
const least = 0.005
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

const of = particle.charCodeAt(0)

function findExact(units: readonly number[], { words }: Vocabulary): Mark[] {
  const wordsAt = (from: number, each: (word: Word, to: number, weight: number) => void) =>
    words.at(units, from, of, (word, to) => {
      const weight = weightOf(word, from, to)
      if (weight > 0) each(word, to, weight)
    })
  return segment(units.length, wordsAt, isName).map(({ from, to, word }) => ({ from, to, word, guessed: false }))
}

/** A thing's name that the particle stands in is a little less likely to be one; a phrase with it is another (洗的衣服). */
function weightOf({ text, thing }: Word, from: number, to: number): number {
  if (to - from === text.length) return 1
  return thing ? 0.85 * (text.length / (to - from)) ** 1.5 : 0
}

/** A word that is written by its sound keeps at least half of its characters (经盖, 拉圾, 粘道经营). */
function findBySound(units: readonly number[], { words, sounds }: Vocabulary): Mark[] {
  const heard = units.map(soundOf)
  const bySound = sounds()
  const wordsAt = (
    from: number,
    each: (word: { word: Word; guessed: boolean }, to: number, weight: number) => void,
  ) => {
    words.at(units, from, of, (word, to) => {
      const weight = weightOf(word, from, to)
      if (weight > 0) each({ word, guessed: false }, to, weight)
    })
    bySound.at(heard, from, -1, (same, to) => {
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

/** Up to here no word decides, and what the text resembles is heard, too. */
const doubtfulTo = 0.6
/** Less resemblance is chance. */
const muchAlike = 4
/** Resemblance to the concept that the words decided for, as a share of the greatest: below it they contradict each other. */
const agreesFrom = 0.7

function resembling({ text }: Normalised, { resemblance }: Vocabulary): Suspicion[] {
  return [...resembled(text, resemblance())]
    .filter(([, measure]) => measure >= muchAlike)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([concept, measure]) => ({ concept, score: Math.min(0.58, 0.2 + 0.03 * measure), items: [] }))
}

function agrees(text: string, { categories }: Concept, { resemblance }: Vocabulary): boolean {
  let most = 0
  let own = 0
  for (const [concept, measure] of resembled(text, resemblance())) {
    if (measure > most) most = measure
    if (measure > own && concept.categories[0]?.category === categories[0]?.category) own = measure
  }
  return own >= most * agreesFrom
}

interface Judged {
  readonly reading: CategorySteps
  /** Score of the likeliest concept. */
  readonly best: number
  /** Words of the whole sentence spoke against it. */
  readonly dulled: boolean
}

function judge(read: Normalised, items: readonly Item[], vocabulary: Vocabulary, trust: number): Judged {
  const { left: dulling, why } = dull(items)
  /** Asked for when somebody wants them explained, which is hardly ever. */
  const reading = (candidates: CategoryReading['candidates'], certain: boolean): CategorySteps => ({
    candidates,
    certain,
    get steps() {
      return [...items.map((item) => stepOf(read, item)), ...why]
    },
  })
  const suspicions = suspect(items, vocabulary)
  if (!suspicions.some(({ score }) => score >= doubtfulTo)) suspicions.push(...resembling(read, vocabulary))
  const ranked = rank(suspicions)
  const [first] = ranked
  if (first === undefined) return { reading: reading([], false), best: 0, dulled: dulling < 1 }
  const total = ranked.reduce((sum, { weight }) => sum + weight, 0)
  const merged = new Map<Category, { confidence: number; share: number; suspicion: Suspicion }>()
  for (const { suspicion, weight } of ranked) {
    if (weight / total < least) break
    for (const { category, share } of suspicion.concept.categories) {
      const confidence = Math.min(0.97, first.suspicion.score) * (weight / total) * share * trust * dulling
      const known = merged.get(category)
      if (known === undefined) merged.set(category, { confidence, share, suspicion })
      else merged.set(category, { ...known, confidence: known.confidence + confidence })
    }
  }
  const sorted = [...merged].sort(([, a], [, b]) => b.confidence - a.confidence).slice(0, mostCandidates)
  const candidates = sorted.map(([category, { confidence, suspicion }]) => ({
    kind: category.kind,
    code: category.code,
    zh: category.zh,
    confidence: Math.round(confidence * 100) / 100,
    because: becauseOf(read, suspicion),
  }))
  const top = sorted[0]?.[1]
  const certain =
    trust === 1 &&
    dulling === 1 &&
    top !== undefined &&
    top.confidence >= certainFrom &&
    top.share >= certainShare &&
    isClear(top.suspicion, items) &&
    agrees(read.text, top.suspicion.concept, vocabulary)
  return {
    reading: reading(
      candidates.filter(({ confidence }) => confidence > 0),
      certain,
    ),
    best: first.suspicion.score,
    dulled: dulling < 1,
  }
}

/**
 * Short words are parts of too many others, and a thing beside the one that was chosen may be the one that was meant: then
 * the reading may be right, and is not certain.
 */
function isClear({ items: evidence, concept }: Suspicion, items: readonly Item[]): boolean {
  if (evidence.some(({ word }) => word.thing && word.text.length < 2)) return false
  const clauses = new Set(evidence.map(({ clause }) => clause))
  const [only] = evidence
  const single = evidence.length === 1 && only !== undefined
  if (single && only.word.text.length < 3) return false
  if (evidence.every(({ word }) => word.thing) && !single) return true
  const long = single && only.word.text.length > 3
  return !items.some(
    (item) =>
      item.word.thing &&
      !item.negated &&
      !evidence.includes(item) &&
      (item.standing === 'plain' || item.standing === 'agent') &&
      !long &&
      clauses.has(item.clause) &&
      item.word.senses.some((sense) => isOther(sense.concept, concept)),
  )
}

function isOther(one: Concept, chosen: Concept): boolean {
  const [category] = one.categories
  return category !== undefined && chosen.categories.every((other) => other.category !== category.category)
}

/** Somebody thanks, asks or sells: what the words name is not what is wrong. */
function dull(items: readonly Item[]): { readonly left: number; readonly why: readonly string[] } {
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
  if (items.length === 0) return `resembles the words for ${concept.name}`
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
