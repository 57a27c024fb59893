import { randomBytes, randomUUID } from 'node:crypto'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { authorizationFor } from '../../gateway/web/digest-access.ts'
import { type Answer, exchange } from '../../gateway/web/http-exchange.ts'
import { within } from './deadline.ts'
import type { DeviceOptions } from './device-options.ts'
import { actions, ns, type Operation } from './names.ts'
import { addressing, type Endpoint, requests, serviceAddresses, systemTime } from './operations.ts'
import { envelope, type Fault, openEnvelope, securityHeader } from './soap.ts'
import { type Charset, readXml, type XmlElement } from './xml.ts'

/** The device understood and refuses. */
export class DeviceFault extends GatewayError {
  readonly fault: Fault

  constructor(operation: string, status: number, fault: Fault) {
    super('LINK_LOST', `${operation} is answered ${status} ${fault.codes.join('/')}: ${quote(fault.reason)}`)
    this.fault = fault
  }
}

export interface Reply {
  readonly bytes: Uint8Array
  readonly root: XmlElement
  readonly charset: Charset
  readonly body: XmlElement
}

interface Fetched {
  readonly url: URL
  readonly maxBytes: number
  readonly withinMs: number
}

/** One device: its clock, its services, and every way it wants to be told who asks. */
export class Device {
  readonly origin: URL
  readonly #options: DeviceOptions
  #clockAheadMs = 0
  /** HTTP's challenge that was answered well, and how often its nonce was used. */
  #challenge: { readonly header: string; count: number } | null = null

  constructor(options: DeviceOptions) {
    this.#options = options
    this.origin = new URL(options.url)
  }

