import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * A message's id is a UUIDv7 of its time of receipt, which names the one partition to look in. Of any other uuid the
 * beginning is no time; it is looked for where nothing is.
 */
export function aroundId(id: string): { receivedAt: Date } {
  const digits = id.replaceAll('-', '')
  return { receivedAt: new Date(digits[12] === '7' ? Math.min(Number.parseInt(digits.slice(0, 12), 16), latestMs) : 0) }
}

/** The last year of four digits: what follows is written in a form that PostgreSQL does not read. */
const latestMs = Date.UTC(9999, 0)

const randomBytes = 16
// Random bytes are dear one by one; these are drawn for many ids at once.
const pool = Buffer.alloc(256 * randomBytes)
let drawn = pool.length

/** The id of something that is new now: a UUIDv7. */
export const newId = (): string => newMessageId(Date.now())

/** The id of a message received at this time, in milliseconds since 1970. */
export function newMessageId(msecs: number): string {
  if (drawn === pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  const random = pool.subarray(drawn, drawn + randomBytes)
  drawn += randomBytes
  return uuidv7({ msecs, random })
}
