import { type Concept, keyOfPair, type Pair, type Vocabulary } from './category-vocabulary.ts'
import { hasRole, type Item, type Standing, thingsOf } from './sentence.ts'

/** A concept that the text may be about, and the items that say so. */
export interface Suspicion {
  readonly concept: Concept
  readonly score: number
  readonly items: readonly Item[]
}

/** How far a trouble may stand from its object, in characters; one of a single character means little further off. */
const reach = 18
const shortReach = 9

const left: Readonly<Record<Standing, number>> = {
  plain: 1,
  container: 0.6,
  agent: 0.35,
  place: 0.3,
  part: 0.5,
  name: 0,
}

/** Scores were set on the sentences of test/triage-text-category.test.ts and the tuning half of test/citizens. */
const score = {
  /** By its length in characters; longer ones as the last. */
  phrase: [0.6, 0.6, 0.8, 0.86, 0.9],
  hint: 0.52,
  pair: 0.9,
  pairOfThings: 0.91,
  /** What is in a container is what the sentence is about, whatever else it would be (河里的垃圾). */
  inside: 0.95,
  compound: 0.95,
  fault: 0.87,
  lacked: 0.85,
  unpaired: 0.5,
  object: 0.45,
  topic: 0.42,
} as const

export function suspect(items: readonly Item[], { pairs }: Vocabulary): Suspicion[] {
  const suspicions: Suspicion[] = []
  const add = (concept: Concept, value: number, ...because: Item[]) => {
    if (value > 0 && concept.categories.length > 0) suspicions.push({ concept, score: value, items: because })
  }
  const troubled = items.some((item) => item.word.trouble && !item.negated)
  for (const [index, item] of items.entries()) {
    if (item.negated) continue
    for (const { role, concept } of item.word.senses) {
      const share = left[item.standing]
      if (role === 'phrase') add(concept, (score.phrase[item.word.text.length] ?? 0.9) * whole(share), item)
      else if (role === 'hint') add(concept, score.hint * share, item)
      else if (role === 'object') add(concept, (item.lacked ? score.lacked : score.object) * share, item)
      else if (role === 'topic') add(concept, score.topic * share, item)
    }
    if (item.word.trouble) befall(items, index, pairs, add)
    pairThings(items, index, pairs, troubled, add)
  }
  return suspicions
}

/** A phrase that says what is wrong is hardly ever only where something else is in or on it. */
function whole(share: number): number {
  return share === left.container ? 0.95 : share
}

type Add = (concept: Concept, value: number, ...because: Item[]) => void
type Pairs = Vocabulary['pairs']

