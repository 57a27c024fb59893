import type { Gazetteer } from '../../city/gazetteer.ts'
import { crossingPhrase, distantCrossing, sectionPhrase } from './crossing-phrases.ts'
import type { Mention } from './mentions.ts'
import { metresAt, offsetAt } from './offset.ts'
import { type Found, type Phrase, type Reading, round } from './phrase.ts'
import { housePhrase, roadPhrase, roadsOf } from './road-phrases.ts'
import { areaPhrase, compoundPhrase, landmarkPhrase } from './yard-phrases.ts'

/** All that a text names, each place once, in the order of the text. */
export function readPhrases(reading: Reading): Phrase[] {
  const { mentions } = reading
  const phrases: Phrase[] = []
  for (let i = 0; i < mentions.length; ) {
    const [a, b, c] = [mentions[i] as Mention, mentions[i + 1], mentions[i + 2]]
    const read = readFrom(reading, a, b, c)
    if (read !== null) phrases.push(withOffset(reading, read.phrase))
    i += read?.mentions ?? 1
  }
  if (phrases.every((phrase) => phrase.narrow < 5)) {
    const crossing = distantCrossing(
      reading,
      mentions.filter((mention) => roadsOf(mention, 'said').length > 0),
    )
    if (crossing !== null) return [withOffset(reading, crossing), ...phrases.filter((phrase) => phrase.narrow !== 2)]
  }
  return phrases
}

function readFrom(reading: Reading, a: Mention, b: Mention | undefined, c: Mention | undefined) {
  const of = (phrase: Phrase | null, mentions: number) => (phrase === null ? null : { phrase, mentions })
  return (
    of(housePhrase(reading, a), 1) ??
    (b === undefined || c === undefined ? null : of(sectionPhrase(reading, a, b, c), 3)) ??
    (b === undefined ? null : of(crossingPhrase(reading, a, b), 2)) ??
    of(compoundPhrase(reading, a), 1) ??
    of(landmarkPhrase(reading, a), 1) ??
    of(roadPhrase(reading, a), 1) ??
    of(areaPhrase(reading, a), 1)
  )
}

const leastMovedM = 1
const atLandmarkM = 100
/** Behind something may be further away than beside it. */
const wideM = 30
const apart = /(?:距离?|离)(?:了|着)?$/

/** 往北50米, 东侧, 对面 behind a place, and 距 … 200米 around it. */
function withOffset({ text, gazetteer: { plan } }: Reading, phrase: Phrase): Phrase {
  const extended = phrase.found.some((one) => one.how === 'landmark' || one.how === 'compound')
  const reachM = extended ? Math.min(150, phrase.found[0]?.accuracyM ?? 0) : 0
  // A road or an area alone is too wide to go anywhere from.
  const offset = phrase.narrow < 3 ? null : offsetAt(text, phrase.end, reachM)
  if (offset === null)
    return apart.test(text.slice(Math.max(0, phrase.start - 3), phrase.start)) ? around(text, phrase) : phrase
  const moved = Math.hypot(offset.eastM, offset.northM) >= leastMovedM
  const found = phrase.found.map((one): Found => {
    const because = `${one.because}, then "${text.slice(phrase.end, offset.end)}"`
    const own = offset.measured && one.how === 'landmark' ? Math.min(one.accuracyM, 30) : one.accuracyM
    return {
      ...one,
      ...(moved ? plan.moved(one, offset.eastM, offset.northM) : {}),
      // A gate or a side is still at the landmark: the words name no other place than its own.
      accuracyM: Math.round(
        one.how === 'landmark' && !offset.measured ? Math.min(own + offset.widerM, atLandmarkM) : own + offset.widerM,
      ),
      confidence: round(one.confidence * (offset.measured ? 0.95 : moved ? 0.92 : 1) * (offset.vague ? 0.95 : 1)),
      because,
      sure:
        one.sure &&
        !offset.vague &&
        (offset.measured || offset.widerM < wideM) &&
        (!moved || offset.measured || one.how === 'crossing'),
    }
  })
  return {
    ...phrase,
    end: offset.end,
    found,
    ...(offset.measured ? { narrow: phrase.narrow + 1, measured: true } : {}),
  }
}

/** 距望月公园200米: anywhere on a circle. */
function around(text: string, phrase: Phrase): Phrase {
  const metres = metresAt(text, phrase.end)
  if (metres === null) return phrase
  const found = phrase.found.map((one) => ({
    ...one,
    accuracyM: Math.round(one.accuracyM + metres.value),
    because: `${one.because}, "${text.slice(phrase.end, metres.end)}" away from it`,
    sure: false,
  }))
  return { ...phrase, end: metres.end, found }
}

export function phraseText(phrase: Phrase, text: string): string {
  return text.slice(phrase.start, phrase.end)
}

/** Of candidates of one name, those near another place of the text: 采莲街的实验小学. */
export function nearOthers(phrase: Phrase, others: readonly Phrase[], { plan }: Gazetteer): Phrase {
  if (phrase.found.length < 2) return phrase
  const close = phrase.found.filter((one) =>
    others.some((other) =>
      other.found.some((far) => plan.distanceM(one, far) <= 400 + Math.min(far.accuracyM, 3000) * 0.2),
    ),
  )
  return close.length === 1 ? { ...phrase, found: close.map((one) => ({ ...one, confidence: 0.8 })) } : phrase
}
