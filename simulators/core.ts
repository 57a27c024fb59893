import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A case-management core as the gateway sees one: takes CloudEvents batches, verifies who signed them, and knows an
 * event by its id however often it comes. It can be slow, failing, gone, or take a batch and cut the line before it answers.
 */

export type CoreMood =
  | { readonly does: 'answer' }
  | { readonly does: 'delay'; readonly ms: number }
  | { readonly does: 'fail'; readonly status: number; readonly retryAfterS?: number }
  | { readonly does: 'take-and-cut' }

export interface CoreEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly source: string
  readonly partitionkey: string
  readonly time: string
  readonly data: Record<string, unknown>
}

export class SimulatedCore {
  /** Distinct events in the order they first came. */
  readonly events = new Map<string, CoreEvent>()
  /** Deliveries of an event that was there already. */
  repeated = 0
  requests = 0
  /** Requests turned away for their signature. */
  forged = 0
  /** Asked for each request, counted from 1. */
  mood: (request: number) => CoreMood
  readonly #key: Buffer
  readonly #server: Server
  #changed: () => void = () => {}

  /** `secret`: `whsec_` and base64. */
  constructor(secret: string, mood: (request: number) => CoreMood = () => ({ does: 'answer' })) {
    this.#key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    this.mood = mood
    this.#server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy())
    })
    this.#server.keepAliveTimeout = 60_000
  }

  /** Listens on loopback and returns its URL. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Distinct events of one type, e.g. `case-intent`. */
  count(type: string): number {
    let n = 0
    for (const event of this.events.values()) if (event.type === `chengguan.${type}.v1`) n++
    return n
  }

  /** Waits until the condition holds; rejects with its name when it does not within the time. */
  async until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
    const deadline = Date.now() + withinMs
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`the core waited in vain until ${what}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    this.requests++
    if (!this.#signed(request, body)) {
      this.forged++
      response.writeHead(401).end('signature')
      return
    }
    const mood = this.mood(this.requests)
    if (mood.does === 'fail') {
      const headers = mood.retryAfterS === undefined ? {} : { 'retry-after': String(mood.retryAfterS) }
      response.writeHead(mood.status, headers).end()
      return
    }
    if (mood.does === 'delay') await new Promise((resolve) => setTimeout(resolve, mood.ms))
    for (const event of JSON.parse(body.toString('utf8')) as CoreEvent[]) {
      if (this.events.has(event.id)) this.repeated++
      else this.events.set(event.id, event)
    }
    this.#changed()
    if (mood.does === 'take-and-cut') response.destroy()
    else response.writeHead(204).end()
  }

  /** Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, within five minutes. */
  #signed({ headers }: IncomingMessage, body: Buffer): boolean {
    const id = headers['webhook-id']
    const timestamp = headers['webhook-timestamp']
    const given = headers['webhook-signature']
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof given !== 'string') return false
    if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false
    const wanted = createHmac('sha256', this.#key).update(`${id}.${timestamp}.`).update(body).digest()
    return given.split(' ').some((one) => {
      const mac = Buffer.from(one.replace(/^v1,/, ''), 'base64')
      return mac.length === wanted.length && timingSafeEqual(mac, wanted)
    })
  }
}
