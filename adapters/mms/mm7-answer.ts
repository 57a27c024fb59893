import type { GatewayError } from '../../gateway/errors.ts'
import { escaped } from '../../gateway/web/xml-text.ts'
import { type Mm7Request, rel6 } from './mm7.ts'

/** Answers to an MMSC (3GPP TS 23.140, 8.7.8): a response with its status, or a SOAP fault that holds one. */

/** Codes of 23.140, 8.4.3 (table "MM7 status codes"). */
export const mm7Status = {
  success: 1000,
  clientError: 2000,
  operationRestricted: 2001,
  messageFormatCorrupt: 2007,
  serverError: 3000,
  unsupportedOperation: 4003,
  validationError: 4004,
  serviceUnavailable: 4006,
} as const

const words: Readonly<Record<number, string>> = {
  1000: 'Success',
  2000: 'Client error',
  2001: 'Operation restricted',
  2007: 'Message format corrupt',
  3000: 'Server error',
  4003: 'Unsupported operation',
  4004: 'Validation error',
  4006: 'Service unavailable',
}

const responses = {
  DeliverReq: 'DeliverRsp',
  DeliveryReportReq: 'DeliveryReportRsp',
  ReadReplyReq: 'ReadReplyRsp',
} as const

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** It is stored. */
export function successful(request: Mm7Request): HttpAnswer {
  const body = element(responses[request.is], request.namespace, request.version, mm7Status.success)
  return { status: 200, headers: {}, body: envelope(request.transactionId, request.namespace, body) }
}

/** Asked for what cannot be: stored as a dead letter, and not to be sent again. 400, as WS-I Basic Profile 1.1, R1113, has it. */
export function refusedAsWrong(error: GatewayError, transactionId: string | null): HttpAnswer {
  const code =
    error.code === 'DECODE_FIELD'
      ? mm7Status.validationError
      : error.code === 'DECODE_UNSUPPORTED'
        ? mm7Status.unsupportedOperation
        : mm7Status.messageFormatCorrupt
  return fault({ status: 400, headers: {}, who: 'Client', code, transactionId })
}

/** Not stored: to be sent again. */
export function refusedForNow(busy: boolean, transactionId: string | null): HttpAnswer {
  return busy
    ? fault({
        status: 503,
        headers: { 'retry-after': '5' },
        who: 'Server',
        code: mm7Status.serviceUnavailable,
        transactionId,
      })
    : fault({ status: 500, headers: {}, who: 'Server', code: mm7Status.serverError, transactionId })
}

interface FaultMaking {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly who: 'Client' | 'Server'
  readonly code: number
  readonly transactionId: string | null
}

export function fault({ status, headers, who, code, transactionId }: FaultMaking): HttpAnswer {
  const detail = element('VASPErrorRsp', rel6, '6.8.0', code)
  const body =
    `<env:Fault><faultcode>env:${who}</faultcode><faultstring>${words[code] ?? ''}</faultstring>` +
    `<detail>${detail}</detail></env:Fault>`
  return { status, headers, body: envelope(transactionId, rel6, body) }
}

function element(name: string, namespace: string, version: string, code: number): string {
  return (
    `<${name} xmlns="${escaped(namespace)}"><MM7Version>${escaped(version)}</MM7Version><Status>` +
    `<StatusCode>${code}</StatusCode><StatusText>${words[code] ?? ''}</StatusText></Status></${name}>`
  )
}

export function envelope(transactionId: string | null, namespace: string, body: string): string {
  const id =
    transactionId === null
      ? ''
      : `<TransactionID xmlns="${escaped(namespace)}" env:mustUnderstand="1">${escaped(transactionId)}</TransactionID>`
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">' +
    `<env:Header>${id}</env:Header><env:Body>${body}</env:Body></env:Envelope>`
  )
}
