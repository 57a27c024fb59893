import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { readNotifyResp, writeNotification, writeRetrieveConf } from '../adapters/mms/mms-pdu.ts'
import { writePush } from '../adapters/mms/push.ts'
import type { PartToWrite } from '../adapters/mms/wsp-multipart.ts'

/**
 * An MMSC's side towards handsets (MM1): announces messages by WAP push, serves them until they are fetched and
 * confirmed, and has every bad habit that a centre or somebody who poses as one has. Its MM7 side is in mms-mm7.ts.
 */

export type MmscMood =
  | { readonly does: 'serve' }
  | { readonly does: 'status'; readonly status: number }
  /** An octet at a time, so that it is never silent and never done. */
  | { readonly does: 'slow'; readonly everyMs: number }
  | { readonly does: 'silent' }
  | { readonly does: 'endless' }
  | { readonly does: 'redirect'; readonly to: string }
  | { readonly does: 'gzip' }
  | { readonly does: 'gzip-bomb'; readonly bomb: Uint8Array }
  | { readonly does: 'retrieve-status'; readonly status: number }
  | { readonly does: 'cut' }
  | { readonly does: 'page' }

export interface MmsToAnnounce {
  readonly from: string | null
  readonly to: string
  readonly subject: string | null
  readonly parts: readonly PartToWrite[]
  readonly expiry?: { readonly at: Date } | { readonly inS: number } | null
}

interface Waiting {
  readonly message: MmsToAnnounce
  readonly conf: Uint8Array
}

export class SimulatedMmsc {
  /** Asked for each GET. */
  mood: (fetch: number) => MmscMood = () => ({ does: 'serve' })
  /** What an m-notifyresp-ind is answered. */
  respondWith = 204
  fetches = 0
  /** Transaction ids of m-notifyresp-ind with status `retrieved`, in the order they came. */
  readonly confirmed: string[] = []
  readonly requestHeaders: IncomingMessage['headers'][] = []
  readonly #waiting = new Map<string, Waiting>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #server: Server
  #pushes = 0
  #announced = 0
  #origin = ''

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** Listens on loopback; `127.0.0.1:port`, as a list of allowed hosts has it. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    this.#origin = `http://${host}`
    return host
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Keeps a message for fetching; its transaction id. */
  keep(message: MmsToAnnounce): string {
    const id = `T${++this.#announced}-${this.#origin.split(':').at(-1)}`
    const { from, to, subject, parts } = message
    const conf = writeRetrieveConf({ transactionId: id, from, to, subject, date: new Date(1_795_399_200_000), parts })
    this.#waiting.set(id, { message, conf })
    return id
  }

  /**
   * The datagram that announces it. Each time it has another WSP transaction id and a shorter relative expiry, and so
   * other bytes.
   */
  push(id: string, location = `${this.#origin}/mms/${id}`): Uint8Array {
    const waiting = this.#waiting.get(id)
    const count = this.#pushes++
    const { from = null, subject = null, expiry = { inS: 259_200 - count } } = waiting?.message ?? {}
    const pdu = writeNotification({
      transactionId: id,
      from,
      subject,
      sizeBytes: waiting?.conf.length ?? 0,
      expiry,
      contentLocation: location,
    })
    return writePush(pdu, count + 1)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestHeaders.push(request.headers)
    if (request.method === 'POST') {
      await this.#confirm(request, response)
      return
    }
    this.fetches++
    const waiting = this.#waiting.get(request.url?.split('/').at(-1) ?? '')
    this.#serve(this.mood(this.fetches), waiting?.conf ?? null, response)
  }

  async #confirm(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { transactionId, status } = readNotifyResp(Buffer.concat(chunks))
    if (this.respondWith < 300 && status === retrieved) {
      this.confirmed.push(transactionId)
      this.#waiting.delete(transactionId)
    }
    response.writeHead(this.respondWith).end()
  }

  #serve(mood: MmscMood, conf: Uint8Array | null, response: ServerResponse): void {
    if (mood.does === 'status') response.writeHead(mood.status).end()
    else if (mood.does === 'redirect') response.writeHead(302, { location: mood.to }).end()
    else if (mood.does === 'silent') response.writeHead(200, mmsHeaders).flushHeaders()
    else if (mood.does === 'endless') this.#endless(response)
    else if (mood.does === 'slow') this.#slowly(response, mood.everyMs)
    else if (mood.does === 'gzip-bomb') gzipped(response, mood.bomb)
    else if (mood.does === 'page') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>')
    else if (mood.does === 'retrieve-status') response.writeHead(200, mmsHeaders).end(withStatus(mood.status))
    else if (conf === null) response.writeHead(404).end()
    else if (mood.does === 'gzip') gzipped(response, gzipSync(conf))
    else if (mood.does === 'cut') {
      response.writeHead(200, { ...mmsHeaders, 'content-length': conf.length })
      response.write(conf.subarray(0, conf.length >> 1), () => response.destroy())
    } else response.writeHead(200, mmsHeaders).end(conf)
  }

  #endless(response: ServerResponse): void {
    const block = Buffer.alloc(64 * 1024, 0x8c)
    response.writeHead(200, mmsHeaders)
    const more = () => {
      while (!response.destroyed && response.write(block));
    }
    response.on('drain', more)
    more()
  }

  #slowly(response: ServerResponse, everyMs: number): void {
    response.writeHead(200, mmsHeaders)
    const timer = setInterval(() => response.write(Uint8Array.of(0x8c)), everyMs)
    this.#timers.add(timer)
    response.on('close', () => clearInterval(timer))
  }
}

const mmsHeaders = { 'content-type': 'application/vnd.wap.mms-message' }
/** X-Mms-Status `retrieved`, less 128. */
const retrieved = 1

function gzipped(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { ...mmsHeaders, 'content-encoding': 'gzip' }).end(body)
}

function withStatus(retrieveStatus: number): Uint8Array {
  const date = new Date(0)
  return writeRetrieveConf({ transactionId: 'x', from: null, to: '', subject: null, date, retrieveStatus, parts: [] })
}

/** Zeros that inflate to so many bytes. */
export const gzipBomb = (bytes: number): Uint8Array => gzipSync(Buffer.alloc(bytes))
