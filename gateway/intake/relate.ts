import type { City } from '../city/city.ts'
import { type Posting, post } from '../relay/post.ts'
import type { Looked } from '../store/read-batch.ts'
import { distanceM } from '../triage/distance.ts'
import type { KnownReport } from './answers.ts'
import type { BatchRows, IntentRow } from './rows.ts'

/** An earlier intent near by, as much of it as relating needs. */
export interface Neighbour {
  readonly id: string
  readonly grid: string
  readonly kind: string
  readonly categoryCode: string | null
  /** What else it may be; where it is 未分类, all that is known. */
  readonly candidateCodes: readonly string[]
  readonly componentId: string | null
  readonly text: string | null
  readonly reporter: string
  readonly latitude: number
  readonly longitude: number
  readonly accuracyM: number | null
  readonly receivedAt: Date
}

export const relatedWithinMs = 72 * 3_600_000
/** Two who mean the same thing stand this far apart at most, over and above what their places are unsure by. */
const relatedWithinM = 50
const mostAccuracyM = 100
/** Most of what lies in the grids around is told apart by this alone: no degree of latitude is shorter than 110 km. */
const reachDegrees = (relatedWithinM + mostAccuracyM) / 110_000
const mostRelated = 5
/** From this score on two intents are linked. */
const linkedFrom = 0.5

/**
 * Where and for what earlier intents are looked for: each one's own unit grid, and those within reach across a border; by
 * what it is, or may be.
 */
export function lookedFor(intents: readonly IntentRow[], city: City): Looked[] {
  const byGrid = new Map<string, { codes: Set<string>; components: Set<string> }>()
  for (const { intent } of intents) {
    const { location, category, component } = intent
    if (location === null || location.grid === null) continue
    const codes = category.code === null ? category.candidates.map(({ code }) => code) : [category.code]
    for (const grid of [location.grid, ...(city.locate(location, relatedWithinM)?.alternatives ?? [])]) {
      const looked = byGrid.get(grid) ?? { codes: new Set(), components: new Set() }
      byGrid.set(grid, looked)
      for (const code of codes) looked.codes.add(code)
      if (component !== null) looked.components.add(component.id)
    }
  }
  return [...byGrid].map(([grid, { codes, components }]) => ({ grid, codes: [...codes], components: [...components] }))
}

/**
 * Names for each new intent the earlier ones that look like the same thing, then makes its outbox rows. `named`: the
 * reports whose query numbers were written into new ones.
 */
export function relateIntents(
  rows: BatchRows,
  earlier: readonly Neighbour[],
  named: ReadonlyMap<string, KnownReport>,
  how: Posting,
): void {
  const known: Neighbour[] = [...earlier]
  const addsTo = new Map(rows.correspondences.map(({ intentId, addsTo }) => [intentId, addsTo]))
  rows.intents.forEach((row, i) => {
    const report = named.get(addsTo.get(row.intent.id) ?? '')
    const related = relationsOf(row, known, report)
    const complete = related.length === 0 ? row : { ...row, intent: { ...row.intent, related } }
    rows.intents[i] = complete
    for (const { id, score, because } of related)
      rows.relations.push({ intentId: row.intent.id, otherId: id, score, because, createdAt: row.receivedAt })
    const self = asNeighbour(complete)
    if (self !== null) known.push(self)
    const { intent } = complete
    const traits = {
      type: 'case-intent',
      district: intent.location?.district?.code ?? null,
      purpose: intent.purpose,
      urgency: intent.urgency,
    } as const
    const draft = {
      id: intent.id,
      type: 'case-intent',
      subject: intent.reporter.id,
      orderingKey: row.orderingKey,
      time: intent.occurredAt.at,
      data: intent,
    } as const
    post(draft, traits, row.receivedAt, how, rows)
  })
}

type Related = IntentRow['intent']['related'][number]

