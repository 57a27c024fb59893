import type { ComponentState, FormPurpose, FormReport } from '../../gateway/report.ts'
import { type AttachmentPayload, attachment, categoryClaim } from '../../gateway/web/json-attachment.ts'
import {
  fault,
  flag,
  type JsonObject,
  label,
  list,
  oneOf,
  optionalOneOf,
  text,
  time,
} from '../../gateway/web/json-fields.ts'
import { type PlacePayload, placeOf } from './position-payload.ts'

/** `v1/{device}/up/report`: a collector's or leader's report, a component's state, an SOS. Only `kind` must be there. */
export interface ReportPayload {
  readonly id?: string | number | null
  /** RFC 3339 with offset, or milliseconds since 1970. */
  readonly time?: string | number | null
  readonly kind: 'component' | 'event' | 'component-state' | 'sos' | 'inspection'
  /** What an inspection is about, if it says. */
  readonly about?: 'component' | 'event' | null
  /** `words` as the collector put them, `code` in `scheme` (`cjt214_2007`, `gbt47678_5_2026`; left out: the city's). */
  readonly category?: { scheme?: string | null; code?: string | number | null; words?: string | null } | null
  readonly text?: string | null
  readonly address?: string | null
  readonly place?: PlacePayload | null
  readonly componentId?: string | number | null
  /** 完好 破损 丢失 废弃 移除, or sound, damaged, lost, abandoned, removed. */
  readonly state?: string | null
  /** 自处理: the collector has settled it on the spot. */
  readonly selfHandled?: boolean | null
  readonly attachments?: readonly AttachmentPayload[] | null
}

/** `v1/{device}/up/verify` (核实) and `v1/{device}/up/check` (核查). */
export interface VerificationPayload {
  readonly id?: string | number | null
  readonly time?: string | number | null
  readonly caseNumber: string | number
  readonly passed: boolean
  readonly text?: string | null
  readonly place?: PlacePayload | null
  readonly attachments?: readonly AttachmentPayload[] | null
}

const purposes: Readonly<Record<string, FormPurpose>> = {
  component: 'report',
  event: 'report',
  'component-state': 'component-state',
  sos: 'sos',
  inspection: 'inspection',
}

const caseKinds: Readonly<Record<string, 'component' | 'event'>> = { component: 'component', event: 'event' }

const states: Readonly<Record<string, ComponentState>> = {
  完好: 'sound',
  破损: 'damaged',
  丢失: 'lost',
  废弃: 'abandoned',
  移除: 'removed',
  sound: 'sound',
  damaged: 'damaged',
  lost: 'lost',
  abandoned: 'abandoned',
  removed: 'removed',
}

export function reportForm(fields: JsonObject, subject: string): FormReport {
  const purpose = oneOf(fields, 'kind', purposes)
  const form = anyForm(fields, subject, purpose)
  return {
    ...form,
    caseKind: caseKindOf(fields, purpose),
    category: categoryClaim(fields),
    address: text(fields, 'address'),
    componentId: label(fields, 'componentId'),
    componentState: optionalOneOf(fields, 'state', states),
    selfHandled: flag(fields, 'selfHandled'),
  }
}

function caseKindOf(fields: JsonObject, purpose: FormPurpose): 'component' | 'event' | null {
  if (purpose === 'report') return oneOf(fields, 'kind', caseKinds)
  return purpose === 'component-state' ? 'component' : optionalOneOf(fields, 'about', caseKinds)
}

/** Without a case number or an outcome a verification answers nothing, so both must be there. */
export function verificationForm(fields: JsonObject, subject: string, purpose: 'verify' | 'check'): FormReport {
  const caseNumber = label(fields, 'caseNumber')
  if (caseNumber === null) throw fault('caseNumber', 'text', fields.caseNumber ?? null)
  const passed = flag(fields, 'passed')
  if (passed === null) throw fault('passed', 'true or false', null)
  return { ...anyForm(fields, subject, purpose), caseNumber, passed }
}

function anyForm(fields: JsonObject, subject: string, purpose: FormPurpose): FormReport {
  return {
    kind: 'form',
    purpose,
    subject,
    deviceTime: time(fields, 'time'),
    ...placeOf(fields),
    number: label(fields, 'id'),
    caseKind: null,
    category: null,
    text: text(fields, 'text'),
    address: null,
    componentId: null,
    componentState: null,
    caseNumber: null,
    passed: null,
    selfHandled: null,
    attachments: list(fields, 'attachments', 32, attachment),
  }
}
