import { GatewayError, quote } from '../../gateway/errors.ts'
import { escaped, textOf, unescaped } from './text.ts'

/** An event of FreeSWITCH: names and values, and `_body` where it has one. */
export type EslEvent = ReadonlyMap<string, string>

export type EventFormat = 'json' | 'plain'

/** Throws a `DECODE_` error. */
export function readEvent(format: EventFormat, body: Uint8Array): EslEvent {
  const event = format === 'json' ? readJson(textOf(body)) : readPlain(body)
  if (!event.has('Event-Name')) throw new GatewayError('DECODE_FIELD', 'ESL: an event without Event-Name')
  return event
}

/** A value that is a list is read by its first item. */
function readJson(text: string): EslEvent {
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GatewayError('DECODE_SYNTAX', `ESL: the event is no object: ${quote(text)}`)
  return new Map(
    Object.entries(value).flatMap(([name, given]): [string, string][] => {
      const one: unknown = Array.isArray(given) ? given[0] : given
      return typeof one === 'string' || typeof one === 'number' ? [[name, String(one)]] : []
    }),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GatewayError('DECODE_SYNTAX', `ESL: the event is no JSON: ${quote(text)}`)
  }
}

/** Values are escaped as in a URL. What follows the empty line is the event's body, of the length that it says itself. */
function readPlain(bytes: Uint8Array): EslEvent {
  const whole = Buffer.from(bytes)
  const end = whole.indexOf('\n\n')
  const event = new Map<string, string>()
  for (const line of textOf(end < 0 ? whole : whole.subarray(0, end)).split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (line === '') continue
    if (colon < 1) throw new GatewayError('DECODE_SYNTAX', `ESL: no line of an event: ${quote(line)}`)
    const name = line.slice(0, colon)
    if (!event.has(name)) event.set(name, unescaped(line.slice(colon + 1).trim()))
  }
  const length = Number(event.get('Content-Length') ?? 0)
  if (end >= 0 && length > 0) event.set('_body', textOf(whole.subarray(end + 2, end + 2 + length)))
  return event
}

/** As FreeSWITCH writes it. */
export function writeEvent(format: EventFormat, event: Readonly<Record<string, string>>): string {
  if (format === 'json') return JSON.stringify(event)
  const lines = Object.entries(event).map(([name, value]) => `${name}: ${value === '' ? '_undef_' : escaped(value)}\n`)
  return `${lines.join('')}\n`
}
