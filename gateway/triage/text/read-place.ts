import type { PlaceCandidate, PlaceReading } from '../../case-intent.ts'
import type { City } from '../../city/city.ts'
import type { Area } from '../../city/gazetteer.ts'
import { defaultLimits } from '../limits.ts'
import { type Chosen, choose } from './choose.ts'
import { findNames, hearNames, type Mention, resembleNames } from './mentions.ts'
import { type Normalised, normalise, originalOf } from './normalise.ts'
import type { Found, Phrase } from './phrase.ts'
import { phraseText, readPhrases } from './phrases.ts'

export interface ReadPlace extends PlaceReading {
  /** What was found and decided, a line each, for somebody who asks why. */
  readonly steps: readonly string[]
  /** The sender's own words for the place; `null` where no place was read. */
  readonly address: string | null
  /** Names of places in the text, as offsets from and to: they say nothing about what is wrong there. */
  readonly names: readonly (readonly [from: number, to: number])[]
}

const longestText = 2000
const mostCandidates = 5
/** Candidates that are surer than this need no second look by sound. */
const plainEnough = 0.6
/** A wrong grid is worse than none: only what is at least so confident is certain. */
const leastCertain = 0.8
const nothing: ReadPlace = { candidates: [], certain: false, steps: [], address: null, names: [] }

/**
 * Where a citizen's text says it is. Pure; never throws; linear in the text, of which the first 2,000 characters are read.
 * A grid is named where the place is within `gridClaimM`, as for every other location.
 */
export function readPlace(city: City, text: string, gridClaimM = defaultLimits.gridClaimM): ReadPlace {
  const plain = normalise(text.slice(0, longestText))
  const names = findNames(city.gazetteer, plain.text)
  const exact = readMentions(city, plain.text, names)
  const first = exact.chosen?.found[0]
  if (first !== undefined && first.confidence > plainEnough && first.how !== 'area') {
    return asReading(city, plain, names, exact, gridClaimM)
  }
  const sounds = hearNames(city.gazetteer, plain.text, names)
  const heard =
    sounds.length > 0 || (first !== undefined && first.how !== 'area')
      ? sounds
      : resembleNames(city.gazetteer, plain.text)
  if (heard.length === 0) return asReading(city, plain, names, exact, gridClaimM)
  const all = [...names.filter((name) => heard.every((h) => h.end <= name.start || h.start >= name.end)), ...heard]
  all.sort((a, b) => a.start - b.start)
  const again = readMentions(city, plain.text, all)
  const better = (again.chosen?.found[0]?.confidence ?? 0) > (first?.confidence ?? 0)
  return better ? asReading(city, plain, all, again, gridClaimM) : asReading(city, plain, names, exact, gridClaimM)
}

interface Attempt {
  readonly chosen: Chosen | null
  readonly phrases: readonly Phrase[]
  readonly steps: string[]
}

function readMentions(city: City, text: string, mentions: readonly Mention[]): Attempt {
  if (mentions.length === 0) return { chosen: null, phrases: [], steps: [] }
  const steps: string[] = []
  const reading = { text, gazetteer: city.gazetteer, mentions, steps }
  const phrases = readPhrases(reading)
  const areas = namedAreas(mentions)
  const places = phrases.filter((phrase) => phrase.found.some((one) => one.how !== 'area'))
  for (const phrase of phrases) {
    const [best] = phrase.found
    steps.push(
      `"${phraseText(phrase, text)}": ${phrase.found.map((one) => one.name).join(' or ')}, ${best?.because ?? ''}`,
    )
  }
  const narrowest = places.length > 0 ? places : narrowestArea(phrases)
  return { chosen: choose(city, reading, narrowest, places.length > 0 ? areas : []), phrases, steps }
}

/** Areas that are named to say where a place is; 青荷 for 青荷区 counts where another name follows at once. */
function namedAreas(mentions: readonly Mention[]): Area[] {
  return mentions.flatMap(({ places, end, heard }, i) =>
    heard !== null || places.length > 1
      ? []
      : places.flatMap(({ place, spelled }) =>
          place.kind === 'area' && (spelled !== 'short' || mentions[i + 1]?.start === end) ? [place] : [],
        ),
  )
}

function narrowestArea(phrases: readonly Phrase[]): Phrase[] {
  const reach = (phrase: Phrase) => phrase.found[0]?.accuracyM ?? 0
  return phrases.toSorted((a, b) => reach(a) - reach(b)).slice(0, 1)
}

function asReading(
  city: City,
  plain: Normalised,
  mentions: readonly Mention[],
  { chosen, phrases, steps }: Attempt,
  gridClaimM: number,
): ReadPlace {
  if (chosen === null) return nothing
  const distinct = chosen.found.filter((one, i) => chosen.found.findIndex((other) => isSame(one, other)) === i)
  const candidates = distinct.slice(0, mostCandidates).map((found) => candidateOf(city, found, gridClaimM))
  const [first, second] = candidates
  const certain =
    first !== undefined &&
    distinct[0]?.sure === true &&
    first.grid !== null &&
    first.confidence >= leastCertain &&
    (second === undefined || second.confidence <= first.confidence - 0.2)
  const names = mentions
    .filter(({ start, end }) => phrases.some((phrase) => start >= phrase.start && end <= phrase.end))
    .map(({ start, end }) => originalSpan(plain, start, end))
  return { candidates, certain, steps, address: originalOf(plain, chosen.phrase.start, chosen.phrase.end), names }
}

function candidateOf(city: City, found: Found, gridClaimM: number): PlaceCandidate {
  const { name, how, accuracyM, confidence, because } = found
  const [latitude, longitude] = [centimetres(found.latitude), centimetres(found.longitude)]
  const grid = accuracyM > gridClaimM ? null : (city.locate(found, null)?.grid ?? null)
  return { name, how, latitude, longitude, accuracyM, grid, confidence, because }
}

function isSame(a: Found, b: Found): boolean {
  return a.name === b.name && Math.abs(a.latitude - b.latitude) < 1e-6 && Math.abs(a.longitude - b.longitude) < 1e-6
}

function originalSpan(plain: Normalised, from: number, to: number): readonly [number, number] {
  const start = plain.starts === null ? from : (plain.starts[from] ?? 0)
  return [start, start + originalOf(plain, from, to).length]
}

function centimetres(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7
}
