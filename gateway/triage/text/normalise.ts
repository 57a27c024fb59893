import { Converter } from 'opencc-js/t2cn'

/**
 * A text as readers compare it: half width, simplified characters, small Latin letters, one blank or line feed for any
 * run of them, one mark for a repeated mark. Numerals stay as they are written.
 */
export interface Normalised {
  readonly text: string
  readonly original: string
  /** UTF-16 offset in `original` at which each unit of `text` begins, and one more: where the text ends. `null`: the same. */
  readonly starts: Uint32Array | null
}

const dropped = 0xffff
const expanded = 0xfffe
const blank = 0x20
const lineFeed = 0x0a
const hash = 0x23

/** One UTF-16 unit to one; `dropped` and `expanded` are no characters in Unicode. */
let table: Uint16Array | null = null
/** What one unit becomes where that is several: ㎡, ㈠, ℃. */
const expansions = new Map<number, string>()

/** Never throws; lone surrogates and control characters are taken for what they are: blanks. Linear in the text. */
export function normalise(original: string): Normalised {
  table ??= makeTable()
  const units: number[] = []
  const starts: number[] = []
  let changed = false
  for (let at = 0; at < original.length; at++) {
    const unit = original.charCodeAt(at)
    const code = table[unit] ?? unit
    if (code === dropped) {
      changed = true
      continue
    }
    if (code === expanded) {
      for (const part of expansions.get(unit) ?? '') push(units, starts, part.charCodeAt(0), at)
      changed = true
      continue
    }
    if (code !== unit) changed = true
    if (!push(units, starts, code, at)) changed = true
  }
  if (units.includes(blank) && closeGaps(units, starts)) changed = true
  if (!changed) return { text: original, original, starts: null }
  starts.push(original.length)
  return { text: textOf(units), original, starts: Uint32Array.from(starts) }
}

/** The sender's own words for a part of the normalised text. */
export function originalOf({ original, starts }: Normalised, from: number, to: number): string {
  if (starts === null) return original.slice(from, to)
  const first = starts[from] ?? original.length
  const last = to > from ? (starts[to - 1] ?? original.length - 1) : first
  // What was dropped between two characters belongs to the quotation, what follows the last one does not.
  const next = original.codePointAt(last)
  return to > from ? original.slice(first, last + (next !== undefined && next > 0xffff ? 2 : 1)) : ''
}

/** The normalised words alone, for tables that are compared with normalised texts. */
export function normalised(words: string): string {
  return normalise(words).text.trim()
}

/** False: the unit repeats the one before and is left out. */
function push(units: number[], starts: number[], code: number, at: number): boolean {
  const before = units.at(-1)
  if (code === blank && (before === blank || before === lineFeed)) return false
  if (code === lineFeed && before === blank) {
    units[units.length - 1] = lineFeed
    return false
  }
  // `姓名##内容` has an empty field between its marks.
  if (code === before && code !== hash && isMark(code)) return false
  units.push(code)
  starts.push(at)
  return true
}

/** Blanks in `路 灯 不 亮` and `文昌路 120 号` part nothing; between two whole words they do. */
function closeGaps(units: number[], starts: number[]): boolean {
  let kept = 0
  const before = units.length
  const lone = (at: number) => isHan(units[at]) && isGap(units[at - 1]) && isGap(units[at + 1])
  const parts: boolean[] = units.map(
    (unit, at) =>
      unit !== blank ||
      !(
        (lone(at - 1) && isHan(units[at + 1])) ||
        (lone(at + 1) && isHan(units[at - 1])) ||
        (isHan(units[at - 1]) && isDigit(units[at + 1])) ||
        (isDigit(units[at - 1]) && isHan(units[at + 1]))
      ),
  )
  for (let at = 0; at < before; at++) {
    if (parts[at] !== true) continue
    units[kept] = units[at] ?? blank
    starts[kept++] = starts[at] ?? 0
  }
  units.length = kept
  starts.length = kept
  return kept !== before
}

function textOf(units: readonly number[]): string {
  if (units.length <= 1024) return String.fromCharCode(...units)
  const parts: string[] = []
  for (let at = 0; at < units.length; at += 1024) parts.push(String.fromCharCode(...units.slice(at, at + 1024)))
  return parts.join('')
}

function isGap(unit: number | undefined): boolean {
  return unit === undefined || unit === blank || unit === lineFeed
}

function isHan(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 0x3400 && unit <= 0x9fff
}

function isDigit(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 0x30 && unit <= 0x39
}

function isMark(unit: number): boolean {
  return unit === lineFeed || /[\p{P}\p{S}]/u.test(String.fromCharCode(unit))
}

/**
 * opencc's converter takes 13 µs a message, since it looks for phrases at every character; asked once for each character
 * it gives a table. Its phrases choose between simplified words, never between readings that matter here.
 */
function makeTable(): Uint16Array {
  const made = new Uint16Array(0x10000)
  const simplify = Converter({ from: 't', to: 'cn' })
  const han: string[] = []
  for (let unit = 0x3400; unit <= 0x9fff; unit++) han.push(String.fromCharCode(unit))
  const simplified = simplify(han.join('\n')).split('\n')
  for (let unit = 0; unit < made.length; unit++) {
    const own = simplified[unit - 0x3400]
    made[unit] = unit >= 0x3400 && unit <= 0x9fff ? (own?.length === 1 ? own.charCodeAt(0) : unit) : narrow(unit)
  }
  return made
}

function narrow(unit: number): number {
  const character = String.fromCharCode(unit)
  if (unit >= 0xd800 && unit <= 0xdfff) return unit
  if (unit === 0x0a || unit === 0x0d || unit === 0x2028 || unit === 0x2029 || unit === 0x0b) return lineFeed
  if (/[\p{Z}\p{Cc}]/u.test(character)) return blank
  if (/\p{Cf}|\p{Cn}|\p{Variation_Selector}/u.test(character)) return dropped
  const plain = character.normalize('NFKC').toLowerCase()
  if (plain.length === 1) return plain.charCodeAt(0)
  expansions.set(unit, plain)
  return expanded
}
