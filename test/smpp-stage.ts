import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { decode, type SmppDecodeOptions } from '../adapters/smpp/codec.ts'
import { type Delivery, encodeDeliverSm } from '../adapters/smpp/encode.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'

export const folder = `${packageRoot}test/cases/smpp/`

export const cases = readdirSync(folder).filter((entry) => !entry.startsWith('.'))

export const options: SmppDecodeOptions = {
  country: '86',
  account: 'aggregator',
  defaultCoding: 'gsm',
  codings: {},
  messageIdForms: 'either',
  clockOffsetMinutes: 480,
}

export interface RecordedCase {
  readonly pdus: readonly Buffer[]
  readonly options: SmppDecodeOptions
}

export function recorded(name: string): RecordedCase {
  const lines = readFileSync(`${folder}${name}/pdu.hex`, 'utf8').trim().split('\n')
  const file = `${folder}${name}/options.json`
  const own = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  return { pdus: lines.map((line) => Buffer.from(line, 'hex')), options: { ...options, ...own } }
}

export function decoded(raw: Uint8Array, changed: Partial<SmppDecodeOptions> = {}): Report[] {
  const message = { key: 'k', raw, envelope: {}, receivedAt: new Date('2026-11-25T08:00:00Z') }
  return decode(message, { ...options, ...changed })
}

/** The reports, or what the gateway says against the bytes; anything else that is thrown is a fault of the decoder. */
export function outcome(raw: Uint8Array, changed: Partial<SmppDecodeOptions> = {}): Report[] | string {
  try {
    return decoded(raw, changed)
  } catch (error) {
    if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_')) throw error
    return `${error.code} ${error.detail}`
  }
}

export const citizen = { ton: 1, npi: 1, digits: '8613800138000' }
export const city = { ton: 0, npi: 1, digits: '10657501' }

/** A deliver_sm from the citizen to the city. */
export function delivery(octets: Buffer | string, more: Partial<Delivery> = {}): Buffer {
  return encodeDeliverSm({ source: citizen, destination: city, octets: Buffer.from(octets), ...more }, 7)
}

/** What the only report says, if it is a text or a part of one. */
export function textIn(reports: Report[] | string): string | null {
  const [report] = reports
  if (typeof report !== 'object') return `no report: ${reports}`
  if (report.kind === 'text') return report.text
  return report.kind === 'part' && report.content.is === 'text' ? report.content.text : `a ${report.kind}`
}
