import { type IncomingHttpHeaders, type RequestOptions, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { describe, GatewayError } from '../errors.ts'
import { literalProblem, publicLookup } from './private-address.ts'

/** One HTTP request with bounds on everything. A connection of its own each time: nothing is reused that was checked for another. */
export interface Exchange {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  readonly maxBytes: number
  readonly idleMs: number
  readonly privateAddresses: 'refused' | 'allowed'
  /** Ends it: a stop, or a TimeoutError. */
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** It failed; `sent` says whether the far end may have read the request. */
export class ExchangeFault extends GatewayError {
  readonly sent: boolean

  constructor(detail: string, sent: boolean, cause?: unknown) {
    super(sent ? 'LINK_LOST' : 'LINK_CONNECT', detail, { cause })
    this.sent = sent
  }
}

/** Rejects with an `ExchangeFault`, or with DECODE_TOO_LARGE for a body above the limit. */
export async function exchange(asked: Exchange): Promise<Answer> {
  const answer = await raw(asked)
  const encoding = answer.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '' || answer.body.length === 0) return answer
  return { ...answer, body: await inflated(answer.body, encoding, asked) }
}

/** gzip was not asked for, but comes from proxies; a bomb stops at the limit of what it makes. */
async function inflated(body: Uint8Array, encoding: string, { maxBytes, url }: Exchange): Promise<Uint8Array> {
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new GatewayError('DECODE_UNSUPPORTED', `${url.host} answers in content encoding ${encoding.slice(0, 20)}`)
  try {
    return await promisify(gunzip)(body, { maxOutputLength: maxBytes })
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    if (tooLarge) throw new GatewayError('DECODE_TOO_LARGE', `${url.host} sends more than ${maxBytes} bytes in gzip`)
    throw new ExchangeFault(`${url.host} sends broken gzip`, true, cause)
  }
}

function raw(asked: Exchange): Promise<Answer> {
  const { url, method, headers, body, maxBytes, idleMs, signal } = asked
  const literal = asked.privateAddresses === 'allowed' ? null : literalProblem(url.hostname)
  if (literal !== null) return Promise.reject(new ExchangeFault(literal.detail, false))
  const options: RequestOptions = {
    method,
    agent: false,
    headers: {
      ...headers,
      'accept-encoding': 'identity',
      connection: 'close',
      ...(body !== null && { 'content-length': body.length }),
    },
    signal,
    maxHeaderSize: 16 * 1024,
    ...(asked.privateAddresses === 'refused' && { lookup: publicLookup }),
  }
  return new Promise<Answer>((resolve, reject) => {
    let sent = false
    const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, options)
    const fail = (error: unknown) => {
      request.destroy()
      const timedOut = (signal.reason as Error | undefined)?.name === 'TimeoutError'
      const why = timedOut ? 'no whole answer in time' : error instanceof GatewayError ? error.detail : words(error)
      const known = error instanceof GatewayError && error.code.startsWith('DECODE_')
      reject(known ? error : new ExchangeFault(`${url.host}: ${why}`, sent, error))
    }
    request.on('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        sent = true
      })
    })
    request.setTimeout(idleMs, () => fail(new Error(`silent for ${idleMs} ms`)))
    request.on('error', fail)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxBytes) chunks.push(chunk)
        else fail(new GatewayError('DECODE_TOO_LARGE', `${url.host} sends more than ${maxBytes} bytes`))
      })
      response.on('error', fail)
      response.on('end', () => {
        if (response.complete)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      })
      // A body that is cut short ends in 'close' alone.
      response.on('close', () => fail(new Error('the answer was cut short')))
    })
    request.end(body ?? undefined)
  })
}

/** Of several addresses that all refused, Node's error has a code and no message. */
const words = (error: unknown): string => describe(error) || String((error as NodeJS.ErrnoException).code)
