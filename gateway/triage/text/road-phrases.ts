import type { Point } from '../../city/city.ts'
import type { Gazetteer, Road } from '../../city/gazetteer.ts'
import { houseNumberAt, houseText, type WrittenHouse } from '../../city/house-number.ts'
import type { HouseFinding } from '../../city/house-numbers.ts'
import type { Mention } from './mentions.ts'
import { after, match } from './offset.ts'
import { type Found, namesPlace, type Phrase, type Reading, round, sound, spelling, trust } from './phrase.ts'

export function roadsOf(mention: Mention, spelled: 'said' | 'short'): Road[] {
  return mention.places.flatMap(({ place, spelled: how }) =>
    place.kind === 'road' && (how === 'short') === (spelled === 'short') ? [place] : [],
  )
}

const roadWord = /(?:大道|大街|路|街|巷|弄)?/y
const beforeNumber = /(?:上的|的|上)?(?:靠近|大概|大约|差不多|约)?(?:[东西南北中]段)?(?:门牌号码?|门牌|[,，(（: ])?/y
const noHouse =
  /^(?:米|m|千米|公里|km|点|:|天|个|次|路|月|年|日|块|元|辆|多|人|位|岁|小时|分|%|度|层|楼|栋|幢|把|根|条|家|户|台|箱|袋|堆|处|单元|室|只|盏|张|名|级|吨|斤|\.|\/|\d|几|来|余)/
/** Numbers of poles, lines and vehicles: 12号灯杆, 12号线. */
const noHouseThing = /^(?:线(?!杆)|车|灯杆|路灯杆|灯柱|电线?杆|杆|泊位|车位|桥墩|箱变|变电|窗口|文件|通知|机|公交)/
const aDay = /^(?:下午|晚上?|上午|早上?|中午|凌晨|早晨|夜里|夜间|那天|当天|开始|起|到现在|以来|至今)/
const hotlines = new Set([110, 112, 114, 119, 120, 122, 12315, 12319, 12320, 12328, 12333, 12345, 12348, 12369, 12388])

/** The house that a text names behind a road; `null` when what follows is no house number. */
export function houseBehind(text: string, end: number): (WrittenHouse & { readonly day: boolean }) | null {
  const start = after(beforeNumber, text, end)
  const house = houseNumberAt(text, start)
  if (house === null) return null
  const rest = text.slice(house.end, house.end + 4)
  if (noHouseThing.test(rest)) return null
  if (house.marked) return { ...house, day: aDay.test(rest) }
  const loose = house.written === 'chinese' || house.number > 9999 || hotlines.has(house.number) || noHouse.test(rest)
  return loose || /[,，]/.test(text.slice(end, start)) ? null : { ...house, day: false }
}

const reliance: Readonly<Record<HouseFinding['found'], number>> = {
  listed: 0.96,
  beside: 0.9,
  between: 0.85,
  lane: 0.7,
  beyond: 0.5,
  far: 0.3,
}

/** 采莲街12号, and 柳荫12号 where the road's last word is left out. */
export function housePhrase({ text }: Reading, mention: Mention): Phrase | null {
  const said = roadsOf(mention, 'said')
  const short = said.length === 0
  // 柳荫街13号, where the city has a 柳荫路: the last word is the one that people mix up.
  const other = short ? after(roadWord, text, mention.end) : mention.end
  const house = houseBehind(text, other)
  if (house === null) return null
  const roads = short && house.marked ? roadsOf(mention, 'short') : said
  if (roads.length === 0) return null
  const range = short ? null : rangeEnd(text, house)
  const found = roads.flatMap((road) => {
    const first = road.houses.find(house)
    if (first === null) return []
    const last = range === null ? null : road.houses.find({ lane: house.lane, number: range.number, sub: 0 })
    if (first.found === 'far') {
      const because = `"${text.slice(mention.start, house.end)}" ${first.because}: somewhere on the road`
      const place = { ...road.middle, accuracyM: road.radiusM, confidence: trust(reliance.far, mention) }
      return [{ name: road.name, how: 'road' as const, ...place, because, sure: false }]
    }
    return [houseFound(text, mention, road, house, first, last, { short, other: other > mention.end })]
  })
  const end = range?.end ?? house.end
  const narrow = found.some((one) => one.how !== 'road') ? 6 : 2
  return found.length === 0 ? null : { start: mention.start, end, narrow, found: rival(found) }
}

function houseFound(
  text: string,
  mention: Mention,
  road: Road,
  house: WrittenHouse & { readonly day: boolean },
  first: HouseFinding,
  last: HouseFinding | null,
  { short, other }: { readonly short: boolean; readonly other: boolean },
): Found {
  const listed = first.found === 'listed' || first.found === 'beside' || first.found === 'between'
  const doubt = (other ? 0.7 : short ? 0.85 : 1) * (house.marked ? 1 : 0.85) * (house.day ? 0.8 : 1)
  const words = `"${text.slice(mention.start, house.end)}" ${first.because}`
  const middle = last === null ? first.point : halfway(first.point, last.point)
  return {
    name: `${road.name}${houseText(house)}`,
    how: 'road-number',
    ...middle,
    accuracyM: last === null ? first.accuracyM : first.accuracyM + 40,
    confidence: trust(reliance[first.found] * doubt, mention),
    because: `${words}${short ? `, ${other ? 'perhaps' : 'short for'} ${road.name}` : ''}${spelling(mention, text, mention.start, mention.end)}`,
    sure: listed && !house.day && first.accuracyM <= 60 && sound(mention) && (house.marked || !short) && !other,
  }
}

/** 24-26号 and 36号到38号之间 are a stretch of the road; 27-1号 is one house. */
function rangeEnd(text: string, house: WrittenHouse): { readonly number: number; readonly end: number } | null {
  if (house.sub > house.number) return { number: house.sub, end: house.end }
  const joined = match(/(?:到|至|~|-|、|和)/y, text, house.end)
  const other = joined === null ? null : houseNumberAt(text, house.end + 1)
  return other?.marked === true && other.lane === 0 ? { number: other.number, end: other.end } : null
}

function halfway(a: { latitude: number; longitude: number }, b: { latitude: number; longitude: number }) {
  return { latitude: (a.latitude + b.latitude) / 2, longitude: (a.longitude + b.longitude) / 2 }
}

/** The road alone; its mouth, where there is only one: 东关街口. */
export function roadPhrase(reading: Reading, mention: Mention): Phrase | null {
  const { text, gazetteer } = reading
  const mouth = match(/(?:的)?(?:路口|街口|巷口|弄口|口子|入口|口)/y, text, mention.end)
  if (mouth === null && !namesPlace(text, mention)) return null
  const end = match(/(?:的)?最?(?<way>[东西南北])(?:头|端|尽头)/y, text, mention.end)
  const found = roadsOf(mention, 'said').map((road): Found => {
    const words = `"${mention.name}"${spelling(mention, text, mention.start, mention.end)}`
    const [only, more] = mouth === null ? [] : gazetteer.crossingsOf(road)
    if (only !== undefined && more === undefined) {
      const because = `${words}: its only mouth`
      const confidence = trust(0.88, mention)
      return {
        name: `${road.name}口`,
        how: 'crossing',
        ...only,
        accuracyM: 25,
        confidence,
        because,
        sure: sound(mention),
      }
    }
    const tip = end === null ? null : tipOf(reading.gazetteer, road, end.groups?.way ?? '')
    if (end !== null && tip !== null) {
      const because = `${words}: its end "${end[0]}"`
      const confidence = trust(0.75, mention)
      const accuracyM = Math.max(60, Math.round(road.radiusM * tipShare))
      return { name: road.name, how: 'road', ...tip, accuracyM, confidence, because, sure: false }
    }
    const confidence = trust(road.radiusM <= 100 ? 0.7 : 0.4, mention)
    const because = `${words}: somewhere on the road`
    return { name: road.name, how: 'road', ...road.middle, accuracyM: road.radiusM, confidence, because, sure: false }
  })
  const narrow = found.every((one) => one.how === 'crossing') ? 5 : 2
  const to = mention.end + (mouth?.[0].length ?? end?.[0].length ?? 0)
  return found.length === 0 ? null : { start: mention.start, end: to, narrow, found: rival(found) }
}

/** Of half its length: so far from its tip people still speak of a road's end. */
const tipShare = 0.3

/** The end of a road that lies furthest in a direction: 东关街北头. */
function tipOf({ plan }: Gazetteer, { courses }: Road, way: string): Point | null {
  const [east, north] = { 东: [1, 0], 西: [-1, 0], 南: [0, -1], 北: [0, 1] }[way] ?? [0, 0]
  let best: readonly [number, number] | null = null
  let furthest = Number.NEGATIVE_INFINITY
  for (const course of courses) {
    for (let i = 0; i + 1 < course.length; i += 2) {
      const [x, y] = [course[i] as number, course[i + 1] as number]
      const far = x * (east as number) + y * (north as number)
      if (far > furthest) [best, furthest] = [[x, y], far]
    }
  }
  return best === null ? null : plan.point(...best)
}

/** Several places of one name: none is sure. */
export function rival(found: readonly Found[]): readonly Found[] {
  if (found.length < 2) return found
  return found.map((one) => ({ ...one, sure: false, confidence: round(one.confidence / found.length + 0.05) }))
}
