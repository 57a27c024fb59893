import { createHash } from 'node:crypto'
import type { Fields } from './block.ts'
import type { CdrRecord } from './cdr-record.ts'

/**
 * Keys. AMI sends nothing twice by itself; twice comes what is known by two ways: a CDR as an event and as a line of
 * Master.csv, a line that is read again.
 *
 * - A CDR: Uniqueid and sequence, `cdr:1795612890.108:18`. The sequence is a counter of the running Asterisk and begins
 *   anew with it, the Uniqueid has the second in which the channel was made: together they do not come again. Without a
 *   sequence (not mapped, `newcdrcolumns = no`) it is Uniqueid and a hash of what both ways say alike.
 * - A live event or one of CEL: its name, the Uniqueid, and a hash of the whole block. With `timestampevents` that has
 *   microseconds in it; without, two presses of one digit are the same octets, so the link counts them.
 */
export function cdrKey(record: CdrRecord): string {
  const { uniqueId, sequence, channel, destinationChannel, start, answer, end, disposition } = record
  if (sequence !== null) return `cdr:${uniqueId}:${sequence}`.slice(0, longestKey)
  const told = [channel, destinationChannel, start, answer, end, disposition].map((field) => field ?? '').join('\n')
  return `cdr:${uniqueId.slice(0, longestKey - 40)}:#${hash(Buffer.from(told))}`
}

/** `order`: the link's own count, for blocks that are not stamped. */
export function eventKey(event: string, fields: Fields, block: Uint8Array, order: string): string {
  const id = fields.get('DestUniqueid') ?? fields.get('Uniqueid') ?? ''
  const count = fields.get('Timestamp') === null ? `:${order}` : ''
  return `${event.slice(0, 40)}:${id.slice(0, 150)}:${hash(block)}${count}`
}

/** What cannot be read has only its octets, and its place in the stream where that is known. */
export function unreadKey(bytes: Uint8Array, place = ''): string {
  return `unread:${hash(bytes)}${place === '' ? '' : `:${place}`}`
}

const longestKey = 250

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
}
