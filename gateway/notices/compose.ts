import { v7 as uuidv7 } from 'uuid'
import type { City, MessageTemplate } from '../city/city.ts'
import { GatewayError, quote } from '../errors.ts'
import { endOf } from '../triage/local-time.ts'
import type { Recipient } from './recipients.ts'
import type { NoticeRequest } from './request.ts'
import type { NewNotice, StageRow } from './rows.ts'
import type { NoticeRules } from './rules.ts'
import { fill, tells, templateFor, written } from './template.ts'
import type { Way } from './way.ts'

/** What a request says to one recipient. */
export interface Words {
  readonly template: MessageTemplate | null
  readonly title: string | null
  readonly text: string
  /** The core's word that it tells, short enough to be the answer to a question. */
  readonly stage: Pick<StageRow, 'stage' | 'text'> | null
}

/** Rejects with NOTICE_WORDS, naming the field. */
export function wordsOf(request: NoticeRequest, { reach, fields: known }: Recipient, city: City): Words {
  if (request.template === null) {
    if (request.text === null) throw new GatewayError('NOTICE_WORDS', 'neither a template nor a text is given')
    return { template: null, title: null, text: request.text, stage: null }
  }
  if (request.text !== null) throw new GatewayError('NOTICE_WORDS', 'both a template and a text are given')
  const template = templateFor(city, request.template, reach.audience)
  if (template === null) throw new GatewayError('NOTICE_WORDS', `the city has no template ${quote(request.template)}`)
  // Only what was sent along can be out of place: what the gateway knows itself is there to be used or not.
  const own = { ...known, ...(request.caseNumber !== null && { caseNumber: request.caseNumber }) }
  const fields = { ...own, ...request.fields }
  const { text, missing, unknown } = fill(template, fields)
  const surplus = unknown.filter((name) => Object.hasOwn(request.fields, name))
  if (missing.length > 0)
    throw new GatewayError(
      'NOTICE_WORDS',
      `template ${template.id} needs the field ${missing.map((n) => quote(n)).join(', ')}`,
    )
  if (surplus.length > 0)
    throw new GatewayError(
      'NOTICE_WORDS',
      `template ${template.id} has no field ${surplus.map((n) => quote(n)).join(', ')}`,
    )
  const title = template.title === null ? null : written(template.title, fields)
  const { state, reason } = fields as Record<string, string | undefined>
  const said = state ?? (title === null ? text : [title, ...(reason === undefined ? [] : [reason])].join('：'))
  return { template, title, text, stage: template.stage === null ? null : { stage: template.stage, text: said } }
}

export interface Circumstances {
  readonly at: Date
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly groupId: string | null
  readonly ways: readonly Way[]
  readonly rules: NoticeRules
  readonly city: City
}

/** The row of one notice that finds its way by the configuration. `ways` has at least one. */
export function composed(
  request: NoticeRequest,
  { reach, intentId, department }: Recipient,
  { template, title, text }: Words,
  { at, idempotencyKey, fingerprint, groupId, ways, rules, city }: Circumstances,
): NewNotice {
  const [first] = ways
  if (first === undefined) throw new GatewayError('NOTICE_INVALID', `there is no way to this ${reach.audience}`)
  const urgent = request.urgent || (template?.urgent ?? false)
  const attachments = request.media.map(({ sha256, name, mediaType }) => ({
    sha256,
    name: name ?? sha256.slice(0, 8),
    mediaType: mediaType ?? 'application/octet-stream',
  }))
  const { caseNumber } = request
  const about = request.intentId ?? intentId
  const notBefore = urgent ? null : dutyBegins(department?.dutyHours ?? null, at, city.timeZone)
  const from = notBefore ?? at
  return {
    id: uuidv7(),
    idempotencyKey,
    fingerprint,
    adapter: first.adapter,
    addressee: first.addressee,
    kind: request.kind,
    body: { text, template: template?.id ?? null, caseNumber, ...request.body, title, attachments },
    expiresAt: request.expiresAt ?? new Date(from.getTime() + rules.expiresMs[reach.audience]),
    createdAt: at,
    notBefore,
    audience: reach.audience,
    urgent,
    template: template?.id ?? null,
    text,
    routes: ways,
    intentId: about,
    caseNumber,
    tells: about === null || reach.audience !== 'citizen' ? null : template === null ? 'answer' : tells(template),
    groupId,
    reviewAt: first.afterMs === null || ways.length === 1 ? null : new Date(from.getTime() + first.afterMs),
  }
}

/** `null`: somebody is on duty now. */
function dutyBegins(hours: { startMinute: number; endMinute: number } | null, at: Date, timeZone: string): Date | null {
  if (hours === null || hours.startMinute === hours.endMinute) return null
  return endOf({ startMinute: hours.endMinute, endMinute: hours.startMinute }, at.getTime(), timeZone)
}
