import type { City } from '../../city/city.ts'
import type { Area } from '../../city/gazetteer.ts'
import { type Found, type Phrase, type Reading, round } from './phrase.ts'
import { nearOthers, phraseText } from './phrases.ts'

export interface Chosen {
  readonly phrase: Phrase
  /** The likeliest first; those of other phrases behind. */
  readonly found: readonly Found[]
}

interface Weighed {
  readonly phrase: Phrase
  readonly weight: number
  readonly cue: 'home' | 'problem' | null
}

const home =
  /(?:我家|住|住在|家在|我是|本人是|我们是|居住在|居住地|家庭住址|现住址|住址|联系地址|来自|户籍|上班|单位在|路过|经过|从|不是|开往|去|离开|送到|寄到|途经|(?:上回|上次|上周|以前|之前|前几天|原来|昨天)[^,，。]{0,4}(?:报|说|反映|投诉)(?:过)?)(?:了|的)?[:： ]?$/
const resident = /^(?:里)?的?(?:居民|业主|住户|村民|市民|租户|商户|人(?!行)|,我|一名)/
const problem =
  /(?:在|位于|地址|地点|位置|举报|反映|反应|投诉|发生在|就在|地处|处于|于|现场|事发地|人在|看到|看见|发现|这回|这次|今天)(?:了|的|是|为)?[:： ]?$/
/** What is at home is told like this, and then home is the place. */
const atHome = /楼下|楼上|楼道|门口|小区|我们这|这里|旁边|附近|对面|隔壁|家门|院|里面|天花板|楼顶/

/** Which of the places a text names is the one it is about. */
export function choose(
  city: City,
  reading: Reading,
  phrases: readonly Phrase[],
  areas: readonly Area[],
): Chosen | null {
  const weighed = phrases.map((phrase, i): Weighed => {
    const cue = cueOf(reading.text, phrase, areas.length > 0)
    const bonus = cue === 'home' ? -4 : cue === 'problem' ? 1.5 : 0
    return { phrase, cue, weight: phrase.narrow + bonus - i * 0.01 }
  })
  weighed.sort((a, b) => b.weight - a.weight)
  const [best, ...others] = weighed
  if (best === undefined) return null
  const near = nearOthers(
    best.phrase,
    others.map((one) => one.phrase),
    reading.gazetteer,
  )
  const found = inNamedArea(city, near.found, areas, reading.steps)
  const doubt = doubts(reading, best, others)
  for (const why of doubt) reading.steps.push(`not certain: ${why}`)
  const own = found.map((one) =>
    doubt.length === 0 ? one : { ...one, sure: false, confidence: round(one.confidence * 0.85) },
  )
  const rest = others.flatMap(({ phrase }) =>
    phrase.found.map((one) => ({ ...one, confidence: round(one.confidence * 0.5) })),
  )
  return { phrase: best.phrase, found: [...own, ...rest] }
}

function cueOf(text: string, phrase: Phrase, areas: boolean): Weighed['cue'] {
  // 从望月医院往南100米 is a way to the place, 从望月医院到… is a way past it.
  if (phrase.measured) return 'problem'
  let before = text.slice(Math.max(0, phrase.start - 16), phrase.start)
  // 我住青荷区采莲街12号: the district stands between.
  if (areas) before = before.replace(/[^,，。!！?？;；\s]{1,4}(?:区|街道|社区|市)$/, '')
  if (home.test(before) || resident.test(text.slice(phrase.end, phrase.end + 4))) return 'home'
  return problem.test(before) ? 'problem' : null
}

function doubts(reading: Reading, best: Weighed, others: readonly Weighed[]): string[] {
  const { text, gazetteer } = reading
  const why: string[] = []
  const [first] = best.phrase.found
  if (best.cue === 'home' && !atHome.test(text.slice(best.phrase.end))) {
    why.push(`"${phraseText(best.phrase, text)}" may be only where the writer lives`)
  }
  const way = /(?:到|至|去)$/.test(text.slice(0, best.phrase.start))
  if (way && others.some(({ phrase }) => phrase.end <= best.phrase.start && best.phrase.start - phrase.end <= 3)) {
    why.push('it is one end of a way')
  }
  const rivalry = others.find(({ phrase, cue, weight }) => {
    const [other] = phrase.found
    if (first === undefined || other === undefined || cue === 'home' || phrase.narrow < 3) return false
    if (best.cue === 'problem' && cue !== 'problem') return false
    // Two houses are two places however near; a house and a landmark beside it may be one.
    const oneM = best.phrase.narrow > 5 && phrase.narrow > 5 ? 30 : 250 + first.accuracyM + other.accuracyM
    return best.weight - weight < 3 && gazetteer.plan.distanceM(first, other) > oneM
  })
  if (rivalry !== undefined) why.push(`"${phraseText(rivalry.phrase, text)}" is another place`)
  return why
}

/** The district, street or community that is named decides between places of one name, and makes others doubtful. */
function inNamedArea(city: City, found: readonly Found[], areas: readonly Area[], steps: string[]): readonly Found[] {
  if (areas.length === 0) return found
  const judged = found.map((one) => {
    const code = one.how === 'area' ? null : (city.locate(one, null)?.community.code ?? null)
    return { one, fits: code === null || areas.every((area) => code.startsWith(area.code) || isNear(city, one, area)) }
  })
  const fitting = judged.filter(({ fits }) => fits).map(({ one }) => one)
  const names = areas.map((area) => area.name).join('')
  if (fitting.length === 0) {
    steps.push(`${names} is named, but the place is not there`)
    return found.map((one) => ({ ...one, sure: false, confidence: round(one.confidence * 0.75) }))
  }
  if (fitting.length === found.length) return found
  steps.push(`${names} decides between ${found.length} places of one name`)
  const [only, more] = fitting
  return more === undefined && only !== undefined ? [{ ...only, sure: true, confidence: 0.9 }] : fitting
}

/** Writers do not know borders to the metre: a road along one is in both areas. */
function isNear(city: City, point: Found, area: Area): boolean {
  const { plan } = city.gazetteer
  const rim = 60
  const spots = [
    plan.moved(point, rim, 0),
    plan.moved(point, -rim, 0),
    plan.moved(point, 0, rim),
    plan.moved(point, 0, -rim),
  ]
  return spots.some((spot) => city.locate(spot, null)?.community.code.startsWith(area.code) === true)
}