  /** What the device's clock shows now. */
  get now(): Date {
    return new Date(Date.now() + this.#clockAheadMs)
  }

  /** Takes the device's time, which UsernameTokens must be of, and the addresses of its services. */
  async meet(stop: AbortSignal): Promise<ReadonlyMap<string, string>> {
    this.#challenge = null
    const home = { address: this.origin.href, parameters: [] }
    // The one question that a device answers to anybody (Core Specification, 5.9.2.3): no token, since its time is not known yet.
    const { body } = await this.#ask('GetSystemDateAndTime', requests.getSystemDateAndTime(), home, stop, {
      open: true,
    })
    const there = systemTime(body)
    this.#clockAheadMs = there === null ? 0 : there.getTime() - Date.now()
    return this.#services(home, stop)
  }

  async #services(home: Endpoint, stop: AbortSignal): Promise<ReadonlyMap<string, string>> {
    try {
      const named = serviceAddresses((await this.#ask('GetServices', requests.getServices(), home, stop)).body)
      if (named.has(ns.events)) return named
    } catch (error) {
      // Devices of ONVIF 1 know GetCapabilities alone.
      if (!(error instanceof DeviceFault) || error.fault.codes.includes('NotAuthorized')) throw error
    }
    return serviceAddresses((await this.#ask('GetCapabilities', requests.getCapabilities(), home, stop)).body)
  }

  /** `heldMs`: so long the device may hold the answer. Rejects with a `DeviceFault`, a `LINK_` or a `DECODE_` error. */
  ask(operation: Operation, body: string, to: Endpoint, stop: AbortSignal, heldMs = 0): Promise<Reply> {
    return this.#ask(operation, body, to, stop, { heldMs })
  }

  async #ask(
    operation: Operation,
    body: string,
    { address, parameters }: Endpoint,
    stop: AbortSignal,
    { heldMs = 0, open = false } = {},
  ): Promise<Reply> {
    const { answerWithin, maxSize } = this.#options
    const write = () =>
      envelope(addressing(operation, address, randomUUID(), parameters) + (open ? '' : this.#token()), body)
    const type = `application/soap+xml; charset=utf-8; action="${actions[operation]}"`
    const asked = { url: this.reached(address), maxBytes: maxSize, withinMs: heldMs + answerWithin }
    return replyOf(operation, await this.#exchange(asked, stop, { type, write }))
  }

  /** A picture. */
  fetch(asked: Fetched, stop: AbortSignal): Promise<Answer> {
    return this.#exchange(asked, stop, null)
  }

  /**
   * An address of the device as this gateway reaches it. Its own host may have services on several ports; any other host is
   * the device's name for itself behind a NAT, and stands for the configured one.
   */
  reached(address: string): URL {
    const named = URL.canParse(address, this.origin.href) ? new URL(address, this.origin) : this.origin
    const own = named.hostname === this.origin.hostname && /^https?:$/.test(named.protocol)
    const at = own ? named : this.origin
    return new URL(`${at.protocol}//${at.host}${named.pathname}${named.search}`)
  }

  async #exchange(asked: Fetched, stop: AbortSignal, post: { type: string; write(): Buffer } | null): Promise<Answer> {
    const { url, withinMs, maxBytes } = asked
    const method = post === null ? 'GET' : 'POST'
    return within(stop, withinMs, async (signal) => {
      const once = (authorization: string | null) =>
        exchange({
          url,
          method,
          headers: {
            'user-agent': 'chengguan-gateway',
            ...(post !== null && { 'content-type': post.type }),
            ...(authorization !== null && { authorization }),
          },
          body: post?.write() ?? null,
          maxBytes,
          idleMs: withinMs,
          // The one host that the operator configured; a camera's address is of a private network.
          privateAddresses: 'allowed',
          signal,
        })
      const first = await once(this.#authorization(method, url))
      const header = first.headers['www-authenticate']
      if (first.status !== 401 || header === undefined || this.#options.username === null) return first
      this.#challenge = { header, count: 0 }
      const answer = await once(this.#authorization(method, url))
      if (answer.status === 401) this.#challenge = null
      return answer
    })
  }

  #authorization(method: string, url: URL): string | null {
    const { username, password, basic } = this.#options
    if (this.#challenge === null || username === null) return null
    const login = { username, password: password?.reveal() ?? '' }
    const asked = { method, target: `${url.pathname}${url.search}` }
    const header = authorizationFor(this.#challenge.header, login, asked, ++this.#challenge.count)
    if (header === null || (header.startsWith('Basic ') && url.protocol === 'http:' && basic === 'refused'))
      throw new GatewayError('LINK_CONNECT', `${url.host} asks for a password in a way that is not answered`)
    return header
  }

  #token(): string {
    const { username, password } = this.#options
    if (username === null) return ''
    return securityHeader({ username, password: password?.reveal() ?? '', created: this.now, nonce: randomBytes(16) })
  }
}

function replyOf(operation: string, { status, body: bytes }: Answer): Reply {
  if (status === 401 || status === 403)
    throw new DeviceFault(operation, status, { codes: ['NotAuthorized'], reason: 'username or password' })
  const { root, charset } = readAnswer(operation, status, bytes)
  const message = openEnvelope(root)
  if (message?.is === 'fault') throw new DeviceFault(operation, status, message.fault)
  if (status === 200 && message !== null) return { bytes, root, charset, body: message.body }
  throw new GatewayError('LINK_LOST', `${operation} is answered ${status} by what is no SOAP`)
}

/** Only what comes with 200 is worth keeping when it cannot be read. */
function readAnswer(operation: string, status: number, bytes: Uint8Array): ReturnType<typeof readXml> {
  try {
    return readXml(bytes)
  } catch (error) {
    if (status === 200 && error instanceof GatewayError) throw new UnreadableReply(error, bytes)
    throw new GatewayError('LINK_LOST', `${operation} is answered ${status} by what is no SOAP`, { cause: error })
  }
}

export class UnreadableReply extends GatewayError {
  readonly bytes: Uint8Array

  constructor({ code, detail }: GatewayError, bytes: Uint8Array) {
    super(code, detail)
    this.bytes = bytes
  }
}
