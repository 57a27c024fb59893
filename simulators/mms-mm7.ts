import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Entity, partsOf } from '../adapters/mms/mime-multipart.ts'
import { readBody, rel6 } from '../adapters/mms/mm7.ts'
import { envelope } from '../adapters/mms/mm7-answer.ts'
import type { Part } from '../adapters/mms/part.ts'
import { find, textIn } from '../adapters/mms/soap.ts'
import { escaped } from '../gateway/web/xml-text.ts'

/** An MMSC's side towards service providers (MM7): hands over what subscribers sent, and takes what is sent to them. */

export interface Posted {
  readonly contentType: string
  readonly body: Uint8Array
}

export interface Mm7Part {
  readonly headers: readonly string[]
  readonly content: Uint8Array | string
}

export interface Delivery {
  readonly transactionId: string
  readonly linkedId?: string
  readonly sender: string
  readonly to?: string
  readonly subject?: string
  readonly parts: readonly Mm7Part[]
}

/** A multipart/mixed inside a multipart/related, as most centres write it. */
export function deliverReq({ transactionId, linkedId, sender, to = '12319', subject, parts }: Delivery): Posted {
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? '' : `<${name}>${escaped(value)}</${name}>`
  const soap = envelope(
    transactionId,
    rel6,
    `<DeliverReq xmlns="${rel6}"><MM7Version>6.8.0</MM7Version>${optional('LinkedID', linkedId)}` +
      `<Sender><Number>${escaped(sender)}</Number></Sender><Recipients><To><Number>${escaped(to)}</Number></To></Recipients>` +
      `<TimeStamp>2026-11-23T10:00:00+08:00</TimeStamp>${optional('Subject', subject)}` +
      '<Content href="cid:content" allowAdaptations="true"/></DeliverReq>',
  )
  const inner = multipart('inner', parts)
  const head = ['Content-Type: multipart/mixed; boundary="inner"', 'Content-ID: <content>']
  const soapHead = ['Content-Type: text/xml; charset=utf-8', 'Content-ID: <soap>']
  return {
    contentType: 'multipart/related; boundary="outer"; type="text/xml"; start="<soap>"',
    body: multipart('outer', [
      { headers: soapHead, content: soap },
      { headers: head, content: inner },
    ]),
  }
}

export function multipart(boundary: string, parts: readonly Mm7Part[]): Buffer {
  const lines = (...text: string[]) => Buffer.from(text.map((line) => `${line}\r\n`).join(''))
  const written = parts.flatMap(({ headers, content }) => [
    lines(`--${boundary}`, ...headers, ''),
    Buffer.from(content),
    lines(''),
  ])
  return Buffer.concat([...written, lines(`--${boundary}--`)])
}

export function deliveryReportReq(messageId: string, mmStatus: string, recipient = '8613800138000'): Posted {
  const request =
    `<DeliveryReportReq xmlns="${rel6}"><MM7Version>6.8.0</MM7Version><MessageID>${escaped(messageId)}</MessageID>` +
    `<Recipient><Number>${recipient}</Number></Recipient><Sender><ShortCode>12319</ShortCode></Sender>` +
    `<Date>2026-11-23T10:01:00+08:00</Date><MMStatus>${escaped(mmStatus)}</MMStatus></DeliveryReportReq>`
  return { contentType: 'text/xml; charset=utf-8', body: Buffer.from(envelope(`r-${messageId}`, rel6, request)) }
}

export interface Submission {
  readonly transactionId: string
  readonly request: string
  readonly parts: readonly Part[]
  readonly headers: IncomingMessage['headers']
}

export type CentreMood =
  | { readonly does: 'take' }
  /** An MM7 status, in a SubmitRsp or, from 2000 on, in a SOAP fault. */
  | { readonly does: 'status'; readonly code: number }
  | { readonly does: 'http'; readonly status: number }
  /** Takes the message and never answers. */
  | { readonly does: 'silence' }
  | { readonly does: 'take-and-cut' }

export class SimulatedMm7Centre {
  mood: () => CentreMood = () => ({ does: 'take' })
  /** What it took, by message id. */
  readonly taken = new Map<string, Submission>()
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** Listens on loopback; the URL for SubmitReq. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mm7`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { xml, others } = readBody(Buffer.concat(chunks), request.headers['content-type'] ?? '')
    const transactionId = textIn(xml, 'TransactionID') ?? ''
    const mood = this.mood()
    if (mood.does === 'http') {
      response.writeHead(mood.status).end()
      return
    }
    if (mood.does === 'status' && mood.code >= 2000) {
      response.writeHead(500, xmlHeaders).end(faultOf(transactionId, mood.code))
      return
    }
    const messageId = `m-${this.taken.size + 1}`
    const submission = find(xml, 'SubmitReq')
    const parts = others.flatMap((one: Entity) => partsOf(one).whole)
    this.taken.set(messageId, { transactionId, request: JSON.stringify(submission), parts, headers: request.headers })
    if (mood.does === 'silence') return
    if (mood.does === 'take-and-cut') {
      response.destroy()
      return
    }
    const status = '<Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText></Status>'
    const rsp = `<SubmitRsp xmlns="${rel6}"><MM7Version>6.8.0</MM7Version>${status}<MessageID>${messageId}</MessageID></SubmitRsp>`
    response.writeHead(200, xmlHeaders).end(envelope(transactionId, rel6, rsp))
  }
}

const xmlHeaders = { 'content-type': 'text/xml; charset=utf-8' }

function faultOf(transactionId: string, code: number): string {
  const status = `<Status><StatusCode>${code}</StatusCode><StatusText>because</StatusText></Status>`
  const detail = `<detail><RSErrorRsp xmlns="${rel6}"><MM7Version>6.8.0</MM7Version>${status}</RSErrorRsp></detail>`
  return envelope(transactionId, rel6, `<env:Fault><faultcode>env:Client</faultcode>${detail}</env:Fault>`)
}
