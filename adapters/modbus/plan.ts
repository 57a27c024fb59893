import { isBits, type ReadFunction, type ReadRequest } from './pdu.ts'
import type { Point, RegisterMap } from './register-map.ts'
import { wordsOf } from './words.ts'

/** Coils or registers that a point takes. */
export const spanOf = ({ fn, type }: Point): number => (isBits(fn) ? 1 : wordsOf(type))

const mostBits = 2000

/** The fewest requests that read every point of a map, by function and address; neighbours go together. */
export function planRequests({ points, most, gap }: Pick<RegisterMap, 'points' | 'most' | 'gap'>): ReadRequest[] {
  const requests: { fn: ReadFunction; address: number; count: number }[] = []
  for (const point of [...points].sort((a, b) => a.fn - b.fn || a.address - b.address || spanOf(a) - spanOf(b))) {
    const { fn, address } = point
    const end = address + spanOf(point)
    const last = requests.at(-1)
    const limit = isBits(fn) ? Math.min(mostBits, most * 16) : Math.max(most, spanOf(point))
    const joins =
      last !== undefined &&
      last.fn === fn &&
      address - (last.address + last.count) <= gap &&
      Math.max(end, last.address + last.count) - last.address <= limit
    if (joins) last.count = Math.max(last.count, end - last.address)
    else requests.push({ fn, address, count: end - address })
  }
  return requests
}
