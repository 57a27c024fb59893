import type { AlarmReport, Attachment } from '../../gateway/report.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { type Alert, isHeartbeat } from './alert.ts'
import { alertTime } from './alert-time.ts'
import type { ReadingOptions } from './options.ts'

/** What an alert says to the gateway: an alarm for each region it names. Nothing of a heartbeat. */
export function alarmsOf(
  alert: Alert,
  options: ReadingOptions,
  pictures: readonly Attachment[],
  named: string | null = null,
): AlarmReport[] {
  if (isHeartbeat(alert)) return []
  const deviceTime = alert.dateTime === null ? null : alertTime(alert.dateTime, options.timeZone)
  const unread = alert.dateTime !== null && deviceTime === null ? { dateTime: alert.dateTime } : {}
  const parts = alert.parts.length === 0 ? [null] : alert.parts
  return parts.map((part, at) => ({
    kind: 'alarm',
    of: 'camera',
    subject: subjectOf(alert, options, named),
    deviceTime,
    event: alert.eventType,
    part,
    phase: phaseOf(alert),
    occurrence: null,
    detail: { ...alert.detail, ...unread },
    where: null,
    attachments: at === 0 ? pictures : [],
    snapshot: pictures.length === 0 ? alert.pictureUrl : null,
  }))
}

/** What begins is posted again every second until it ends, with a count; most devices never say that it has ended. */
function phaseOf({ eventState, postCount }: Alert): AlarmReport['phase'] {
  if (eventState === null) return 'once'
  if (eventState === 'inactive') return 'ended'
  return (postCount ?? 1) > 1 ? 'going-on' : 'began'
}

/** `named`: by the address that it was posted to. Who is not in the map goes by what it says of itself. */
function subjectOf({ channel, ipAddress, macAddress }: Alert, options: ReadingOptions, named: string | null): string {
  const devices = [macAddress, ipAddress].filter((name) => name !== null)
  const names = [
    ...devices.flatMap((name) => (channel === null ? [] : [`${name}/${channel}`])),
    ...devices,
    ...(channel === null ? [] : [channel]),
  ]
  for (const name of names) {
    const known = options.cameras.get(name)
    if (known !== undefined) return known
  }
  const device = named ?? options.camera
  if (device !== null) return device
  return [devices[0] ?? 'hikvision', ...(channel === null ? [] : [channel])].join('/')
}

/** Of what the bytes are; `claimed`, `name`: as the part's header has it. */
export function pictureOf(content: Uint8Array, claimed: string | null, name: string | null): Attachment {
  const mediaType = sniffed(content, claimed)
  const claimedType = claimed === mediaType ? null : claimed
  return { name, mediaType, claimedType, content, sha256: null, url: null }
}
