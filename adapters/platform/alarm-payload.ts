import type { AlarmReport } from '../../gateway/report.ts'
import { attachment } from '../../gateway/web/json-attachment.ts'
import { asObject, type JsonObject, label, list, optionalOneOf, text } from '../../gateway/web/json-fields.ts'
import { satelliteFix } from '../../gateway/web/json-fix.ts'
import type { AlarmPlatformOptions } from './options.ts'
import { instant, requiredLabel } from './payload.ts'

const phases = { began: 'began', 'going-on': 'going-on', ended: 'ended', once: 'once' } as const

/** How a picture finds the alarm it belongs to: what an errand carries. */
export interface PictureErrand {
  readonly url: string
  readonly event: string
  readonly part: string | null
  readonly occurrence: string | null
}

export function alarmReport(
  fields: JsonObject,
  of: 'camera' | 'sensor',
  { timeZone, snapshotHosts }: AlarmPlatformOptions,
): AlarmReport {
  const event = requiredLabel(fields, 'event')
  const part = label(fields, 'part')
  const occurrence = label(fields, 'occurrence')
  const url = text(fields, 'snapshot')
  const picture: PictureErrand | null =
    url === null || snapshotHosts.length === 0 ? null : { url, event, part, occurrence }
  const { place, detail } = fields
  return {
    kind: 'alarm',
    subject: requiredLabel(fields, 'device'),
    deviceTime: instant(fields, 'time', timeZone),
    of,
    event,
    part,
    phase: optionalOneOf(fields, 'phase', phases) ?? 'once',
    occurrence,
    detail: detail === undefined || detail === null ? {} : detailOf(asObject(detail, 'detail')),
    where: place === undefined || place === null ? null : satelliteFix(asObject(place, 'place')),
    attachments: list(fields, 'attachments', 32, attachment),
    snapshot: picture === null ? null : JSON.stringify(picture),
  }
}

function detailOf(fields: JsonObject): Record<string, string> {
  const said = Object.keys(fields).map((name): [string, string | null] => {
    const value = fields[name]
    return [name, typeof value === 'number' || typeof value === 'boolean' ? String(value) : text(fields, name)]
  })
  return Object.fromEntries(said.filter((one): one is [string, string] => one[1] !== null))
}
