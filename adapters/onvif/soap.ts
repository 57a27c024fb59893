import { createHash } from 'node:crypto'
import { escaped } from '../../gateway/web/xml-text.ts'
import { base64Binary, ns, passwordDigest } from './names.ts'
import { child, find, readXml, type XmlElement } from './xml.ts'

/** SOAP 1.2 envelopes, their faults, and the UsernameToken of WS-Security. */

const declared = [
  ['s', ns.soap12],
  ['a', ns.addressing],
  ['n', ns.notification],
  ['tt', ns.schema],
  ['tds', ns.device],
  ['tev', ns.events],
  ['trt', ns.media],
  ['tns1', ns.topics],
  ['ter', ns.errors],
  ['wsrf', ns.resource],
  ['bf', ns.faults],
] as const
const declarations = declared.map(([prefix, uri]) => `xmlns:${prefix}="${uri}"`).join(' ')

/** `header` and `body` may use the prefixes s, a, n, tt, tds, tev, trt, tns1, ter, wsrf and bf. */
export function envelope(header: string, body: string): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope ${declarations}><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
  )
}

export interface Token {
  readonly username: string
  readonly password: string
  /** Of the device's own clock. */
  readonly created: Date
  readonly nonce: Uint8Array
}

/** WS-Security UsernameToken Profile 1.0, 3.1: Base64(SHA-1(nonce + created + password)). */
export function tokenDigest(password: string, created: string, nonce: Uint8Array): string {
  return createHash('sha1').update(nonce).update(created).update(password).digest('base64')
}

export function securityHeader({ username, password, created, nonce }: Token): string {
  const time = created.toISOString()
  const digest = tokenDigest(password, time, nonce)
  return (
    `<Security xmlns="${ns.security}" s:mustUnderstand="1"><UsernameToken><Username>${escaped(username)}</Username>` +
    `<Password Type="${passwordDigest}">${digest}</Password>` +
    `<Nonce EncodingType="${base64Binary}">${Buffer.from(nonce).toString('base64')}</Nonce>` +
    `<Created xmlns="${ns.securityUtility}">${time}</Created></UsernameToken></Security>`
  )
}

/** `codes`: local names from the outermost inwards: Sender, NotAuthorized. */
export interface Fault {
  readonly codes: readonly string[]
  readonly reason: string
}

export type Message =
  | { readonly is: 'body'; readonly header: XmlElement | null; readonly body: XmlElement }
  | { readonly is: 'fault'; readonly fault: Fault }

/** SOAP 1.2, and 1.1 of old devices. Throws a `DECODE_` error; `null` when it is XML and no envelope. */
export function readEnvelope(bytes: Uint8Array): Message | null {
  return openEnvelope(readXml(bytes).root)
}

export function openEnvelope(root: XmlElement): Message | null {
  const version = root.ns
  if (root.name !== 'Envelope' || (version !== ns.soap12 && version !== ns.soap11)) return null
  const body = child(root, version, 'Body')
  if (body === null) return null
  const fault = child(body, version, 'Fault')
  if (fault === null) return { is: 'body', header: child(root, version, 'Header'), body }
  return { is: 'fault', fault: version === ns.soap12 ? fault12(fault) : fault11(fault) }
}

function fault12(fault: XmlElement): Fault {
  const codes: string[] = []
  let at = child(fault, ns.soap12, 'Code')
  while (at !== null) {
    codes.push(local(child(at, ns.soap12, 'Value')?.text ?? ''))
    at = child(at, ns.soap12, 'Subcode')
  }
  // WS-BaseNotification names its faults by the element of the detail: ResourceUnknownFault.
  const detail = child(fault, ns.soap12, 'Detail')?.children.find(({ name }) => name.endsWith('Fault'))
  return {
    codes: [...codes, ...(detail === undefined ? [] : [detail.name])],
    reason: (find(fault, ns.soap12, 'Text')?.text ?? '').slice(0, 200),
  }
}

const fault11 = (fault: XmlElement): Fault => ({
  codes: [local(child(fault, '', 'faultcode')?.text ?? '')],
  reason: (child(fault, '', 'faultstring')?.text ?? '').slice(0, 200),
})

const local = (qualified: string): string => qualified.replace(/^.*:/, '').slice(0, 60)

/** `codes`: as they are written, with their prefixes: `s:Sender`, `ter:NotAuthorized`. */
export function faultEnvelope(codes: readonly [string, ...string[]], reason: string, detail = ''): Buffer {
  const code = codes.reduceRight(
    (inner, value) => `<s:Value>${value}</s:Value>${inner && `<s:Subcode>${inner}</s:Subcode>`}`,
    '',
  )
  const more = detail === '' ? '' : `<s:Detail>${detail}</s:Detail>`
  return envelope(
    '',
    `<s:Fault><s:Code>${code}</s:Code><s:Reason><s:Text xml:lang="en">${escaped(reason)}</s:Text></s:Reason>${more}</s:Fault>`,
  )
}
