import type { OutboundNotice } from '../../gateway/adapter.ts'

/** What a device may say on `v1/{device}/up/{…}`. */
export const upNames = ['position', 'report', 'verify', 'check', 'presence', 'receipt'] as const
export type UpName = (typeof upNames)[number]

/** What it is told on `v1/{device}/down/{…}`. */
export const downKinds = ['task', 'notice', 'parameters'] as const

/** A topic as far as it is understood. `name` is not yet known to be one of `upNames`. */
export type Topic =
  | { readonly scheme: 'v1'; readonly device: string; readonly direction: string; readonly name: string }
  | { readonly scheme: 'owntracks'; readonly device: string; readonly phone: string; readonly rest: string }

export function readTopic(topic: string): Topic | null {
  const [scheme, device, third, ...rest] = topic.split('/')
  if (device === undefined || device === '' || third === undefined) return null
  if (scheme === 'v1') return { scheme, device, direction: third, name: rest.join('/') }
  if (scheme === 'owntracks') return { scheme, device, phone: third, rest: rest.join('/') }
  return null
}

export const upTopic = (device: string, name: UpName): string => `v1/${device}/up/${name}`
export const downTopic = (device: string, kind: OutboundNotice['kind']): string => `v1/${device}/down/${kind}`
export const downFilter = (device: string): string => `v1/${device}/down/+`

/** Whether a topic or a filter lies under a device's own branches, with no wildcard in the place of its name. */
export function isOwn(topicOrFilter: string, device: string): boolean {
  return (
    topicOrFilter.startsWith(`v1/${device}/`) ||
    topicOrFilter.startsWith(`owntracks/${device}/`) ||
    topicOrFilter === `v1/${device}` ||
    topicOrFilter === `owntracks/${device}`
  )
}

/** The device that a topic or filter names, whatever it names it for. */
export function deviceOf(topicOrFilter: string): string {
  const start = topicOrFilter.indexOf('/') + 1
  const end = topicOrFilter.indexOf('/', start)
  return topicOrFilter.slice(start, end < 0 ? undefined : end)
}

/** Whether nothing that devices publish can match a filter. */
export const onlyNotices = (filter: string): boolean => /^v1\/[^/+#]+\/down\//.test(filter)

/** The device whose notices a filter asks for: that of `v1/{device}/…` when a down topic lies under it, else `null`. */
export function addresseeOf(filter: string): string | null {
  const device = filter.split('/')[1]
  if (device === undefined || device === '' || device === '+' || device === '#') return null
  return downKinds.some((kind) => covers(filter, downTopic(device, kind))) ? device : null
}

/** Whether a subscription's filter takes in a topic (MQTT 3.1.1, 4.7.1). */
export function covers(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false
  }
  return wanted.length === levels.length
}

/**
 * A device's name stands in topics, in log lines and as the subject of its reports, so it is kept to what is safe in
 * all three: letters (of any script) and digits, and `. _ - : @`.
 */
export function isDeviceName(name: string): boolean {
  return /^[\p{L}\p{N}._:@-]{1,64}$/u.test(name)
}

/** For whoever wrote another. */
export const notDeviceName = 'is no device name: 1 to 64 letters, digits and . _ - : @'
