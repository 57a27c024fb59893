import type { TextSender } from '../adapter.ts'
import type { Addressed, NoticeRules, Route } from './rules.ts'
import type { Way } from './way.ts'

/** An adapter that texts leave by. */
export interface TextAdapter {
  readonly kind: string
  readonly texts: TextSender
}

/** Whom a notice is for, by every means that is known. */
export interface Reach {
  readonly audience: Addressed
  /** `tel:+8613800138000`; `null`: no number is known. */
  readonly subscriber: string | null
  /** The device and the adapter it is reached by. */
  readonly device: { readonly id: string; readonly adapter: string } | null
  /** The adapter that is tried first where the configuration leaves the choice: where a report came in. */
  readonly preferred: string | null
  /** Pictures go along, where there is a way for them. */
  readonly media: boolean
}

/** The configured ways as they are for one addressee. Ways that lead nowhere are left out. */
export function waysTo(
  reach: Reach,
  { routes }: NoticeRules,
  devices: ReadonlyMap<string, { readonly kind: string }>,
  texts: ReadonlyMap<string, TextAdapter>,
): Way[] {
  return routes[reach.audience].flatMap((route): Way[] => {
    const { afterMs } = route
    if (route.by === 'device') {
      const { device } = reach
      const kind = device === null ? undefined : devices.get(device.adapter)?.kind
      if (device === null || kind === undefined || !allows(route, device.adapter, kind)) return []
      return [{ by: 'device', adapter: device.adapter, addressee: device.id, afterMs }]
    }
    const { subscriber } = reach
    if (subscriber === null) return []
    return textAdapters(route, reach, texts).map((adapter) => ({ by: 'text', adapter, addressee: subscriber, afterMs }))
  })
}

const allows = ({ adapter, kind }: Route, name: string, ofKind: string) =>
  (adapter === null || adapter === name) && (kind === null || kind === ofKind)

/** With media one for pictures and then one for words; else one, for words if there is any. */
function textAdapters(route: Route, { preferred, media }: Reach, texts: ReadonlyMap<string, TextAdapter>): string[] {
  const allowed = [...texts].filter(([name, { kind }]) => allows(route, name, kind))
  const of = (medium: TextSender['medium']) => {
    const some = allowed.filter(([, { texts: sender }]) => sender.medium === medium)
    const best = some.find(([name]) => name === preferred) ?? some.find(([, { texts: sender }]) => sender.ready)
    return (best ?? some[0])?.[0]
  }
  const [sms, mms] = [of('sms'), of('mms')]
  const chosen = media ? [mms, sms] : [sms ?? mms]
  return chosen.filter((name) => name !== undefined)
}
