import type { Point } from '../../city/city.ts'
import type { Road } from '../../city/gazetteer.ts'
import type { Mention } from './mentions.ts'
import { after, match } from './offset.ts'
import { type Found, type Phrase, type Reading, sound, spelling, trust } from './phrase.ts'
import { houseBehind, rival, roadsOf } from './road-phrases.ts'

const tail =
  /(?:那边|这边)?的?(?:那个|这个|那|这)?(?:十字|丁字|三岔|三叉|t字|t型)?(?:交叉|交汇|交接|交界|交会|相交|汇合|拐弯|转弯|拐|转)?(?:的)?(?:那个|这个)?(?:十字路口|丁字路口|三岔路口|岔路口|路口|街口|巷口|口子|角上|角落|交口|岔口|红绿灯|口|角(?!落)|处|点|地方)?/y
const mouthWords = /口|交|角|拐|转|字|红绿灯/
/** What stands between the names of two roads that meet. */
const joint =
  /^(?:路?口?(?:和|与|跟|同|及)|[(（](?:靠近|近|靠|临)|[、/\-—×x&+·,，(（ 交]|靠近|靠|近|临近|临|交叉口?|接|到|上的?|的|上靠近|路?口的?|上,|这边的?|那边的?)?$/
const listed = /^(?:都|两条|两边|全|沿线|沿街|全线|方向|段|一带)/

/** 听荷街与柳荫路交叉口, 听荷街柳荫路口, 听荷街/柳荫路, 采莲街(柳荫路口); `null` when the second road is no crossing of the first. */
export function crossingPhrase(reading: Reading, a: Mention, b: Mention): Phrase | null {
  const { text } = reading
  const between = text.slice(a.end, b.start)
  const end = after(tail, text, b.end)
  const words = text.slice(b.end, end)
  const mouth = mouthWords.test(words)
  const joined = joint.test(between)
  if (!joined && !(mouth && between.length <= 5 && !/[。;；!！?？\n]/.test(between))) return null
  if (!mouth && (/^(?:,|，|到|的|上的?)$/.test(between) || listed.test(text.slice(b.end)))) return null
  if (houseBehind(text, b.end) !== null || (!mouth && isList(reading, a, b))) return null
  const pairs = pairsOf(a, b, mouth)
  const found = pairs.flatMap(([one, other, short]) =>
    reading.gazetteer.crossings(one, other).map((point) =>
      crossingFound(reading, a, b, [one, other], point, {
        short,
        said: mouth || (between !== '' && !maybeBoth(text, a, b)),
        sure: mouth || !maybeBoth(text, a, b),
      }),
    ),
  )
  return found.length === 0 ? null : { start: a.start, end: mouth ? end : b.end, narrow: 5.5, found: rival(found) }
}

function pairsOf(a: Mention, b: Mention, mouth: boolean): [Road, Road, short: boolean][] {
  const [saidA, saidB] = [roadsOf(a, 'said'), roadsOf(b, 'said')]
  const full = product(saidA, saidB).map(([one, other]): [Road, Road, boolean] => [one, other, false])
  if (full.length > 0 || !mouth) return full
  // One or both may be short: 采莲柳荫路口, 采莲竹影交叉口.
  const [shortA, shortB] = [saidA.length > 0 ? [] : roadsOf(a, 'short'), saidB.length > 0 ? [] : roadsOf(b, 'short')]
  const some = [...product(shortA, saidB), ...product(saidA, shortB), ...product(shortA, shortB)]
  return some.map(([one, other]) => [one, other, true])
}

function product(as: readonly Road[], bs: readonly Road[]): [Road, Road][] {
  return as.flatMap((a) => bs.filter((b) => b !== a).map((b): [Road, Road] => [a, b]))
}

function crossingFound(
  { text }: Reading,
  a: Mention,
  b: Mention,
  [one, other]: readonly [Road, Road],
  point: Point,
  { short, said, sure }: { readonly short: boolean; readonly said: boolean; readonly sure: boolean },
): Found {
  const heard = [a, b].map((mention) => spelling(mention, text, mention.start, mention.end)).join('')
  return {
    name: `${one.name}与${other.name}路口`,
    how: 'crossing',
    ...point,
    accuracyM: 25,
    confidence: trust((short ? 0.85 : 1) * (said ? 0.95 : 0.85), a, b),
    because: `"${text.slice(a.start, b.end)}" where the two roads meet${heard}`,
    sure: sure && sound(a, b) && !/^(?:之间|中间)/.test(text.slice(b.end)),
  }
}

/** Two roads of one text that meet, told apart by other words: 枕河路口的路灯 … 和望潮街交叉的那个口子. */
export function distantCrossing(reading: Reading, roads: readonly Mention[]): Phrase | null {
  const [a, b, more] = roads
  if (a === undefined || b === undefined || more !== undefined) return null
  if (!/路口|交叉|口子|交汇|交界|拐角|转角/.test(reading.text)) return null
  const found = product(roadsOf(a, 'said'), roadsOf(b, 'said')).flatMap((pair) =>
    reading.gazetteer
      .crossings(...pair)
      .map((point) => crossingFound(reading, a, b, pair, point, { short: false, said: false, sure: true })),
  )
  return found.length === 0 ? null : { start: a.start, end: b.end, narrow: 5, found: rival(found) }
}

/** 采莲街和竹影路的路灯都不亮, 采莲街、竹影路: perhaps two whole roads. */
function maybeBoth(text: string, a: Mention, b: Mention): boolean {
  return text.slice(a.end, b.start) === '、' || /都|两条|均|全部|沿线/.test(text.slice(b.end, b.end + 12))
}

/** 采莲街、竹影路、听荷街: three roads in a row are no crossing. */
function isList({ text, mentions }: Reading, a: Mention, b: Mention): boolean {
  const isRoad = (mention: Mention | undefined) => mention !== undefined && roadsOf(mention, 'said').length > 0
  const before = mentions.findLast((mention) => mention.end <= a.start)
  const behind = mentions.find((mention) => mention.start >= b.end)
  const comma = /^[、,，和与及]$/
  return (
    (isRoad(behind) && comma.test(text.slice(b.end, behind?.start))) ||
    (isRoad(before) && comma.test(text.slice(before?.end, a.start)))
  )
}

const until = /^(?:路?口)?(?:到|至|-|~|—)$/
const andUntil = /^(?:路?口)?(?:到|至|-|~|—|和|与|跟)$/
const sectionEnd = /(?:路?口)?(?:这|那)?(?:之间|中间|区间|路段|一段|段)/y

/** 采莲街柳荫路到竹影路段, 柳荫路至竹影路之间的采莲街: the stretch of one road between two others. */
export function sectionPhrase(reading: Reading, a: Mention, b: Mention, c: Mention): Phrase | null {
  const { text } = reading
  const [first, second] = [text.slice(a.end, b.start), text.slice(b.end, c.start)]
  const closed = match(sectionEnd, text, c.end)
  if (first.length > 4 || second.length > 6) return null
  if (until.test(second) || (closed !== null && andUntil.test(second))) {
    return section(reading, a, [b, c], c.end + (closed?.[0].length ?? 0))
  }
  const middle = /^(?:路?口)?(?:之间|中间|段)?(?:的)?$/
  return andUntil.test(first) && middle.test(second) ? section(reading, c, [a, b], c.end) : null
}

function section(
  { text, gazetteer }: Reading,
  along: Mention,
  ends: readonly [Mention, Mention],
  end: number,
): Phrase | null {
  const found = roadsOf(along, 'said').flatMap((road) =>
    product(roadsOf(ends[0], 'said'), roadsOf(ends[1], 'said')).flatMap(([from, to]): Found[] => {
      const [a, b] = [gazetteer.crossings(road, from)[0], gazetteer.crossings(road, to)[0]]
      if (a === undefined || b === undefined) return []
      const straight = { latitude: (a.latitude + b.latitude) / 2, longitude: (a.longitude + b.longitude) / 2 }
      const on = road.nearest(gazetteer.plan.x(straight.longitude), gazetteer.plan.y(straight.latitude))
      return [
        {
          name: `${road.name}${from.name}至${to.name}段`,
          how: 'road',
          ...(on === null ? straight : gazetteer.plan.point(...on)),
          accuracyM: Math.round(gazetteer.plan.distanceM(a, b) / 2) + 10,
          confidence: trust(0.85, along, ...ends),
          because: `"${text.slice(Math.min(along.start, ends[0].start), end)}" between two crossings`,
          sure: sound(along, ...ends),
        },
      ]
    }),
  )
  const start = Math.min(along.start, ends[0].start)
  return found.length === 0 ? null : { start, end, narrow: 4, found: rival(found) }
}
