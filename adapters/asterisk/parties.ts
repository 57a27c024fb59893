import type { CallReport } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import type { CallOptions } from './call-options.ts'

/** What stands for a number that the caller or the network keeps back. */
const withheld = /^(?:anonymous|unknown|restricted|unavailable|private|withheld|asterisk|s)$/i

/** `tel:+8613800138000`; `null`: withheld, or not said. */
export function callerOf(number: string | null, { country }: CallOptions): string | null {
  const plain = number?.trim() ?? ''
  return plain === '' || plain.length > 100 || withheld.test(plain) ? null : subscriberUri(plain, country)
}

/** An extension that was dialled. `s`, `h`, `i`, `t` and names are steps of the dial plan, not numbers. */
export function dialled(exten: string | null): string | null {
  return exten !== null && /^\+?[\d*#]{1,40}$/.test(exten) ? exten : null
}

const patterns = new Map<string, RegExp>()

/** `PJSIP/8001-0000000a` is seat 8001. */
export function seatOf(channel: string | null, { seat }: CallOptions): string | null {
  if (channel === null || channel.length > 200) return null
  let pattern = patterns.get(seat)
  if (pattern === undefined) {
    pattern = new RegExp(seat)
    patterns.set(seat, pattern)
  }
  return pattern.exec(channel)?.[1] ?? null
}

export function directionOf(context: string | null, { contexts }: CallOptions): CallReport['direction'] {
  if (context === null) return null
  if (contexts.inbound.includes(context)) return 'inbound'
  if (contexts.outbound.includes(context)) return 'outbound'
  return contexts.internal.includes(context) ? 'internal' : null
}