function relationsOf(row: IntentRow, known: readonly Neighbour[], named: KnownReport | undefined): Related[] {
  const related: Related[] = []
  if (named !== undefined)
    related.push({ id: named.intentId, because: `names its query number ${named.queryNumber}`, score: 1 })
  const self = asNeighbour(row)
  if (self === null) return related
  for (const other of known) {
    const relation = other.id === named?.intentId ? null : relationBetween(self, other)
    if (relation !== null) related.push({ id: other.id, ...relation })
  }
  // The newest first among equals.
  return related
    .reverse()
    .sort((a, b) => b.score - a.score)
    .slice(0, mostRelated)
}

/** How much two look like the same thing, from 0 to 1; `null`: not enough to link them. */
function relationBetween(self: Neighbour, other: Neighbour): { because: string; score: number } | null {
  if (self.componentId !== null && self.componentId === other.componentId)
    return { because: `same component ${other.componentId}`, score: 1 }
  if (Math.abs(self.latitude - other.latitude) > reachDegrees) return null
  const apartM = Math.round(distanceM(self, other))
  const unsureM = Math.min(mostAccuracyM, Math.max(self.accuracyM ?? 0, other.accuracyM ?? 0))
  const reachM = relatedWithinM + unsureM
  if (apartM > reachM) return null
  const ageMs = self.receivedAt.getTime() - other.receivedAt.getTime()
  if (ageMs > relatedWithinMs) return null
  const category = sameCategory(self, other)
  if (category === null) return null
  const words = likeness(self.text, other.text)
  const near = 1 - apartM / reachM
  const fresh = 1 - Math.max(0, ageMs) / relatedWithinMs
  const score = Math.round((category.weight + 0.2 * near + 0.1 * fresh + 0.2 * words) * 100) / 100
  if (score < linkedFrom) return null
  const alike = words >= 0.5 ? ', alike in words' : ''
  return { because: `${category.because}, ${apartM} m away${alike}`, score: Math.min(1, score) }
}

function sameCategory(a: Neighbour, b: Neighbour): { readonly weight: number; readonly because: string } | null {
  if (a.categoryCode !== null && b.categoryCode !== null)
    return a.kind === b.kind && a.categoryCode === b.categoryCode ? { weight: 0.5, because: 'same category' } : null
  // One of them is 未分类: what it may be is compared.
  const mine = a.categoryCode === null ? a.candidateCodes : [a.categoryCode]
  const theirs = b.categoryCode === null ? b.candidateCodes : [b.categoryCode]
  if (mine[0] !== undefined && mine[0] === theirs[0]) return { weight: 0.4, because: 'likely the same category' }
  return mine.some((code) => theirs.includes(code)) ? { weight: 0.3, because: 'perhaps the same category' } : null
}

/** Share of common pairs of characters (Dice); 0 where one says nothing. */
function likeness(a: string | null, b: string | null): number {
  if (a === null || b === null) return 0
  const [pairsA, pairsB] = [pairs(a), pairs(b)]
  if (pairsA.size === 0 || pairsB.size === 0) return 0
  let common = 0
  for (const pair of pairsA) if (pairsB.has(pair)) common++
  return (2 * common) / (pairsA.size + pairsB.size)
}

const comparedCharacters = 200

function pairs(text: string): Set<string> {
  const plain = text.slice(0, comparedCharacters).replace(/[\s\p{P}]/gu, '')
  return new Set(Array.from({ length: Math.max(0, plain.length - 1) }, (_, i) => plain.slice(i, i + 2)))
}

function asNeighbour({ intent, receivedAt }: IntentRow): Neighbour | null {
  const { location, category } = intent
  if (location === null || location.grid === null) return null
  return {
    id: intent.id,
    grid: location.grid,
    kind: intent.kind,
    categoryCode: category.code,
    candidateCodes: category.candidates.map(({ code }) => code),
    componentId: intent.component?.id ?? null,
    text: intent.text,
    reporter: intent.reporter.id,
    latitude: location.latitude,
    longitude: location.longitude,
    accuracyM: location.accuracyM,
    receivedAt,
  }
}
