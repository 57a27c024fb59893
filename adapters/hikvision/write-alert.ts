import { escaped } from '../../gateway/web/xml-text.ts'

/** Alerts as devices write them: the other direction of `alert.ts`, for simulators and tests. */

export interface AlertToWrite {
  readonly channel: string | null
  readonly eventType: string
  readonly eventState: 'active' | 'inactive' | null
  readonly postCount: number
  /** As the device writes it, offset and all. */
  readonly dateTime: string
  readonly ipAddress?: string
  readonly macAddress?: string
  readonly regions?: readonly string[]
  readonly channelName?: string
  readonly targetType?: string
  readonly pictureUrl?: string
  /** The ending of the namespace. */
  readonly release?: 'ver10' | 'ver20'
}

export function writeAlertXml(alert: AlertToWrite): Buffer {
  const line = (name: string, value: string | null | undefined) =>
    value === null || value === undefined ? [] : [`<${name}>${escaped(value)}</${name}>`]
  const version = alert.release === 'ver10' ? '1.0' : '2.0'
  const entry = (id: string) => [
    '<DetectionRegionEntry>',
    ...line('regionID', id),
    '<sensitivityLevel>50</sensitivityLevel>',
    ...line('detectionTarget', alert.targetType),
    '</DetectionRegionEntry>',
  ]
  const regions = alert.regions ?? []
  const list =
    regions.length === 0 ? [] : ['<DetectionRegionList>', ...regions.flatMap(entry), '</DetectionRegionList>']
  const lines = [
    `<EventNotificationAlert version="${version}" xmlns="http://www.hikvision.com/${alert.release ?? 'ver20'}/XMLSchema">`,
    ...line('ipAddress', alert.ipAddress ?? '10.1.2.3'),
    '<portNo>80</portNo>',
    '<protocol>HTTP</protocol>',
    ...line('macAddress', alert.macAddress ?? '44:19:b6:00:00:01'),
    ...line('channelID', alert.channel),
    ...line('dateTime', alert.dateTime),
    ...line('activePostCount', String(alert.postCount)),
    ...line('eventType', alert.eventType),
    ...line('eventState', alert.eventState),
    ...line('eventDescription', `${alert.eventType} alarm`),
    ...line('channelName', alert.channelName),
    ...list,
    ...line('bkgUrl', alert.pictureUrl),
    '</EventNotificationAlert>',
  ]
  return Buffer.from(`${lines.join('\n')}\n`)
}

export function writeAlertJson(alert: AlertToWrite): Buffer {
  const { channel, eventType, eventState, postCount, dateTime, regions = [] } = alert
  const body = {
    ipAddress: alert.ipAddress ?? '10.1.2.3',
    portNo: 80,
    protocol: 'HTTP',
    macAddress: alert.macAddress ?? '44:19:b6:00:00:01',
    channelID: channel === null ? undefined : Number(channel),
    dateTime,
    activePostCount: postCount,
    eventType,
    eventState: eventState ?? undefined,
    eventDescription: `${eventType} alarm`,
    channelName: alert.channelName,
    DetectionRegionList: regions.length === 0 ? undefined : regions.map((regionID) => ({ regionID })),
  }
  return Buffer.from(JSON.stringify(body))
}

export interface PartToWrite {
  /** `null`: without any header field, as some firmware does. */
  readonly type: string | null
  /** The field of a form. */
  readonly name?: string
  readonly filename?: string
  readonly body: Uint8Array
  /** `null`: it is not said. */
  readonly announced?: number | null
}

/** One part with the delimiter before it; `eol`: `\r\n`, or `\n` on old firmware. */
export function writePart(
  { type, name, filename, body, announced }: PartToWrite,
  boundary: string,
  eol = '\r\n',
): Buffer {
  const file = filename === undefined ? '' : `; filename="${filename}"`
  const length = announced === undefined ? body.length : announced
  const head = [
    `--${boundary}`,
    ...(name === undefined ? [] : [`Content-Disposition: form-data; name="${name}"${file}`]),
    ...(type === null ? [] : [`Content-Type: ${type}`]),
    ...(type === null || length === null ? [] : [`Content-Length: ${length}`]),
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join(eol)), body, Buffer.from(eol)])
}

/** A whole form, as a device posts it. */
export function writeForm(parts: readonly PartToWrite[], boundary: string): { contentType: string; body: Buffer } {
  const closing = Buffer.from(`--${boundary}--\r\n`)
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...parts.map((part) => writePart(part, boundary)), closing]),
  }
}
