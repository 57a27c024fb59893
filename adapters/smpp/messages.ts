import type { OutboundText, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import type { EsmeOptions } from './esme-options.ts'
import type { Session } from './session.ts'
import type { SmscOptions } from './smsc-options.ts'
import { Texts } from './texts.ts'

export function decodeStored(message: Received, _options: EsmeOptions | SmscOptions): Report[] {
  throw new GatewayError('DECODE_SYNTAX', message.envelope.reason ?? '')
}
export const isCutOff = (_raw: Buffer) => false
export function esmeTexts(options: EsmeOptions, account: string, session: () => Session | null): Texts<unknown> {
  return new Texts<unknown>({ account, perSecond: 0, window: options.window, session, split: (_: OutboundText) => [], encode: () => Buffer.alloc(0), ownId: () => null })
}
export function smscTexts(options: SmscOptions, account: string, session: () => Session | null): Texts<unknown> {
  return new Texts<unknown>({ account, perSecond: 0, window: options.window, session, split: (_: OutboundText) => [], encode: () => Buffer.alloc(0), ownId: () => null })
}
