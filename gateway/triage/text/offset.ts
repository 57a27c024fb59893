import { numeralAt } from '../../city/numerals.ts'

/** What a text says behind the name of a place: which way from it, how far, and how near. */
export interface Offset {
  readonly eastM: number
  readonly northM: number
  /** Metres that the place is less sure by. */
  readonly widerM: number
  readonly end: number
  /** A distance was named. */
  readonly measured: boolean
  /** 附近, 一带: nobody could stand on the spot. */
  readonly vague: boolean
}

const directions: Readonly<Record<string, readonly [east: number, north: number]>> = {
  东: [1, 0],
  西: [-1, 0],
  南: [0, -1],
  北: [0, 1],
  东南: [Math.SQRT1_2, -Math.SQRT1_2],
  东北: [Math.SQRT1_2, Math.SQRT1_2],
  西南: [-Math.SQRT1_2, -Math.SQRT1_2],
  西北: [-Math.SQRT1_2, Math.SQRT1_2],
}

const way = '(?<way>东南|东北|西南|西北|南东|[东西南北])'
const toward = new RegExp(
  `(?:[,，]?(?:再|然后)?(?:沿[^,，。]{0,5})?(?:往|向|朝|以|偏|靠|路|的)?)${way}(?<word>侧|边|面|方向|方|头|端|角|部|门口|大门口|大门|门|走|行)?`,
  'y',
)
const about = /[,，]?(?:走|行|的|过去)?(?:大约|大概|约|差不多|将近|近|不到|相距|有个|有)?/y
const near: readonly (readonly [RegExp, number, boolean])[] = [
  [/(?:斜对面|斜对过)/y, 30, false],
  [/(?:正?对面|对过|对门)/y, 25, false],
  [/(?:大?门口|门前|门外|楼下|大门处?|正门|门口处)/y, 5, false],
  [/(?:旁边|旁|边上|隔壁|边|侧)/y, 20, false],
  [/(?:后面|后门|背后|后边|前面|前边|门后)/y, 30, false],
  [/(?:附近|一带|段|周边|周围|这边|那边|这一片|这块|那块|左右)/y, 50, true],
]
const filler = /(?:出来|出门|出去|过来|过去)?(?:的|那个|处|上|里面|里|内)?/y
/** A gate without a distance is at the edge of the place; a side is beside it. */
const cornerM = 15

/** Reads what follows a place; `reachM` is how far the place itself extends. `null`: nothing of the kind follows. */
export function offsetAt(text: string, from: number, reachM: number): Offset | null {
  let at = from
  let [eastM, northM, widerM] = [0, 0, 0]
  let measured = false
  let vague = false
  for (let parts = 0; parts < 4; parts++) {
    const start = after(filler, text, at)
    const direction = match(toward, text, start)
    const [east, north] = directions[direction?.groups?.way ?? ''] ?? [0, 0]
    const word = direction?.groups?.word ?? ''
    const metres = metresAt(text, start + (direction?.[0].length ?? 0))
    if (direction !== null && metres !== null) {
      eastM += east * metres.value
      northM += north * metres.value
      widerM += Math.max(10, metres.value * 0.15)
      measured = true
      at = metres.end
      continue
    }
    if (direction !== null && isPlaced(direction[0], word)) {
      const aside =
        word === '角'
          ? cornerM * Math.SQRT2
          : /门/.test(word)
            ? Math.min(60, reachM * 0.6)
            : Math.max(15, Math.min(60, reachM * 0.6))
      eastM += east * aside
      northM += north * aside
      widerM += aside * 0.5
      at = start + direction[0].length
      continue
    }
    if (metres !== null && /^(?:处|左右|远|的地方|外|开外|范围|内|以内)/.test(text.slice(metres.end, metres.end + 3))) {
      widerM += metres.value
      vague = true
      at = metres.end
      continue
    }
    const beside = near.find(([pattern]) => after(pattern, text, start) > start)
    if (beside === undefined) break
    widerM += beside[1]
    vague ||= beside[2]
    at = after(beside[0], text, start)
  }
  return at === from ? null : { eastM, northM, widerM, end: at, measured, vague }
}

/** 东 alone may begin another word (东西, 东关街); 东侧, 以东 and 东门 are sides. */
function isPlaced(words: string, word: string): boolean {
  return (word !== '' && word !== '走' && word !== '行' && word !== '方向') || /以.{1,2}$/.test(words)
}

/** 50米, 五十米, 五十来米, 100多米, 百米, 1公里, 0.5公里; a number that is no length is none. */
export function metresAt(text: string, from: number): { readonly value: number; readonly end: number } | null {
  const start = after(about, text, from)
  const whole = numeralAt(text, start) ?? (text[start] === '百' ? { value: 100, end: start + 1 } : null)
  if (whole === null) return null
  const fraction = match(/[.](\d)/y, text, whole.end)
  const amount = whole.value + (fraction === null ? 0 : Number(fraction[1]) / 10)
  const unit = match(
    /(?:来|多|几|余)?(?<unit>米|m(?![a-z])|公尺|公里|千米|km|里路)/y,
    text,
    whole.end + (fraction?.[0].length ?? 0),
  )
  if (unit === null) return null
  const size = { 公里: 1000, 千米: 1000, km: 1000, 里路: 500 }[unit.groups?.unit ?? ''] ?? 1
  const rest = match(/(?:左右|上下|处|的地方|远)?/y, text, unit.index + unit[0].length)
  return { value: amount * size, end: unit.index + unit[0].length + (rest?.[0] === '左右' ? 2 : 0) }
}

export function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** The offset behind a pattern, or `at` where it does not match. */
export function after(pattern: RegExp, text: string, at: number): number {
  return at + (match(pattern, text, at)?.[0].length ?? 0)
}
