import { z } from 'zod'
import { digits, text } from './cells.ts'
import type { Place } from './city.ts'
import type { CityReader } from './reader.ts'

const subNumberColumns = z.object({
  number: z.string().regex(/^[0-9]{3,20}$/, 'must be 3 to 20 digits'),
  district: digits(6),
  name: text(),
})

/** The districts' sub-numbers of the hotline, by number. */
export function readSubNumbers(reader: CityReader, districts: ReadonlyMap<string, Place>): Map<string, Place> {
  const subNumbers = new Map<string, Place>()
  for (const row of reader.rows('sub-numbers', subNumberColumns)) {
    const { number, district } = row.value
    reader.refer('districts', district, row, 'column district')
    if (!reader.define('sub-numbers', number, row)) continue
    const place = districts.get(district)
    if (place !== undefined) subNumbers.set(number, place)
  }
  return subNumbers
}

/** Access number and extension: a number that ends with a sub-number is one, 106575 before it or not. */
export function subNumberIn(subNumbers: ReadonlyMap<string, Place>, number: string): Place | null {
  for (const [subNumber, district] of subNumbers) if (number.endsWith(subNumber)) return district
  return null
}
