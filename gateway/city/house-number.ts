import { isDigit, numeralAt } from './numerals.ts'

/** A house on a road: 12弄3号之1 is lane 12, number 3, sub 1; 0 where there is none. */
export interface HouseNumber {
  readonly lane: number
  readonly number: number
  readonly sub: number
}

export interface WrittenHouse extends HouseNumber {
  readonly end: number
  /** 号, 弄 or # stands behind it: without one it may be any number. */
  readonly marked: boolean
  readonly written: 'digits' | 'chinese'
}

const marks = '号#'
const laneMarks = '弄巷'
const dashes = '-—–－_~之'

/**
 * The house number that begins at an offset: 12号, 12-1号, 12号之3, 12号-3, 十二号, 12弄3号, 12#, 12弄. `null`: there is no
 * number. What the number may be otherwise (a date, a distance) is the reader's business.
 */
export function houseNumberAt(text: string, at: number): WrittenHouse | null {
  const first = numeralAt(text, at)
  if (first === null || first.value === 0) return null
  const behind = text[first.end]
  if (behind !== undefined && laneMarks.includes(behind)) {
    const inner = houseNumberAt(text, first.end + 1)
    if (inner?.marked === true && inner.lane === 0) return { ...inner, lane: first.value, written: first.written }
    return { lane: first.value, number: 0, sub: 0, end: first.end + 1, marked: true, written: first.written }
  }
  const { end, sub, marked } = subNumberAt(text, first.end)
  return { lane: 0, number: first.value, sub, end, marked, written: first.written }
}

function subNumberAt(text: string, at: number): { end: number; sub: number; marked: boolean } {
  const markedFirst = isMark(text[at])
  const dash = markedFirst ? at + 1 : at
  const joined = text[dash]
  if (joined !== undefined && dashes.includes(joined)) {
    const second = numeralAt(text, dash + 1)
    const closes = second !== null && isMark(text[second.end])
    if (second !== null && second.value > 0 && (markedFirst ? joined === '之' || !closes : true)) {
      return { end: second.end + (closes ? 1 : 0), sub: second.value, marked: markedFirst || closes }
    }
  }
  return { end: at + (markedFirst ? 1 : 0), sub: 0, marked: markedFirst }
}

function isMark(char: string | undefined): boolean {
  return char !== undefined && marks.includes(char)
}

export interface WrittenAddress {
  /** What stands before the number: the road, perhaps with its district. */
  readonly road: string
  readonly house: HouseNumber
}

const longestNumber = 16

/** An address of the city's table, 采莲街12号 or 青荷区柳荫路12弄3号; `null` when it ends in no house number. */
export function parseAddress(text: string): WrittenAddress | null {
  for (let at = Math.max(1, text.length - longestNumber); at < text.length; at++) {
    // A number begins where the character before is not part of it: 一〇一路5号 has its house at the 5.
    if (isDigit(text.charCodeAt(at)) && isDigit(text.charCodeAt(at - 1))) continue
    const house = houseNumberAt(text, at)
    if (house !== null && house.end === text.length && (house.marked || house.written === 'digits')) {
      return { road: text.slice(0, at), house }
    }
  }
  return null
}

export function houseText({ lane, number, sub }: HouseNumber): string {
  const house = number === 0 ? '' : `${number}${sub === 0 ? '' : `-${sub}`}号`
  return `${lane === 0 ? '' : `${lane}弄`}${house}`
}
