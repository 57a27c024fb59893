import { readFileSync } from 'node:fs'
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { authorizationFor } from '../../gateway/web/digest-access.ts'
import type { StreamOptions } from './options.ts'

/** A wrong username or password, or an account that is locked: not to be tried again soon. */
export class LoginRefused extends GatewayError {
  constructor(detail: string) {
    super('LINK_CONNECT', detail)
  }
}

/**
 * GET of a device's own web server, which asks for HTTP Digest at first. Resolves with the head of a 200; its body is the
 * caller's. `signal` ends it at any time, body and all.
 */
export async function getFromDevice(url: URL, options: StreamOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const first = await get(url, options, null, signal)
  if (first.statusCode === 200) return first
  const challenge = first.headers['www-authenticate'] ?? ''
  first.destroy()
  if (first.statusCode !== 401) throw new GatewayError('LINK_CONNECT', `${url.host}: HTTP ${first.statusCode}`)
  const { username, password } = options
  const login = { username, password: password.reveal() }
  const authorization = authorizationFor(challenge, login, { method: 'GET', target: url.pathname + url.search })
  if (authorization === null) throw new GatewayError('LINK_CONNECT', `${url.host}: no challenge that can be answered`)
  const second = await get(url, options, authorization, signal)
  if (second.statusCode === 200) return second
  second.destroy()
  if (second.statusCode === 401) throw new LoginRefused(`${url.host}: wrong username or password`)
  throw new GatewayError('LINK_CONNECT', `${url.host}: HTTP ${second.statusCode}`)
}

function get(
  url: URL,
  { connectTimeout, ca, servername }: StreamOptions,
  authorization: string | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions = {
    agent: false,
    signal,
    maxHeaderSize: 16 * 1024,
    headers: { accept: '*/*', ...(authorization !== null && { authorization }) },
  }
  return new Promise((resolve, reject) => {
    const tls = { ...(ca !== null && { ca: readFileSync(ca) }), ...(servername !== null && { servername }) }
    const asking = url.protocol === 'https:' ? requestTls(url, { ...options, ...tls }) : requestPlain(url, options)
    const fail = (error: unknown) =>
      reject(new GatewayError('LINK_CONNECT', `${url.host}: ${describe(error)}`, { cause: error }))
    const late = setTimeout(() => asking.destroy(new Error(`no answer in ${connectTimeout} ms`)), connectTimeout)
    // Also keeps an error of the body, which its reader hears, from ending the process.
    asking.on('error', fail)
    asking.on('close', () => clearTimeout(late))
    asking.on('response', (response) => {
      clearTimeout(late)
      response.on('error', () => {})
      resolve(response)
    })
    asking.end()
  })
}
