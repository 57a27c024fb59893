import type { Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { CallReport, Report } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import { callReport, withheld } from './call-report.ts'
import { channelReports } from './esl-channels.ts'
import { type EslEvent, readEvent } from './esl-event.ts'
import { type CallerProfile, type Leg, legId, said } from './leg.ts'
import type { EslOptions } from './options.ts'
import { instant } from './times.ts'

/** What came over the link: an event, the list of channels that was asked for, or what is neither. */
export type EslContent = 'json' | 'plain' | 'channels' | 'unreadable'

export function decodeEsl(message: Received, options: EslOptions): Report[] {
  const { envelope, raw } = message
  const exchange = options.exchange ?? envelope.exchange ?? ''
  if (envelope.content === 'channels') return channelReports(raw, exchange, message.receivedAt, options)
  if (envelope.content !== 'json' && envelope.content !== 'plain')
    throw new GatewayError(
      envelope.tooLong === undefined ? 'DECODE_SYNTAX' : 'DECODE_TOO_LARGE',
      `ESL: ${envelope.tooLong ?? envelope.why ?? 'no event'}`,
    )
  const event = readEvent(envelope.content, raw)
  return reportsOf[event.get('Event-Name') ?? '']?.(event, exchange, options) ?? []
}

type Reading = (event: EslEvent, exchange: string, options: EslOptions) => CallReport[]

const channel: Reading = (event, exchange, options) => [channelReport(event, exchange, options)]

const reportsOf: Readonly<Record<string, Reading>> = {
  CHANNEL_CREATE: channel,
  CHANNEL_PROGRESS: channel,
  CHANNEL_PROGRESS_MEDIA: channel,
  CHANNEL_ANSWER: channel,
  CHANNEL_BRIDGE: bridgeReports,
  CHANNEL_HANGUP_COMPLETE: channel,
  RECORD_START: recordReports,
  RECORD_STOP: recordReports,
  DTMF: digitReports,
  CUSTOM: queueReports,
}

/** What to ask for. CUSTOM takes all that follows for its subclasses. */
export const subscription = [
  ...Object.keys(reportsOf).filter((name) => name !== 'CUSTOM'),
  'HEARTBEAT',
  'CUSTOM callcenter::info',
].join(' ')

function channelReport(event: EslEvent, exchange: string, options: EslOptions): CallReport {
  const over = event.get('Event-Name') === 'CHANNEL_HANGUP_COMPLETE'
  return callReport({ leg: legOf(event), exchange, heard: 'live', at: toldAt(event), over }, options)
}

/** The other leg, too: what made it known may have been lost. */
function bridgeReports(event: EslEvent, exchange: string, options: EslOptions): CallReport[] {
  const report = channelReport(event, exchange, options)
  const legs = ['Bridge-A-Unique-ID', 'Bridge-B-Unique-ID'].map((name) => said(event.get(name)))
  const other = legs.find((leg) => leg !== null && leg !== report.leg && leg !== report.call)
  const own = { ...report, answeredAt: report.answeredAt ?? toldAt(event) }
  if (other == null) return [own]
  const { call, caller, subject, deviceTime } = report
  return [own, { ...nothingSaid, exchange, call, leg: other, caller, subject, deviceTime }]
}

function recordReports(event: EslEvent, exchange: string, options: EslOptions): CallReport[] {
  const report = channelReport(event, exchange, options)
  return [{ ...report, recording: said(event.get('Record-File-Path')) ?? report.recording }]
}

function digitReports(event: EslEvent, exchange: string, options: EslOptions): CallReport[] {
  const key = event.get('DTMF-Digit') ?? ''
  if (!/^[0-9A-Da-d*#Ff]$/.test(key)) throw new GatewayError('DECODE_FIELD', `ESL: DTMF-Digit ${quote(key)}`)
  const padded = (name: string) => (event.get(name) ?? '').slice(0, 17).padStart(17, '0')
  const order = `${padded('Event-Date-Timestamp')}-${padded('Event-Sequence')}`
  return [{ ...channelReport(event, exchange, options), digit: { order, key } }]
}

/** mod_callcenter says which seat took whom. */
function queueReports(event: EslEvent, exchange: string, { country }: EslOptions): CallReport[] {
  const [call, leg, seat] = ['CC-Member-Session-UUID', 'CC-Agent-UUID', 'CC-Agent'].map((name) => said(event.get(name)))
  if (event.get('CC-Action') !== 'bridge-agent-start' || call == null || leg == null || seat == null) return []
  const number = said(event.get('CC-Member-CID-Number'))
  const caller = number === null || withheld.test(number) ? null : subscriberUri(number, country)
  const subject = caller ?? `call:${exchange}/${call}`
  const answered = said(event.get('CC-Agent-Answered-Time'))
  const answeredAt = answered === null ? null : instant('CC-Agent-Answered-Time', answered, 1000)
  return [{ ...nothingSaid, exchange, call, leg, seat, caller, subject, deviceTime: toldAt(event), answeredAt }]
}

const nothingSaid = {
  kind: 'call',
  heard: 'live',
  direction: null,
  called: null,
  seat: null,
  digits: null,
  digit: null,
  startedAt: null,
  ringingAt: null,
  answeredAt: null,
  endedAt: null,
  ending: null,
  cause: null,
  recording: null,
} as const

function toldAt(event: EslEvent): Date | null {
  const told = said(event.get('Event-Date-Timestamp'))
  return told === null ? null : instant('Event-Date-Timestamp', told, 1e-3)
}

function legOf(event: EslEvent): Leg {
  const uuid = legId(said(event.get('Unique-ID')))
  const variables = new Map<string, string>()
  for (const [name, value] of event) if (name.startsWith('variable_')) variables.set(name.slice(9), value)
  const stand = { hangup_cause: 'Hangup-Cause', call_uuid: 'Channel-Call-UUID' }
  for (const [variable, header] of Object.entries(stand)) {
    const value = event.get(header)
    if (value !== undefined && !variables.has(variable)) variables.set(variable, value)
  }
  return { uuid, direction: said(event.get('Call-Direction')), variables, profiles: [profileOf(event)] }
}

const times: Readonly<Record<string, string>> = {
  created_time: 'Caller-Channel-Created-Time',
  progress_time: 'Caller-Channel-Progress-Time',
  progress_media_time: 'Caller-Channel-Progress-Media-Time',
  answered_time: 'Caller-Channel-Answered-Time',
  bridged_time: 'Caller-Channel-Bridged-Time',
  hangup_time: 'Caller-Channel-Hangup-Time',
}

function profileOf(event: EslEvent): CallerProfile {
  // After a transfer the newest profile is told: what was dialled at first is no longer in it.
  const first = (said(event.get('Caller-Profile-Index')) ?? '1') === '1'
  const originated = event.get('Other-Type') === 'originator'
  return {
    callerNumber: said(event.get('Caller-Caller-ID-Number')),
    calleeNumber: said(event.get('Caller-Callee-ID-Number')),
    destination: first ? said(event.get('Caller-Destination-Number')) : null,
    originator: originated
      ? {
          uuid: said(event.get('Other-Leg-Unique-ID')),
          callerNumber: said(event.get('Other-Leg-Caller-ID-Number')),
        }
      : null,
    times: new Map(Object.entries(times).map(([name, header]) => [name, event.get(header) ?? ''])),
  }
}
