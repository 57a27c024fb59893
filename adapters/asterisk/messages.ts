import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { peek, readBlock, textOf } from './block.ts'
import type { CallOptions } from './call-options.ts'
import { cdrReport } from './cdr-record.ts'
import { cdrKey, eventKey, unreadKey } from './identity.ts'
import { liveEvent, recordingVariable } from './live.ts'
import { cdrOfEvent, celEvents, celReports } from './records.ts'

/**
 * Reads a block of AMI. The envelope: `exchange`; `order`, the link's own count; `cut` for what is no whole block
 * (`off`: the stream ended within it, `long`: it is too long).
 */
export function decodeBlock({ raw, envelope }: Pick<Received, 'raw' | 'envelope'>, options: CallOptions): Report[] {
  const { exchange = '', order = '', cut } = envelope
  if (cut === 'long') throw new GatewayError('DECODE_TOO_LARGE', `ami: a block that begins ${quote(textOf(raw))}`)
  if (cut === 'off') throw new GatewayError('DECODE_SYNTAX', `ami: the stream ended within ${quote(textOf(raw))}`)
  const fields = readBlock(raw)
  const event = fields.required('Event')
  if (event === 'Cdr') return [cdrReport(cdrOfEvent(fields), exchange, options)]
  if (event === 'CEL') return celReports(fields, exchange, options)
  return liveEvent(event)?.({ fields, exchange, options, order }) ?? []
}

/** What a link does with a block. `of-use`: it is handed in. `passed-over`: it says nothing of a call. */
export type Sorted =
  | { readonly is: 'response' | 'passed-over' | 'shutdown' | 'booted' }
  | { readonly is: 'of-use'; readonly inbound: Inbound }

/** Most blocks of a busy exchange are of no use, so they are told apart without being read. */
export function sort(block: Buffer, exchange: string, order: string): Sorted {
  const event = peek(block, 'Event')
  if (event === null && peek(block, 'Response') !== null) return { is: 'response' }
  if (event === 'Shutdown') return { is: 'shutdown' }
  if (event === 'FullyBooted') return { is: 'booted' }
  if (event !== null && !isOfUse(event, block)) return { is: 'passed-over' }
  return { is: 'of-use', inbound: { key: keyOf(event, block, order), raw: block, envelope: { exchange, order } } }
}

function isOfUse(event: string, block: Buffer): boolean {
  if (event === 'Cdr') return true
  if (event === 'CEL') return celEvents.has(peek(block, 'EventName') ?? '')
  if (event === 'VarSet') return peek(block, 'Variable') === recordingVariable
  return liveEvent(event) !== null
}

function keyOf(event: string | null, block: Buffer, order: string): string {
  try {
    const fields = readBlock(block)
    if (event === null) return unreadKey(block, order)
    return event === 'Cdr' ? cdrKey(cdrOfEvent(fields)) : eventKey(event, fields, block, order)
  } catch {
    // What is wrong with it is said by decode, on the dead letter.
    return unreadKey(block, order)
  }
}
