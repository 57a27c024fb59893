import type { WordRole } from '../../city/city.ts'
import type { Concept, Word } from './category-vocabulary.ts'
import type { Found } from './word-trie.ts'

/**
 * How much of a word's meaning is left where it stands. `place`: the thing is only where something else is (`垃圾桶旁边的…`);
 * `container`: on or in it something is (`路灯杆上…`), which pairs may speak of (`河里+垃圾`); `agent`: it did it (`被车撞了`);
 * `name`: part of a name (`石桥路`); `part`: of the thing before it, which is what it is about (`地道的台阶`).
 */
export type Standing = 'plain' | 'place' | 'container' | 'agent' | 'name' | 'part'

export interface Item extends Found<Word> {
  readonly clause: number
  readonly standing: Standing
  /** `没有小广告`, `不是井盖`. */
  readonly negated: boolean
  /** `没有垃圾桶`: of a thing it says that it is missing, if nothing else does. */
  readonly lacked: boolean
  /** Written by its sound, with other characters. */
  readonly guessed: boolean
}

const clauseEnd = /[,。!?;\n:~…()[\]{}【】]| (?!\d)/
/** Most of what stands between two words has none of these, and need not be looked at closely. */
const maybeDenied = /[没不未无非别]/
const maybeWhither = /[在到往从进朝着过于近]/
const maybeAgent = /[被让给由因]/
const maybePlace = /^[的旁边附对斜隔周四前后门那这处东南西北左右外往向一不拐转口上里中内下底顶身表]/
const maybeName = /^[东南西北中一二三新花路街巷大小社公广家名雅镇弄]/

const place =
  /^(的)?(旁边|旁侧|旁|边上|边儿|边(?![坡框缘角])|附近|对面|对过|斜对|隔壁|周边|周围|四周|前面|后面|前头|后头|前边|后边|门口|大门|门前|那边|那里|那儿|那块|那头|这边|这里|这儿|处(?!理|罚|置|于|分)|[东南西北左右][侧边面]|外面|外侧|往?[东南西北向](?=[走\d一二两三四五六七八九十百几约])|一带|不远|拐角|转角|前(?!天|几|年|两|段|期)|后(?!来|期|果|续|天)|口(?![子香]))/
const container =
  /^(的)?(上面|上边|上方|上(?!次|个|周|月|面|班|下|学|午)|里面|里边|里头|里(?!程|弄)|中间|中(?!断|午|心)|内(?!涝)|下面|下边|下方|底下|底部|下(?!雨|雪|沉|陷|来|去|班|午|水|面|个|次)|顶上|顶部|身上|表面)/
const nameEnd =
  /^(东|西|南|北|中|一|二|三|新|花)?(路(?![灯面边牙沿上中口砖基障])|街(?![上面边灯道])|巷(?!子)|大道|大街|小区|社区|新村|新苑|花园|花苑|公寓|广场(?!舞)|家园|名苑|雅苑|镇|弄(?!堂|坏|得|成|了|脏))/

const denial =
  /(没有|没|未发现|未见|并?不是|并?不存在|没发生|没出现|不关|不算|并非|而非|别说|无|非)(什么|任何|啥|见过?|看到|发现|因为|说|指|要|人在?)?(的)?[一个块只处条种是的]?$/
const denialOfTrouble = /(没有|没|并?未|并?不(?!知|停|断|得)|别|无)(什么|再|怎么|太|很|被|是|会)?$/
const correction = /(而)?是/
/** Where something is or goes: things may be said to be in it, and no trouble is its own (`堵在地铁口`). */
const whither = /(在|到|往|从|进|朝|对着|路过|经过|位于|靠近|临近|挨着)(了|这个|那个|我家|我们|人家的?)?$/
const agent = /(被|让|给|由|因为?)(一?[辆个只条台]|那|这|人家?的?)?$/

