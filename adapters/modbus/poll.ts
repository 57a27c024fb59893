import { z } from 'zod'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { decodeAnswer, type ReadRequest, type Said } from './pdu.ts'

/** What became of one request of a poll. */
export type Outcome =
  | { readonly request: ReadRequest; readonly is: 'answered'; readonly pdu: Buffer }
  /** Nothing that was an answer to it came, or it was not asked because the unit has been silent. */
  | { readonly request: ReadRequest; readonly is: 'silent'; readonly fault: string }
  /** What came made no sense as an answer. */
  | { readonly request: ReadRequest; readonly is: 'garbled'; readonly fault: string }

/** One round of one unit's requests. */
export interface Poll {
  readonly unit: number
  readonly at: Date
  readonly outcomes: readonly Outcome[]
}

/**
 * The answers' PDUs one after the other; the envelope says what they answer. Registers have no identity: the same value
 * a second later is another measurement. So the key is the unit and the time of the poll, which is given once, and
 * `boot`, which is drawn once for each adapter: clocks are set back between two runs.
 */
export function inboundOf({ unit, at, outcomes }: Poll, boot: string): Inbound {
  const requests = outcomes.map(({ request: { fn, address, count }, ...outcome }) =>
    outcome.is === 'answered' ? [fn, address, count] : [fn, address, count, outcome.is, outcome.fault],
  )
  return {
    key: `${boot} ${at.toISOString()} ${unit}`,
    raw: Buffer.concat(outcomes.map((outcome) => (outcome.is === 'answered' ? outcome.pdu : Buffer.alloc(0)))),
    envelope: { unit: String(unit), at: at.toISOString(), requests: JSON.stringify(requests) },
  }
}

const fn = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
const register = z.number().int().min(0).max(65_535)
const requestsShape = z.array(
  z.union([
    z.tuple([fn, register, register]),
    z.tuple([fn, register, register, z.enum(['silent', 'garbled']), z.string()]),
  ]),
)

export type Read =
  | { readonly request: ReadRequest; readonly said: Said; readonly fault: null }
  | { readonly request: ReadRequest; readonly said: null; readonly is: 'silent' | 'garbled'; readonly fault: string }

/** What `inboundOf` wrote. Throws DECODE_FIELD for the envelope, DECODE_SYNTAX for bytes that do not answer it. */
export function pollOf({ raw, envelope }: Pick<Received, 'raw' | 'envelope'>): {
  readonly unit: number
  readonly at: Date
  readonly reads: readonly Read[]
} {
  const unit = Number(envelope.unit)
  if (!Number.isInteger(unit) || unit < 1 || unit > 255) fault('unit', envelope.unit)
  const at = new Date(envelope.at ?? Number.NaN)
  if (Number.isNaN(at.getTime())) fault('at', envelope.at)
  const requests = requestsOf(envelope.requests)
  const bytes = Buffer.from(raw)
  let offset = 0
  const reads = requests.map(([code, address, count, is, why]): Read => {
    const request = { fn: code, address, count }
    if (is !== undefined && why !== undefined) return { request, said: null, is, fault: why }
    const { said, length } = decodeAnswer(request, bytes.subarray(offset))
    offset += length
    return { request, said, fault: null }
  })
  if (offset < bytes.length)
    throw new GatewayError('DECODE_SYNTAX', `Modbus unit ${unit}: ${bytes.length - offset} bytes answer no request`)
  return { unit, at, reads }
}

function requestsOf(text = ''): z.output<typeof requestsShape> {
  try {
    return requestsShape.parse(JSON.parse(text))
  } catch {
    return fault('requests', text)
  }
}

function fault(field: string, value: unknown): never {
  throw new GatewayError('DECODE_FIELD', `Modbus poll: ${field} ${quote(value ?? '')}`)
}
