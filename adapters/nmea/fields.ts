import { GatewayError, quote } from '../../gateway/errors.ts'

/**
 * The fields of NMEA 0183 sentences, checked before a value is believed. An empty field means "not available"
 * (IEC 61162-1, 7.2.3.4) and is `null`; a zero in its place would put the vehicle on the equator.
 */

export function malformed(field: string, text: string): GatewayError {
  return new GatewayError('DECODE_FIELD', `NMEA ${field}: ${quote(text)}`)
}

/** Makes up the empty fields at the end: receivers of older editions leave them out. In place, since it is the hot path. */
export function complete(sentence: string, fields: string[], least: number, all: number): string[] {
  if (fields.length < least) {
    throw new GatewayError(
      'DECODE_FIELD',
      `NMEA ${sentence}: ${fields.length - 1} fields, at least ${least - 1} needed`,
    )
  }
  while (fields.length < all) fields.push('')
  return fields
}

/** `value` is what the library made of `text`; it stands only where the text is a number. */
export function decimal(field: string, text: string | undefined, value: number | undefined): number | null {
  if (text === undefined || text === '') return null
  if (!isDecimal(text) || value === undefined || !Number.isFinite(value)) throw malformed(field, text)
  return value
}

export function positive(field: string, text: string | undefined, value: number | undefined): number | null {
  const number = decimal(field, text, value)
  if (number !== null && number < 0) throw malformed(field, text ?? '')
  return number
}

/** Digits with at most one point and a sign before them. By hand: half the time of a sentence went into expressions. */
function isDecimal(text: string): boolean {
  const first = text.charCodeAt(0)
  const from = first === 0x2b || first === 0x2d ? 1 : 0
  const whole = digitsFrom(text, from)
  if (whole === text.length) return whole > from
  if (text.charCodeAt(whole) !== 0x2e) return false
  const end = digitsFrom(text, whole + 1)
  return end === text.length && end - from > 1
}

/** The index behind the digits that begin at `from`. */
function digitsFrom(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x39) break
    at++
  }
  return at
}

/** Some digits, at least `least` and at most `most`, then nothing or a point and more digits. */
function isFixed(text: string, least: number, most: number): boolean {
  const whole = digitsFrom(text, 0)
  if (whole < least || whole > most) return false
  return whole === text.length || (text.charCodeAt(whole) === 0x2e && digitsFrom(text, whole + 1) === text.length)
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30
}

/** Degrees of a course, 0 to 360. */
export function course(field: string, text: string | undefined, value: number | undefined): number | null {
  const degrees = positive(field, text, value)
  if (degrees !== null && degrees > 360) throw malformed(field, text ?? '')
  return degrees
}

/** One of the letters or digits in `allowed`. */
export function letter(field: string, text: string | undefined, allowed: string): string | null {
  if (text === undefined || text === '') return null
  if (text.length !== 1 || !allowed.includes(text)) throw malformed(field, text)
  return text
}

/** `A` is a fix. With `V` the position is not read at all: receivers fill it with 9000.0, 36000.0 or the last known. */
export function status(field: string, text: string | undefined): boolean | null {
  const word = letter(field, text, 'AV')
  return word === null ? null : word === 'A'
}

/** `ddmm.mmm`: degrees and minutes, then the hemisphere. The library lets minute 99, latitude 99 and hemisphere Q pass. */
export function latitude(
  sentence: string,
  text: string | undefined,
  hemisphere: string | undefined,
  value: number,
): number | null {
  return angle(`${sentence} latitude`, 4, 'NS', 90, text, hemisphere, value)
}

export function longitude(
  sentence: string,
  text: string | undefined,
  hemisphere: string | undefined,
  value: number,
): number | null {
  return angle(`${sentence} longitude`, 5, 'EW', 180, text, hemisphere, value)
}

function angle(
  field: string,
  mostDigits: number,
  hemispheres: string,
  limit: number,
  text = '',
  hemisphere = '',
  value: number,
): number | null {
  if (text === '') return null
  if (hemisphere.length !== 1 || !hemispheres.includes(hemisphere)) throw malformed(`${field} hemisphere`, hemisphere)
  if (!isFixed(text, 3, mostDigits) || Math.abs(value) > limit) throw malformed(field, text)
  if (twoDigits(text, digitsFrom(text, 0) - 2) > 59) throw malformed(field, text)
  return value
}

/** The library reads degrees and minutes without a decimal point as 0. */
export function withPoint(fields: string[], ...indexes: number[]): void {
  for (const index of indexes) {
    const text = fields[index]
    if (text && !text.includes('.')) fields[index] = `${text}.`
  }
}

/** `hhmmss` with any number of decimals; milliseconds of the UTC day. Second 60 is a leap second. */
export function timeOfDay(field: string, text: string | undefined): number | null {
  if (text === undefined || text === '') return null
  if (!isFixed(text, 6, 6)) throw malformed(field, text)
  const hours = twoDigits(text, 0)
  const minutes = twoDigits(text, 2)
  const seconds = twoDigits(text, 4)
  if (hours > 23 || minutes > 59 || seconds > 60) throw malformed(field, text)
  const ms = text.length > 7 ? Math.round(Number(text.slice(6)) * 1000) : 0
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
}

/** `ddmmyy` as an ISO date. Two digits of the year: the system has run since 1980, so 80 to 99 are of the last century. */
export function shortDate(field: string, text: string | undefined): string | null {
  if (text === undefined || text === '') return null
  if (text.length !== 6 || digitsFrom(text, 0) !== 6) throw malformed(field, text)
  const year = twoDigits(text, 4)
  return calendarDate(field, text, year + (year < 80 ? 2000 : 1900), twoDigits(text, 2), twoDigits(text, 0))
}

/** A day that exists, as `2026-05-31`. */
export function calendarDate(field: string, text: string, year: number, month: number, day: number): string {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  if (!(year >= 1980 && year <= 2999 && month >= 1 && month <= 12 && day >= 1 && day <= days)) {
    throw malformed(field, text)
  }
  return `${year}-${two(month)}-${two(day)}`
}

export function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

export function writeDecimal(value: number | null, decimals: number): string {
  return value === null ? '' : value.toFixed(decimals)
}

export function writeTime(ms: number | null): string {
  if (ms === null) return ''
  const seconds = Math.floor(ms / 1000)
  const whole = two(Math.floor(seconds / 3600)) + two(Math.floor(seconds / 60) % 60) + two(seconds % 60)
  return `${whole}.${String(ms % 1000).padStart(3, '0')}`
}

export function writeShortDate(date: string | null): string {
  return date === null ? '' : date.slice(8, 10) + date.slice(5, 7) + date.slice(2, 4)
}

/** Whole hundred-thousandths of a minute first: rounding the minutes alone can write 60.00000. */
export function writeAngle(degrees: number | null, digits: 2 | 3): string {
  if (degrees === null) return ','
  const units = Math.round(Math.abs(degrees) * 6_000_000)
  const whole = String(Math.floor(units / 6_000_000)).padStart(digits, '0')
  const minutes = ((units % 6_000_000) / 100_000).toFixed(5).padStart(8, '0')
  const hemisphere = digits === 2 ? (degrees < 0 ? 'S' : 'N') : degrees < 0 ? 'W' : 'E'
  return `${whole}${minutes},${hemisphere}`
}
