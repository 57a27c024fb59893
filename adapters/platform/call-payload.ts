import type { CallEnding, CallFormReport, CallReport } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import { attachment, categoryClaim } from '../../gateway/web/json-attachment.ts'
import {
  asObject,
  fault,
  flag,
  type JsonObject,
  label,
  list,
  optionalOneOf,
  text,
} from '../../gateway/web/json-fields.ts'
import { satelliteFix } from '../../gateway/web/json-fix.ts'
import type { CallCentreOptions } from './options.ts'
import { instant, requiredLabel } from './payload.ts'

const heard = { live: 'live', record: 'record' } as const
const directions = { inbound: 'inbound', outbound: 'outbound', internal: 'internal' } as const
const endings: Readonly<Record<CallEnding, CallEnding>> = {
  answered: 'answered',
  refused: 'refused',
  'no-answer': 'no-answer',
  busy: 'busy',
  abandoned: 'abandoned',
  failed: 'failed',
}
const kinds = { component: 'component', event: 'event' } as const

export function callReport(fields: JsonObject, exchange: string, options: CallCentreOptions): CallReport {
  const call = requiredLabel(fields, 'call')
  const caller = numberOf(fields, 'caller', options)
  const at = (name: string) => instant(fields, name, options.timeZone)
  return {
    kind: 'call',
    subject: caller ?? `call:${exchange}/${call}`,
    deviceTime: null,
    exchange,
    call,
    leg: label(fields, 'leg') ?? call,
    heard: optionalOneOf(fields, 'heard', heard) ?? 'record',
    direction: optionalOneOf(fields, 'direction', directions),
    caller,
    called: label(fields, 'called'),
    seat: label(fields, 'seat'),
    digits: label(fields, 'digits'),
    digit: null,
    startedAt: at('startedAt'),
    ringingAt: at('ringingAt'),
    answeredAt: at('answeredAt'),
    endedAt: at('endedAt'),
    ending: optionalOneOf(fields, 'ending', endings),
    cause: label(fields, 'cause'),
    recording: text(fields, 'recording'),
  }
}

export function formReport(fields: JsonObject, exchange: string, options: CallCentreOptions): CallFormReport {
  const call = requiredLabel(fields, 'call')
  const caller = numberOf(fields, 'caller', options)
  const category = categoryClaim(fields)
  const said = text(fields, 'text')
  const componentId = label(fields, 'componentId')
  if (said === null && category === null && componentId === null)
    throw fault('text', 'text, where neither category nor componentId says what it is about', null)
  const { place } = fields
  return {
    kind: 'call-form',
    subject: caller ?? `call:${exchange}/${call}`,
    deviceTime: instant(fields, 'time', options.timeZone),
    exchange,
    call,
    number: label(fields, 'number'),
    seat: label(fields, 'seat'),
    caller,
    callBack: numberOf(fields, 'callBack', options),
    name: text(fields, 'name'),
    text: said,
    address: text(fields, 'address'),
    caseKind: optionalOneOf(fields, 'kind', kinds),
    category,
    componentId,
    place: place === undefined || place === null ? null : satelliteFix(asObject(place, 'place')),
    urgent: flag(fields, 'urgent'),
    attachments: list(fields, 'attachments', 32, attachment),
  }
}

function numberOf(fields: JsonObject, name: string, { country }: CallCentreOptions): string | null {
  const value = label(fields, name)
  return value === null ? null : subscriberUri(value, country)
}
