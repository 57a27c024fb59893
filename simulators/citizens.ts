import type { City } from '../gateway/city/city.ts'
import { type Complaint, complaints, crowdScheme } from './citizen-complaints.ts'
import { CitizenPlaces, type Whereabouts } from './citizen-places.ts'
import { seeded } from './seeded.ts'
import { TypingSlips } from './typing-slips.ts'

/** What a message is really about, in the scheme `crowdScheme`; the place's `grid` is `null` where the words name none. */
export interface Truth {
  readonly code: string
  readonly kind: 'component' | 'event'
  readonly grid: string | null
}

export interface CitizenMessage {
  /** Digits of an international number, without `+`, as an SMSC gives a sender. */
  readonly from: string
  readonly text: string
  /** `null`: it reports nothing, but asks the state of a query number. */
  readonly truth: Truth | null
}

const surnames = '王李张刘陈杨黄赵周吴徐孙马朱胡郭何林高罗'
const givenNames = ['秀英', '建国', '丽', '强', '敏', '桂兰', '志强', '婷', '军', '小红', '师傅', '阿姨']
const openings = ['', '', '', '', '你好，', '您好，我要反映一下，', '领导好，', '投诉！', '麻烦看一下，', '城管吗，']
const endings = [
  '',
  '',
  '',
  '，快来人',
  '，谢谢',
  '，请尽快处理',
  '。麻烦了',
  '！！！',
  '，没人管吗',
  '😡',
  '。电话10077776666',
]
const stories = [
  '我在这边住了二十多年，从来没见过这么乱的，',
  '跟物业说了，物业说不归他们管，跟社区说了，社区叫我找你们，',
  '上个礼拜我妈路过这里差点摔一跤，到现在腿还疼，',
  '每天接送孩子都要从这里过，实在是提心吊胆，',
  '前前后后打了好几次电话，每次都说会处理，到今天也没见人来，',
]

const slipShare = 0.08
const longShare = 0.06
const signedShare = 0.08
const doubledShare = 0.02
const askingShare = 0.05
const citizens = 5000

/**
 * A crowd of citizens who write to the city about what is wrong, each in their own way: the same seed, the same crowd. It
 * opens no socket; whoever sends a text tells the crowd what was answered, and some will ask by that number later.
 */
export class Citizens {
  readonly #random: () => number
  readonly #places: CitizenPlaces
  readonly #complaints: readonly Complaint[]
  readonly #shares: number
  readonly #slips: TypingSlips
  readonly #numbers: { readonly from: string; readonly queryNumber: string }[] = []
  #last: CitizenMessage | null = null

  constructor(city: City, seed: number) {
    this.#random = seeded(seed)
    this.#places = new CitizenPlaces(city, this.#random)
    const scheme = city.scheme(crowdScheme)
    this.#complaints = complaints.filter(({ kind, code }) => (scheme?.byCode(kind, code) ?? null) !== null)
    if (this.#complaints.length === 0) throw new Error(`${city.name} has no categories of ${crowdScheme}`)
    this.#shares = this.#complaints.reduce((sum, { share }) => sum + share, 0)
    this.#slips = new TypingSlips([...this.#places.names, ...this.#complaints.flatMap(({ sayings }) => sayings)])
  }

  /** What the gateway answered a citizen; nobody asks by a number that they were not given. */
  answered(from: string, queryNumber: string): void {
    this.#numbers.push({ from, queryNumber })
  }

  next(): CitizenMessage {
    if (this.#last !== null && this.#random() < doubledShare) {
      const doubled = this.#last
      this.#last = null
      return doubled
    }
    this.#last = (this.#random() < askingShare ? this.#asking() : null) ?? this.#complaining()
    return this.#last
  }

  #asking(): CitizenMessage | null {
    const [asked] = this.#numbers.splice(Math.floor(this.#random() * this.#numbers.length), 1)
    return asked === undefined ? null : { from: asked.from, text: asked.queryNumber, truth: null }
  }

  #complaining(): CitizenMessage {
    const from = `861000600${String(Math.floor(this.#random() * citizens)).padStart(4, '0')}`
    const complaint = this.#complaint()
    const saying = this.#slipped(this.#among(complaint.sayings))
    const place = this.#places.next()
    const { kind, code } = complaint
    return { from, text: this.#text(saying, place), truth: { kind, code, grid: place.grid } }
  }

  #complaint(): Complaint {
    let left = this.#random() * this.#shares
    const drawn = this.#complaints.find(({ share }) => {
      left -= share
      return left < 0
    })
    return drawn ?? this.#among(this.#complaints)
  }

  #text(saying: string, place: Whereabouts): string {
    const where = this.#misspelt(place.words)
    if (this.#random() < signedShare) {
      const name = `${this.#among([...surnames])}${this.#among(givenNames)}`
      return `${name}#${where}#${saying}`
    }
    const story = this.#random() < longShare ? `${this.#among(stories)}${this.#among(stories)}` : ''
    const comma = this.#among(['，', ' ', '，'])
    const told = where === '' ? [story + saying] : [where, story + saying]
    if (this.#random() < 0.4) told.reverse()
    return `${this.#among(openings)}${told.join(comma)}${this.#among(endings)}`
  }

  #slipped(words: string): string {
    return this.#random() < slipShare ? this.#slips.slip(words, this.#random) : words
  }

  /** A slip that makes the name of another place is no slip: 晴湾 and 清湾 sound alike, and nobody could tell. */
  #misspelt(words: string): string {
    const slipped = this.#slipped(words)
    if (slipped === words) return words
    const another = [...this.#places.names].some((name) => slipped.includes(name) && !words.includes(name))
    return another ? words : slipped
  }

  #among<T>(things: readonly T[]): T {
    const thing = things[Math.floor(this.#random() * things.length)]
    if (thing === undefined) throw new Error('there is nothing to choose from')
    return thing
  }
}
