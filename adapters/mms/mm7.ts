import { GatewayError, quote } from '../../gateway/errors.ts'
import { fieldWithParameters } from './mime-header.ts'
import { type Entity, entitiesOf, idOf, partsOf } from './mime-multipart.ts'
import { type Broken, bareId, type Parts } from './part.ts'
import { find, readXml, textIn, type XmlElement } from './soap.ts'

/** Requests of an MMSC to a value added service provider (3GPP TS 23.140, 8.7 and annex L), as they are read. */

interface Request {
  readonly transactionId: string | null
  readonly version: string
  /** The MM7 namespace it was written in; answers are written in the same one. */
  readonly namespace: string
}

/** MM7_deliver.REQ: what a subscriber sent. */
export interface DeliverReq extends Request {
  readonly is: 'DeliverReq'
  readonly linkedId: string | null
  readonly sender: string | null
  readonly recipients: readonly string[]
  readonly subject: string | null
  readonly timeStamp: string | null
  readonly parts: Parts
}

/** MM7_delivery_report.REQ: what became of a submission. */
export interface DeliveryReportReq extends Request {
  readonly is: 'DeliveryReportReq'
  readonly messageId: string
  readonly recipient: string | null
  readonly date: string | null
  /** `Retrieved`, `Expired` … */
  readonly mmStatus: string
  readonly statusText: string | null
}

/** MM7_read_reply.REQ: somebody looked at a submission. */
export interface ReadReplyReq extends Request {
  readonly is: 'ReadReplyReq'
  readonly messageId: string | null
}

export type Mm7Request = DeliverReq | DeliveryReportReq | ReadReplyReq

export const rel6 = 'http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4'

/** The XML of a body, and what came with it. Throws a `DECODE_` error. */
export function readBody(
  raw: Uint8Array,
  contentType: string,
): { xml: XmlElement; others: Entity[]; broken: Broken[] } {
  const type = fieldWithParameters(contentType)
  if (/^(?:text|application)\/(?:soap\+)?xml$/.test(type.type))
    return { xml: readXml(raw, type.parameters.charset ?? null), others: [], broken: [] }
  if (!type.type.startsWith('multipart/'))
    throw new GatewayError('DECODE_UNSUPPORTED', `MM7: a body of type ${quote(type.type)}`)
  const { whole, broken } = entitiesOf(raw, type)
  const start = bareId(type.parameters.start ?? '')
  const soap = whole.find((one) => start !== '' && idOf(one) === start) ?? whole[0]
  if (soap === undefined) throw new GatewayError('DECODE_SYNTAX', `MM7: ${broken[0]?.detail ?? 'no part'}`)
  const xml = readXml(soap.body, soap.contentType.parameters.charset ?? null)
  return { xml, others: whole.filter((one) => one !== soap), broken: [...broken] }
}

/** Throws a `DECODE_` error: SYNTAX and the like for what cannot be read, UNSUPPORTED and FIELD for what was. */
export function readRequest(raw: Uint8Array, contentType: string): Mm7Request {
  const { xml, others, broken } = readBody(raw, contentType)
  const operation = operationOf(xml)
  const request: Request = {
    transactionId: textIn(xml, 'TransactionID'),
    version: textIn(operation, 'MM7Version') ?? '6.8.0',
    namespace: namespaceOf(xml) ?? rel6,
  }
  switch (operation.name) {
    case 'DeliverReq':
      return deliverReq(operation, request, contentParts(operation, others, broken))
    case 'DeliveryReportReq':
      return deliveryReportReq(operation, request)
    case 'ReadReplyReq':
      return { is: 'ReadReplyReq', ...request, messageId: textIn(operation, 'MessageID') }
    default:
      throw new GatewayError('DECODE_UNSUPPORTED', `MM7: ${quote(operation.name)} is no request to a provider`)
  }
}

function operationOf(xml: XmlElement): XmlElement {
  const operation = find(xml, 'Body')?.children[0]
  if (operation === undefined) throw new GatewayError('DECODE_SYNTAX', 'MM7: a SOAP envelope without a request in it')
  return operation
}

function deliverReq(operation: XmlElement, request: Request, parts: Parts): DeliverReq {
  const recipients = find(operation, 'Recipients')
  return {
    is: 'DeliverReq',
    ...request,
    linkedId: textIn(operation, 'LinkedID'),
    sender: addressIn(find(operation, 'Sender')),
    recipients: (recipients?.children ?? []).flatMap((one) => addressIn(one) ?? []),
    subject: textIn(operation, 'Subject'),
    timeStamp: textIn(operation, 'TimeStamp'),
    parts,
  }
}

function deliveryReportReq(operation: XmlElement, request: Request): DeliveryReportReq {
  const messageId = textIn(operation, 'MessageID')
  const mmStatus = textIn(operation, 'MMStatus')
  if (messageId === null) throw new GatewayError('DECODE_FIELD', 'MM7: a DeliveryReportReq without MessageID')
  if (mmStatus === null) throw new GatewayError('DECODE_FIELD', 'MM7: a DeliveryReportReq without MMStatus')
  return {
    is: 'DeliveryReportReq',
    ...request,
    messageId,
    recipient: addressIn(find(operation, 'Recipient')),
    date: textIn(operation, 'Date'),
    mmStatus,
    statusText: textIn(operation, 'StatusText'),
  }
}

/** An address in one of its forms (annex L), or, as some write it, the number itself. */
function addressIn(element: XmlElement | null): string | null {
  if (element === null) return null
  for (const form of ['Number', 'RFC2822Address', 'ShortCode']) {
    const text = textIn(element, form)
    if (text !== null) return text
  }
  return element.text === '' ? null : element.text
}

/** What `<Content href="cid:…"/>` names; where it names nothing that is there, what follows the SOAP part. */
function contentParts(operation: XmlElement, others: readonly Entity[], broken: readonly Broken[]): Parts {
  const content = find(operation, 'Content')
  const id = bareId(content?.attributes.href ?? '')
  const entity = others.find((one) => id !== '' && idOf(one) === id) ?? others[0]
  if (entity === undefined) {
    const missing =
      content === null || broken.length > 0 ? [] : [{ code: 'DECODE_SYNTAX', detail: 'its content did not come' }]
    return { whole: [], broken: [...broken, ...missing] }
  }
  const parts = partsOf(entity)
  return { whole: parts.whole, broken: [...parts.broken, ...broken] }
}

function namespaceOf(element: XmlElement): string | null {
  const own = Object.values(element.attributes).find((value) => /23\.140.{0,40}MM7/.test(value))
  if (own !== undefined) return own.slice(0, 200)
  for (const child of element.children) {
    const found = namespaceOf(child)
    if (found !== null) return found
  }
  return null
}
