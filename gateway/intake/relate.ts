import { type Posting, post } from '../relay/post.ts'
import { distanceM } from '../triage/distance.ts'
import type { BatchRows, IntentRow } from './rows.ts'

/** An earlier intent in the same unit grid, as much of it as relating needs. */
export interface Neighbour {
  readonly id: string
  readonly grid: string
  readonly kind: string
  readonly categoryCode: string | null
  readonly componentId: string | null
  readonly latitude: number
  readonly longitude: number
  readonly receivedAt: Date
}

export const relatedWithinMs = 24 * 3_600_000
const relatedWithinM = 50
const mostRelated = 5

/** Names for each new intent the earlier ones that look like the same thing, then makes its outbox rows. */
export function relateIntents(rows: BatchRows, earlier: readonly Neighbour[], how: Posting): void {
  const byGrid = new Map<string, Neighbour[]>()
  const know = (neighbour: Neighbour) => {
    const known = byGrid.get(neighbour.grid)
    if (known === undefined) byGrid.set(neighbour.grid, [neighbour])
    else known.push(neighbour)
  }
  for (const neighbour of earlier) know(neighbour)

  rows.intents.forEach((row, i) => {
    const grid = row.intent.location?.grid ?? null
    const related = grid === null ? [] : relationsOf(row, byGrid.get(grid) ?? [])
    const complete = related.length === 0 ? row : { ...row, intent: { ...row.intent, related } }
    rows.intents[i] = complete
    const self = asNeighbour(complete)
    if (self !== null) know(self)
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

function relationsOf({ intent }: IntentRow, candidates: readonly Neighbour[]): Related[] {
  const related: Related[] = []
  for (const other of candidates.toReversed()) {
    if (related.length === mostRelated) break
    if (intent.component !== null && other.componentId === intent.component.id) {
      related.push({ id: other.id, because: `same component ${other.componentId}`, score: 1 })
      continue
    }
    const { location, category } = intent
    if (location === null || category.code === null) continue
    if (other.kind !== intent.kind || other.categoryCode !== category.code) continue
    const apartM = Math.round(distanceM(location, other))
    if (apartM <= relatedWithinM)
      related.push({
        id: other.id,
        because: `same category, ${apartM} m away`,
        score: 1 - apartM / (2 * relatedWithinM),
      })
  }
  return related
}

function asNeighbour({ intent, receivedAt }: IntentRow): Neighbour | null {
  const { location } = intent
  if (location === null || location.grid === null) return null
  return {
    id: intent.id,
    grid: location.grid,
    kind: intent.kind,
    categoryCode: intent.category.code,
    componentId: intent.component?.id ?? null,
    latitude: location.latitude,
    longitude: location.longitude,
    receivedAt,
  }
}
