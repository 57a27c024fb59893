import type { CategoryReading, PlaceReading } from '../../case-intent.ts'
import type { City } from '../../city/city.ts'
import { distanceM } from '../distance.ts'
import { type Grammar, readGrammar } from './grammar.ts'
import { readCategory } from './read-category.ts'
import { type ReadPlace, readPlace } from './read-place.ts'

export interface TextUnderstanding {
  readonly grammar: Grammar | null
  readonly category: CategoryReading
  readonly place: PlaceReading
  /** How it came to that, for somebody who asks. */
  readonly steps: readonly { readonly title: string; readonly lines: readonly string[] }[]
}

/** What a citizen's text is about, by one scheme of categories, and where. Pure; never throws. */
export function understandText(city: City, text: string, schemeId = city.defaultScheme): TextUnderstanding {
  const grammar = readGrammar(text)
  const content = grammar?.content ?? text
  const inContent = readPlace(city, content)
  const inAddress = grammar === null ? null : readPlace(city, grammar.address)
  const place = grammar === null || inAddress === null ? inContent : joined(city, grammar, inAddress, inContent)
  const masked = withoutNames(content, inContent.names)
  const category = categoryOf(city, content, masked, schemeId)
  return {
    grammar,
    category: category.reading,
    place: { candidates: place.candidates, certain: place.certain },
    // Made when they are asked for: they cost as much as the reading.
    get steps() {
      return [
        { title: 'text', lines: [text] },
        ...(grammar === null ? [] : [{ title: 'grammar', lines: grammarLines(grammar) }]),
        { title: 'place', lines: [...(inAddress?.steps ?? []), ...inContent.steps, ...placeLines(place)] },
        { title: `category, ${schemeId}`, lines: [...category.lines, ...categoryLines(category.reading)] },
      ]
    },
  }
}

/** Two candidates further apart are two places. */
const samePlaceM = 250

/** The field for the address comes first; a text that is surer of another place makes both doubtful. */
function joined(city: City, grammar: Grammar, address: ReadPlace, content: ReadPlace): PlaceReading {
  if (!address.certain && !content.certain) {
    // 春溪小区#3幢楼下…: only both together name a house.
    const both = readPlace(city, `${grammar.address}，${grammar.content}`)
    if (both.certain) return both
  }
  const [a, b] = [address.candidates[0], content.candidates[0]]
  if (a === undefined) return content
  if (b === undefined) return address
  const apart = distanceM(a, b) > samePlaceM + a.accuracyM + b.accuracyM
  const contentFirst = apart ? content.certain && !address.certain : b.accuracyM < a.accuracyM
  const [first, second] = contentFirst ? [content, address] : [address, content]
  const others = second.candidates.filter((one) => first.candidates.every((other) => other.name !== one.name))
  return { candidates: [...first.candidates, ...others], certain: first.certain && !(apart && b.confidence > 0.5) }
}

/**
 * A lane called 垃圾巷 says nothing of refuse: names of places are blotted out, their length kept. Their last character
 * stays: a bridge's railing is another thing than a road's.
 */
function withoutNames(text: string, names: ReadPlace['names']): string {
  let masked = ''
  let at = 0
  for (const [from, to] of names) {
    masked += text.slice(at, from) + blots.slice(0, to - from - 1)
    at = Math.max(from, to - 1)
  }
  return masked + text.slice(at)
}

const blots = '某'.repeat(100)

/** Where nothing else tells, the name may: the public toilet that is a landmark is the toilet that has no water. */
function categoryOf(city: City, content: string, masked: string, schemeId: string) {
  const reading = readCategory(city, masked, schemeId)
  const without = masked === content ? [] : [`read without the names of places: ${masked}`]
  if (reading.candidates.length > 0 || masked === content) return { reading, lines: [...without, ...reading.steps] }
  const whole = readCategory(city, content, schemeId)
  return {
    reading: { ...whole, certain: false },
    lines: ['read in the names of places, so nothing is certain', ...whole.steps],
  }
}

function grammarLines({ name, address, content }: Grammar): string[] {
  return [...(name === null ? [] : [`name: ${name}`]), `address: ${address}`, `content: ${content}`]
}

function placeLines({ candidates, certain }: PlaceReading): string[] {
  if (candidates.length === 0) return ['no place that the city knows']
  const lines = candidates.map(({ name, how, latitude, longitude, accuracyM, grid, confidence }) => {
    const at = `${latitude.toFixed(6)}, ${longitude.toFixed(6)} ± ${accuracyM} m`
    return `${confidence.toFixed(2)} ${name} (${how}) ${at}, grid ${grid ?? 'not named: too wide'}`
  })
  return [...lines, certain ? 'certain' : 'not certain']
}

function categoryLines({ candidates, certain }: CategoryReading): string[] {
  if (candidates.length === 0) return ['no category (未分类)']
  const lines = candidates.map(({ kind, code, zh, confidence, because }) => {
    return `${confidence.toFixed(2)} ${zh} (${kind} ${code}) ${because}`
  })
  return [...lines, certain ? 'certain' : 'not certain: 未分类']
}