/** What each word does in its sentence. Knows grammar and no word of the city. */
export function readSentence(text: string, found: readonly (Found<Word> & { readonly guessed: boolean })[]): Item[] {
  const items: Item[] = []
  let clause = 0
  let clauseStart = 0
  let end = 0
  const denies = text.includes('不是')
  for (let index = 0; index < found.length; index++) {
    const one = found[index]
    if (one === undefined) continue
    let before = one.from > end ? text.slice(end, one.from) : ''
    if (before !== '' && clauseEnd.test(before)) {
      const parts = before.split(clauseEnd)
      clause += parts.length - 1
      before = parts.at(-1) ?? ''
      clauseStart = one.from - before.length
    }
    const next = found[index + 1]
    const denied =
      before !== '' && maybeDenied.test(before) && (one.word.trouble ? denialOfTrouble : denial).test(before)
    const lacks = denied && /(没有|没|无)(什么|任何)?[一个块只处条种]?$/.test(before) && hasRole(one.word, 'object')
    // 没有井盖丢失 denies the loss; 没有井盖 is one.
    const trouble = next !== undefined && next.from - one.to <= 1 && next.word.trouble
    items.push({
      from: one.from,
      to: one.to,
      word: one.word,
      guessed: one.guessed,
      clause,
      standing: standingOf(text, clauseStart, before, one, next),
      negated: (denied && !(lacks && !trouble)) || (denies && inDenial(text, clauseStart, one.from, items, clause)),
      lacked: lacks && !trouble,
    })
    end = one.to
    joinPart(text, items)
  }
  return items
}

const joint = /^(的|[上里内边下](面|头)?的?|底下的?|那个|那块|这个|口的?)?[那这]?[个块根]?[小大铁木石矮高旧老]?$/

/** From a thing at the end of a clause to a part at the beginning of the next. */
const aside = /^[,、]([那这它]个?的?|上面的?|底下的?|里面的?|上头的?)?$/

/** `隧道里的灯`, `花坛的砖`: the thing is whole again as what the sentence is about, and its part says no more than that. */
function joinPart(text: string, items: Item[]): void {
  const whole = items.at(-2)
  const part = items.at(-1)
  if (whole === undefined || part === undefined || !part.word.part) return
  if (!hasRole(whole.word, 'object') || whole.negated || whole.standing === 'agent' || whole.standing === 'name') return
  const known = whole.word.senses.some(({ role, concept }) => role === 'object' && concept.categories.length > 0)
  const between = text.slice(whole.to, part.from)
  // 那个空气监测站，围栏倒了: named in a clause of its own, it is what the next one is about.
  const topic = part.clause - whole.clause === 1 && whole.standing === 'plain' && aside.test(between)
  if (!known || !(topic || (part.clause === whole.clause && joint.test(between)))) return
  items[items.length - 2] = { ...whole, standing: 'plain' }
  items[items.length - 1] = { ...part, standing: 'part' }
}

/** `不是井盖的问题` denies all that follows it in the clause, until `是` says what it is instead. */
function inDenial(text: string, clauseStart: number, from: number, items: readonly Item[], clause: number): boolean {
  const at = text.lastIndexOf('不是', from)
  if (at < clauseStart) return false
  const head = text.slice(clauseStart, from)
  const denied = at - clauseStart
  if (
    denied < 0 ||
    /[吗么是]/.test(head[denied - 1] ?? '') ||
    /^不是(一|两|很|第|太|我|你|都|说)/.test(head.slice(denied))
  )
    return false
  if (
    items.some((item) => item.clause === clause && item.from - clauseStart <= denied && item.to - clauseStart > denied)
  )
    return false
  return !correction.test(head.slice(denied + 2))
}

function standingOf(
  text: string,
  clauseStart: number,
  before: string,
  one: Found<Word>,
  next: Found<Word> | undefined,
): Standing {
  const { thing, trouble } = one.word
  // Where a trouble stands is where its thing does.
  if (trouble && !thing) return 'plain'
  const behind = next !== undefined && next.from === one.to ? '' : text.slice(one.to, one.to + 8)
  if (thing && maybeName.test(behind) && nameEnd.test(behind)) return 'name'
  if (before !== '' && maybeAgent.test(before) && agent.test(before)) return 'agent'
  if (maybePlace.test(behind)) {
    if (place.test(behind)) return 'place'
    if (container.test(behind)) return 'container'
  }
  if (!thing) return 'plain'
  const ahead = text.slice(Math.max(clauseStart, one.from - 5), one.from)
  return maybeWhither.test(ahead) && whither.test(ahead) ? 'container' : 'plain'
}

export function hasRole(word: Word, role: WordRole): boolean {
  for (const sense of word.senses) if (sense.role === role) return true
  return false
}

/** Concepts that an item names as a thing. */
export function thingsOf({ word }: Item): Concept[] {
  const things: Concept[] = []
  for (const { role, concept } of word.senses) if (role === 'object' || role === 'topic') things.push(concept)
  return things
}
