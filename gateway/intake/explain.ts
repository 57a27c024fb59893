import { isUtf8 } from 'node:buffer'
import { v7 as uuidv7 } from 'uuid'
import { describe, quote } from '../errors.ts'
import { triage } from '../triage/triage.ts'
import type { Source } from './arrival.ts'

export interface StoredMessage {
  readonly id: string
  readonly receivedAt: Date
  readonly adapter: string
  readonly key: string
  readonly raw: Uint8Array
  readonly envelope: Readonly<Record<string, string>>
  readonly disposition: string
  readonly reason: string | null
}

/** How a stored message is understood today: bytes, reports, and what triage makes of them on their own. */
export function explainMessage(
  message: StoredMessage,
  sources: ReadonlyMap<string, Source>,
  city: Parameters<typeof triage>[2],
  limits: Parameters<typeof triage>[5],
): string {
  const { id, receivedAt, adapter, key, raw, envelope } = message
  const step = (title: string, value: unknown) =>
    `# ${title}\n${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`
  const steps = [
    step('message', {
      id,
      receivedAt,
      adapter,
      key,
      disposition: message.disposition,
      reason: message.reason,
      envelope,
    }),
    step('bytes', `${raw.length} bytes: ${shown(raw)}`),
  ]
  const source = sources.get(adapter)
  if (source === undefined) return [...steps, step('reports', `no adapter is named ${adapter} any more`)].join('\n')
  try {
    const reports = source.decode({ key, raw, envelope, receivedAt })
    const shown = JSON.parse(
      JSON.stringify(reports, (_name, value) => (value instanceof Uint8Array ? `${value.length} bytes` : value)),
    )
    const findings = triage(
      { id, receivedAt, channel: source.channel, adapter },
      reports,
      city,
      new Map(),
      uuidv7,
      limits,
    )
    steps.push(step('reports', shown), step('findings, without what was remembered of the device', findings))
  } catch (error) {
    steps.push(step('reports', `none: ${describe(error)}`))
  }
  return steps.join('\n')
}

/** Text where the bytes are text, hexadecimal where they are not. */
function shown(raw: Uint8Array): string {
  const head = Buffer.from(raw.subarray(0, 2000))
  return isUtf8(raw) ? quote(head.toString('utf8'), 1000) : head.toString('hex')
}