/** What the trouble has befallen: the nearest thing before it, else the nearest behind, else what was last spoken of. */
function befall(items: readonly Item[], index: number, pairs: Pairs, add: Add): void {
  const trouble = items[index]
  if (trouble === undefined) return
  const far = trouble.word.text.length > 1 ? reach : shortReach
  const short = trouble.word.text.length > 1 ? 0 : 0.02
  let fallback: (() => void) | null = null
  let unpaired = false
  const attempt = (thing: Item, away: number): boolean => {
    if (isWhere(thing, trouble)) return false
    if (thing.negated || thing.standing === 'name' || thing.standing === 'part') return false
    const lost = short + away
    const paired = pairsOf(thing, trouble, pairs)
    const demoted = thing.standing === 'place' || thing.standing === 'agent'
    if (demoted) {
      fallback ??= () => {
        for (const { concept } of paired) add(concept, score.object - lost, thing, trouble)
        if (paired.length === 0 && hasRole(trouble.word, 'fault') && hasRole(thing.word, 'object'))
          for (const concept of thingsOf(thing)) add(concept, score.object - 0.1 - lost, thing, trouble)
      }
      return false
    }
    const holds = thing.standing === 'container' && thing.from < trouble.from && !hasRole(trouble.word, 'fault')
    const value = holds ? score.inside : score.pair
    for (const { concept } of paired) add(concept, value - lost - (unpaired ? 0.06 : 0), thing, trouble)
    if (paired.length > 0) return true
    if (!hasRole(thing.word, 'object')) return false
    const fault = hasRole(trouble.word, 'fault')
    const own = (fault ? score.fault : score.unpaired) * (thing.standing === 'container' ? 0.7 : 1) - lost
    for (const { role, concept } of thing.word.senses) if (role === 'object') add(concept, own, thing, trouble)
    unpaired = true
    return fault && thing.standing === 'plain' && thing.word.senses.some(({ concept }) => concept.categories.length > 0)
  }
  for (let at = index - 1; at >= 0; at--) {
    const thing = items[at]
    if (thing === undefined || thing.clause !== trouble.clause || trouble.from - thing.to > far) break
    if (!thing.word.thing || !attempt(thing, 0)) continue
    // 树上拉了条横幅: what follows may be what the trouble is of, all the same.
    pairBehind(items, index, pairs, add)
    return
  }
  const before = unpaired
  for (let at = index + 1; at < items.length; at++) {
    const thing = items[at]
    if (thing === undefined || thing.clause !== trouble.clause || thing.from - trouble.to > 6) break
    if (thing.word.thing && attempt(thing, before ? 0.2 : 0.03)) return
  }
  if (unpaired) return
  for (let at = index - 1; at >= 0; at--) {
    const thing = items[at]
    if (thing === undefined || trouble.clause - thing.clause > 2 || trouble.from - thing.to > 30) break
    if (thing.clause !== trouble.clause && thing.word.thing && attempt(thing, 0.06)) return
  }
  const last: (() => void) | null = fallback
  if (!unpaired && last !== null) (last as () => void)()
}

function pairsOf(thing: Item, trouble: Item, pairs: Pairs): Pair[] {
  const found: Pair[] = []
  for (const { role, concept } of trouble.word.senses) {
    if (role !== 'fault' && role !== 'trouble') continue
    for (const one of thingsOf(thing)) {
      for (const pair of pairs.get(keyOfPair(one, concept)) ?? []) if (pair.role === 'pair') found.push(pair)
    }
  }
  return found
}

/** 水马倒在马路中间: where it fell has not fallen. */
function isWhere(thing: Item, trouble: Item): boolean {
  return thing.from > trouble.from && thing.standing === 'container' && hasRole(trouble.word, 'fault')
}

function pairBehind(items: readonly Item[], index: number, pairs: Pairs, add: Add): void {
  const trouble = items[index]
  const thing = items[index + 1]
  if (trouble === undefined || thing === undefined || !thing.word.thing || !speaks(thing)) return
  if (thing.clause !== trouble.clause || thing.from - trouble.to > 10 || isWhere(thing, trouble)) return
  for (const { concept } of pairsOf(thing, trouble, pairs)) add(concept, score.pair, thing, trouble)
}

/** Two things of one clause that mean a third together. */
function pairThings(items: readonly Item[], index: number, pairs: Pairs, troubled: boolean, add: Add): void {
  const one = items[index]
  if (one === undefined || !one.word.thing || !speaks(one)) return
  for (let at = index + 1; at < items.length; at++) {
    const other = items[at]
    if (other === undefined || other.clause - one.clause > 1 || other.from - one.to > 12) return
    if (!other.word.thing || !speaks(other)) continue
    const near = other.clause === one.clause || other.from - one.to < 4
    for (const first of thingsOf(one)) {
      for (const second of thingsOf(other)) {
        if (first === second) continue
        for (const { concept, role } of pairs.get(keyOfPair(first, second)) ?? []) {
          if (!near && role === 'pair') continue
          const inside = one.standing === 'container' ? score.inside : score.pairOfThings
          const value = role === 'pair' ? inside : troubled ? score.compound : score.object + 0.05
          add(concept, value, one, other)
        }
      }
    }
  }
}

function speaks({ standing, negated }: Item): boolean {
  return !negated && (standing === 'plain' || standing === 'container' || standing === 'part')
}
