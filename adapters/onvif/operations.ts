import { GatewayError, quote } from '../../gateway/errors.ts'
import { escaped } from '../../gateway/web/xml-text.ts'
import { actions, concreteSet, ns, type Operation } from './names.ts'
import { durationText, timeOf } from './times.ts'
import { child, childrenNamed, find, textIn, written, type XmlElement } from './xml.ts'

/** What is asked of a device, and what its answers say. Names are the Core Specification's. */

/** Where a subscription is spoken to. `parameters` go back as headers with every request (WS-Addressing 1.0, 2.1). */
export interface Endpoint {
  readonly address: string
  readonly parameters: readonly XmlElement[]
}

export interface Granted {
  readonly endpoint: Endpoint
  readonly lifetimeMs: number | null
}

export const requests = {
  getSystemDateAndTime: () => '<tds:GetSystemDateAndTime/>',
  getServices: () => '<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>',
  getCapabilities: () => '<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>',
  getProfiles: () => '<trt:GetProfiles/>',
  getSnapshotUri: (profile: string) =>
    `<trt:GetSnapshotUri><trt:ProfileToken>${escaped(profile)}</trt:ProfileToken></trt:GetSnapshotUri>`,
  /** `lifetimeMs` null: the device's own. */
  createPullPointSubscription: (topics: readonly string[], lifetimeMs: number | null) =>
    `<tev:CreatePullPointSubscription>${filter('tev', topics)}${initial('tev', lifetimeMs)}</tev:CreatePullPointSubscription>`,
  subscribe: (consumer: string, topics: readonly string[], lifetimeMs: number | null) =>
    `<n:Subscribe><n:ConsumerReference><a:Address>${escaped(consumer)}</a:Address></n:ConsumerReference>${filter('n', topics)}${initial('n', lifetimeMs)}</n:Subscribe>`,
  pullMessages: (timeoutMs: number, limit: number) =>
    `<tev:PullMessages><tev:Timeout>${durationText(timeoutMs)}</tev:Timeout><tev:MessageLimit>${limit}</tev:MessageLimit></tev:PullMessages>`,
  setSynchronizationPoint: () => '<tev:SetSynchronizationPoint/>',
  renew: (lifetimeMs: number) =>
    `<n:Renew><n:TerminationTime>${durationText(lifetimeMs)}</n:TerminationTime></n:Renew>`,
  unsubscribe: () => '<n:Unsubscribe/>',
} as const

function filter(prefix: string, topics: readonly string[]): string {
  if (topics.length === 0) return ''
  const expression = `<n:TopicExpression Dialect="${concreteSet}">${escaped(topics.join('|'))}</n:TopicExpression>`
  return `<${prefix}:Filter>${expression}</${prefix}:Filter>`
}

const initial = (prefix: string, lifetimeMs: number | null): string =>
  lifetimeMs === null
    ? ''
    : `<${prefix}:InitialTerminationTime>${durationText(lifetimeMs)}</${prefix}:InitialTerminationTime>`

/** Headers of one request: WS-Addressing, and a subscription's own parameters. */
export function addressing(
  operation: Operation,
  to: string,
  messageId: string,
  parameters: readonly XmlElement[],
): string {
  const echoed = parameters.map((one) => written(one, ' a:IsReferenceParameter="true"')).join('')
  return (
    `<a:Action s:mustUnderstand="1">${actions[operation]}</a:Action><a:MessageID>urn:uuid:${messageId}</a:MessageID>` +
    `<a:ReplyTo><a:Address>${ns.addressing}/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand="1">${escaped(to)}</a:To>${echoed}`
  )
}

/** The device's clock; `null`: it does not say UTC. */
export function systemTime(body: XmlElement): Date | null {
  const utc = find(body, ns.schema, 'UTCDateTime')
  const part = (group: string, name: string) =>
    Number(textIn(child(utc, ns.schema, group), ns.schema, name) ?? Number.NaN)
  const [year, month, day] = ['Year', 'Month', 'Day'].map((name) => part('Date', name))
  const [hour, minute, second] = ['Hour', 'Minute', 'Second'].map((name) => part('Time', name))
  const ms = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  return Number.isFinite(ms) ? new Date(ms) : null
}

