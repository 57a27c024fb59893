import type { CategoryScheme, City } from '../../city/city.ts'
import { quote } from '../../errors.ts'
import { unitsOf, type Vocabulary, vocabularyOf } from './category-vocabulary.ts'
import { findBySound, findExact, type Mark } from './find-words.ts'
import { type CategorySteps, type Evidence, judge } from './judgement.ts'
import { dull } from './mood.ts'
import { type Normalised, normalise } from './normalise.ts'
import { type Alike, resembled } from './resemblance.ts'
import { readSentence } from './sentence.ts'
import { type Suspicion, suspect } from './suspicions.ts'

/** What a citizen complains of stands in the first pages; a letter of 64 kB is read no further. */
const mostUnits = 2_000
/** Below this, words that only sound like it are looked for. */
const goodFrom = 0.5
const guess = 0.72
/** Up to here no word decides, and what the text resembles is heard, too. */
const doubtfulTo = 0.6
/** Less resemblance is chance. */
const muchAlike = 4
const mostAlike = 4
/** What a unit of resemblance adds to a suspicion of words, and how much of it counts. */
const support = 0.015
const mostSupport = 15

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
  const evidence = gather(read, vocabulary)
  const alike = resembled(read.text, vocabulary.resemblance())
  const own = evidence.suspicions.map((one) => supported(one, alike))
  const suspicions = bestOf(evidence) >= doubtfulTo ? own : [...own, ...resembling(alike, vocabulary)]
  return judge(read, { ...evidence, suspicions }, alike)
}

/** Of two things that words say, the one that such texts are about is likelier. */
function supported(suspicion: Suspicion, alike: Alike): Suspicion {
  const measure = Math.min(mostSupport, alike.get(suspicion.concept))
  return { ...suspicion, score: suspicion.score + support * measure }
}

/** Words as they are written; where they say little, words by their sound, if those say more. */
function gather(read: Normalised, vocabulary: Vocabulary): Evidence {
  const units = unitsOf(read.text)
  const exact = evidenceOf(read, findExact(units, vocabulary), vocabulary, 1)
  if (bestOf(exact) >= goodFrom || dull(exact.items).left < 1) return exact
  const found = findBySound(units, vocabulary)
  if (!found.some(({ guessed }) => guessed)) return exact
  const heard = evidenceOf(read, found, vocabulary, guess)
  return bestOf(heard) > bestOf(exact) ? heard : exact
}

function evidenceOf(read: Normalised, found: readonly Mark[], vocabulary: Vocabulary, trust: number): Evidence {
  const items = readSentence(read.text, found)
  return { items, suspicions: suspect(items, vocabulary), trust }
}

function bestOf({ suspicions }: Evidence): number {
  let best = 0
  for (const { score } of suspicions) if (score > best) best = score
  return best
}

function resembling(alike: Alike, { resemblance }: Vocabulary): Suspicion[] {
  const suspicions: Suspicion[] = []
  for (const concept of resemblance().concepts) {
    const measure = alike.get(concept)
    if (measure >= muchAlike) suspicions.push({ concept, score: 0.2 + 0.03 * measure, items: [] })
  }
  return suspicions
    .sort((a, b) => b.score - a.score)
    .slice(0, mostAlike)
    .map((one) => ({ ...one, score: Math.min(0.58, one.score) }))
}
