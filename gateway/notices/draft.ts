import type { City } from '../city/city.ts'
import type { NewNotice } from './rows.ts'
import { fill, tells, templateFor, written } from './template.ts'

/** An answer to a reporter as the intake makes it: stored in the transaction of the message that it answers. */
export interface NoticeDraft {
  /** UUIDv7 */
  readonly id: string
  /** The same message understood again gives the same key, and one notice. */
  readonly idempotencyKey: string
  /** `tel:+8613800138000` */
  readonly to: { readonly subscriber: string }
  /** Where the report came in: the way back that is tried first. */
  readonly adapter: string
  readonly template: string
  /** More than the template has places for is no fault: how much it says is the city's choice. */
  readonly fields: Readonly<Record<string, string>>
  readonly intentId: string | null
  readonly urgent: boolean
  /** Digits behind the account's own number; `null`: none. */
  readonly extension: string | null
  /** `null`: never. */
  readonly expiresAt: Date | null
}

/** After so long somebody looks whether there is such a way at all. */
const unsentMs = 3000

/** `null` where the city has no such template, or the template asks for what the draft does not say. Pure. */
export function noticeOf(draft: NoticeDraft, city: City, at: Date): NewNotice | null {
  const template = templateFor(city, draft.template, 'citizen')
  if (template === null) return null
  const { text, missing } = fill(template, draft.fields)
  if (missing.length > 0) return null
  const title = template.title === null ? null : written(template.title, draft.fields)
  return {
    id: draft.id,
    idempotencyKey: draft.idempotencyKey,
    fingerprint: '',
    adapter: draft.adapter,
    addressee: draft.to.subscriber,
    kind: 'notice',
    body: { title, extension: draft.extension, attachments: [] },
    expiresAt: draft.expiresAt,
    createdAt: at,
    notBefore: null,
    audience: 'citizen',
    urgent: draft.urgent || template.urgent,
    template: template.id,
    text,
    routes: [],
    intentId: draft.intentId,
    caseNumber: null,
    tells: tells(template),
    groupId: null,
    reviewAt: new Date(at.getTime() + unsentMs),
  }
}