/** Addresses of the device's services by namespace, as GetServices or GetCapabilities gives them. */
export function serviceAddresses(body: XmlElement): ReadonlyMap<string, string> {
  const services = childrenNamed(child(body, ns.device, 'GetServicesResponse'), ns.device, 'Service')
  const named = services.flatMap((service): [string, string][] => {
    const [namespace, address] = ['Namespace', 'XAddr'].map((name) => textIn(service, ns.device, name))
    return namespace && address ? [[namespace, address]] : []
  })
  const capabilities = find(body, ns.device, 'Capabilities')
  const old = (['Events', 'Media'] as const).flatMap((name): [string, string][] => {
    const address = textIn(child(capabilities, ns.schema, name), ns.schema, 'XAddr')
    return address === null ? [] : [[name === 'Events' ? ns.events : ns.media, address]]
  })
  return new Map([...old, ...named])
}

/**
 * The answer to CreatePullPointSubscription or Subscribe. A device whose clock is wrong is wrong in both times, so their
 * difference holds. `null` as lifetime: it does not say, or says what is over already.
 */
export function granted(body: XmlElement): Granted {
  const answer = body.children[0] ?? null
  const reference = answer?.children.find(({ name }) => name === 'SubscriptionReference') ?? null
  const address = textIn(reference, ns.addressing, 'Address')
  if (address === null) throw new GatewayError('DECODE_FIELD', 'ONVIF: an answer without SubscriptionReference')
  const parameters = child(reference, ns.addressing, 'ReferenceParameters')?.children ?? []
  return { endpoint: { address, parameters }, lifetimeMs: lifetimeIn(answer, null) }
}

/** How long a subscription still lives, of any answer that has TerminationTime. `nowThere`: where the answer has no CurrentTime. */
export function lifetimeIn(answer: XmlElement | null, nowThere: Date | null): number | null {
  const time = (name: string) => {
    const text = answer?.children.find((one) => one.name === name)?.text
    return text === undefined ? null : timeOf(text)
  }
  const from = time('CurrentTime') ?? nowThere
  const until = time('TerminationTime')
  const ms = from === null || until === null ? 0 : until.getTime() - from.getTime()
  return ms > 0 ? ms : null
}

/** A media profile and the tokens by which alarms name what it shows. */
export interface Profile {
  readonly token: string
  readonly names: readonly string[]
}

export function profilesIn(body: XmlElement): Profile[] {
  return childrenNamed(child(body, ns.media, 'GetProfilesResponse'), ns.media, 'Profiles').flatMap((profile) => {
    const token = profile.attributes.get('token')
    if (token === undefined) return []
    const configurations = ['VideoSourceConfiguration', 'VideoAnalyticsConfiguration', 'VideoEncoderConfiguration']
    const names = configurations.flatMap((name) => {
      const one = child(profile, ns.schema, name)
      return [one?.attributes.get('token'), textIn(one, ns.schema, 'SourceToken')].filter(
        (text) => typeof text === 'string',
      )
    })
    return [{ token, names }]
  })
}

export function snapshotUriIn(body: XmlElement): string {
  const uri = textIn(child(body, ns.media, 'GetSnapshotUriResponse'), ns.schema, 'Uri')
  if (uri === null) throw new GatewayError('DECODE_FIELD', 'ONVIF: an answer without a snapshot Uri')
  return uri
}

/** What somebody asks of a device: the other side of `requests`, for whoever plays one. */
export interface Asked {
  readonly operation: string
  readonly element: XmlElement
  readonly topics: readonly string[]
  /** Duration or dateTime, as it came. */
  readonly termination: string | null
  readonly consumer: string | null
  readonly timeout: string | null
  readonly limit: number | null
}

export function askedIn(body: XmlElement): Asked {
  const [element] = body.children
  if (element === undefined) throw new GatewayError('DECODE_FIELD', 'ONVIF: an empty request')
  const expression = textIn(element, ns.notification, 'TopicExpression')
  const limit = textIn(element, ns.events, 'MessageLimit')
  if (limit !== null && !/^\d{1,6}$/.test(limit))
    throw new GatewayError('DECODE_FIELD', `ONVIF: MessageLimit ${quote(limit)}`)
  return {
    operation: element.name,
    element,
    topics: expression?.split('|').map((topic) => topic.trim()) ?? [],
    termination:
      textIn(element, ns.events, 'InitialTerminationTime') ??
      textIn(element, ns.notification, 'InitialTerminationTime') ??
      textIn(element, ns.notification, 'TerminationTime'),
    consumer: textIn(child(element, ns.notification, 'ConsumerReference'), ns.addressing, 'Address'),
    timeout: textIn(element, ns.events, 'Timeout'),
    limit: limit === null ? null : Number(limit),
  }
}
