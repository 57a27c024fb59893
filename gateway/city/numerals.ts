export interface Numeral {
  readonly value: number
  /** Offset behind it. */
  readonly end: number
  readonly written: 'digits' | 'chinese'
}

const chineseDigits: Readonly<Record<string, number>> = {
  零: 0,
  〇: 0,
  一: 1,
  二: 2,
  两: 2,
  三: 3,
  四: 4,
  五: 5,
  六: 6,
  七: 7,
  八: 8,
  九: 9,
}
const powers: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1000 }

/** A number as people write one: 120, 一百二十, 一二〇, 两百三, 廿三 is not one any more. At most 99,999 in digits. */
export function numeralAt(text: string, at: number): Numeral | null {
  let end = at
  while (isDigit(text.charCodeAt(end))) end++
  if (end > at) return end - at > 5 ? null : { value: Number(text.slice(at, end)), end, written: 'digits' }
  while (isChinese(text[end])) end++
  if (end === at) return null
  const value = chineseValue(text.slice(at, end))
  return value === null ? null : { value, end, written: 'chinese' }
}

export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

function isChinese(char: string | undefined): boolean {
  return char !== undefined && (char in chineseDigits || char in powers)
}

function chineseValue(words: string): number | null {
  if (words.length > 9) return null
  let total = 0
  let digit: number | null = null
  let plain = ''
  let lastPower = 1
  for (const char of words) {
    const power = powers[char]
    if (power === undefined) {
      plain += chineseDigits[char] ?? 0
      digit = chineseDigits[char] ?? 0
      continue
    }
    total += (digit ?? 1) * power
    digit = null
    lastPower = power
    plain = ''
  }
  if (lastPower === 1) return plain.length > 5 ? null : Number(plain)
  // 一百二 is 120, 一百零二 is 102.
  const short = digit !== null && plain.length === 1 && lastPower > 10
  return total + (digit === null ? 0 : short ? (digit * lastPower) / 10 : digit)
}
