import type { PlaceCandidate } from '../../case-intent.ts'
import type { Gazetteer } from '../../city/gazetteer.ts'
import type { Mention } from './mentions.ts'

/** A place that some words mean, before the city is asked for its grid. */
export interface Found extends Omit<PlaceCandidate, 'grid'> {
  /** Nothing in the words leaves room for another place. */
  readonly sure: boolean
}

/** Words of a text that name one place, or that could name one of several. */
export interface Phrase {
  readonly start: number
  readonly end: number
  /** How narrow the words are: a house 6, an area 1. */
  readonly narrow: number
  /** A distance from a named place was read with it. */
  readonly measured?: true
  /** The likeliest first. */
  readonly found: readonly Found[]
}

/** What the readers of phrases read from. */
export interface Reading {
  readonly text: string
  readonly gazetteer: Gazetteer
  readonly mentions: readonly Mention[]
  readonly steps: string[]
}

/** A name that was only heard counts for less, the more of it is written otherwise. */
export function trust(confidence: number, ...mentions: readonly Mention[]): number {
  return round(mentions.reduce((left, { heard }) => left * (heard === null ? 1 : 0.72 + 0.2 * heard), confidence))
}

/** Heard names are relied on where most of the name is right and it is long enough to be no other word. */
export function sound(...mentions: readonly Mention[]): boolean {
  return mentions.every(({ heard, name }) => heard === null || (heard >= 0.6 && name.length >= 3))
}

export function spelling({ heard, name }: Mention, text: string, start: number, end: number): string {
  return heard === null ? '' : `, ${text.slice(start, end)} taken for ${name}`
}

export function round(confidence: number): number {
  return Math.round(confidence * 100) / 100
}

const leadsToPlace = /(?:在|到|去|从|路过|经过|位于|靠近|地址|地点|离|[:：,，。!！#\s]|^)$/
const followsPlace =
  /^(?:的?(?:门口|大?门|旁|边|附近|对面|后面|前面|东|南|西|北|里面|这边|那边|这里|那里|路口|一带|隔壁|楼下|内|里|往|,|，|$))/

/** A short name may be another word, or part of one: 一院, 雅苑. Its surroundings must say that it is a place. */
export function namesPlace(text: string, { start, end }: Mention): boolean {
  if (end - start > 2) return true
  return leadsToPlace.test(text.slice(Math.max(0, start - 3), start)) && followsPlace.test(text.slice(end, end + 3))
}
