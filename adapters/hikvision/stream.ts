import type { IncomingMessage } from 'node:http'
import type { Adapter, AdapterContext, AdapterKind, Errand, Inbound } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import { AlertSequence, decodeStream } from './alert-messages.ts'
import { getFromDevice, LoginRefused } from './device-request.ts'
import { MultipartStream } from './multipart-stream.ts'
import { type StreamOptions, streamOptions } from './options.ts'
import { fetchedPicture } from './snapshot.ts'

/** `kind: hikvision-stream`: asks a camera or recorder for its endless answer of alarms. */
export const hikvisionStream: AdapterKind<StreamOptions> = {
  kind: 'hikvision-stream',
  channel: 'video',
  options: streamOptions,
  decode: (message, options) => decodeStream(message, options),
  exclusive: () => true,
  create: (options, context) => new AlertStream(options, context),
}

export class AlertStream implements Adapter {
  readonly #options: StreamOptions
  readonly #context: AdapterContext
  readonly #underWay = new Set<Promise<unknown>>()
  #reading: Reading | null = null
  /** What a stop, or a later start, ends. */
  #running: AbortController | null = null
  #nextLoginMs = 0

  constructor(options: StreamOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
  }

  async start(): Promise<void> {
    await this.stop()
    const { url, path, loginPause } = this.#options
    if (Date.now() < this.#nextLoginMs)
      throw new GatewayError(
        'LINK_CONNECT',
        `${new URL(url).host}: the login was refused; a device locks after a few tries`,
      )
    const running = new AbortController()
    this.#running = running
    try {
      const response = await getFromDevice(new URL(path, url), this.#options, running.signal)
      this.#reading = this.#read(response, boundaryOf(response), running)
    } catch (error) {
      running.abort()
      if (error instanceof LoginRefused) this.#nextLoginMs = Date.now() + loginPause
      throw error
    }
    this.#context.report({ state: 'connected', to: url })
  }

  async stop(): Promise<void> {
    const was = this.#reading !== null
    this.#running?.abort()
    this.#reading?.end()
    this.#reading = null
    await Promise.allSettled(this.#underWay)
    if (was) this.#context.report({ state: 'stopped' })
  }

  /** Fetches the picture that an alarm says is kept on the device. */
  async perform(errand: Errand): Promise<void> {
    const signal = this.#running?.signal
    if (signal === undefined || signal.aborted) throw new GatewayError('LINK_LOST', 'the link is down')
    await this.#context.accept(await fetchedPicture(errand, this.#options, signal))
  }

  #read(response: IncomingMessage, boundary: string, running: AbortController): Reading {
    const { maxPart, idle, window } = this.#options
    const pieces = new MultipartStream({ boundary, maxPart })
    const alerts = new AlertSequence()
    let timer: NodeJS.Timeout | null = null
    let over = false
    let storing = 0
    const end = () => {
      over = true
      if (timer !== null) clearTimeout(timer)
      response.destroy()
    }
    const down = (reason: string) => {
      if (over) return
      end()
      running.abort()
      this.#reading = null
      this.#context.report({ state: 'down', reason })
    }
    const lives = () => {
      if (timer !== null) clearTimeout(timer)
      timer = setTimeout(() => down(`no heartbeat for ${idle} ms`), idle)
    }
    const store = (message: Inbound) => {
      storing++
      const stored = this.#context.accept(message).then(
        () => {
          storing--
          if (over || !response.isPaused() || storing >= window) return
          lives()
          response.resume()
        },
        (error: unknown) => {
          storing--
          down(`an alarm was not stored: ${describe(error)}`)
        },
      )
      this.#underWay.add(stored)
      void stored.finally(() => this.#underWay.delete(stored))
    }
    response.on('data', (chunk: Buffer) => {
      if (over) return
      const found = pieces.push(chunk)
      if (found.length > 0) lives()
      for (const piece of found) {
        const message = alerts.inbound(piece)
        if (message !== null && !over) store(message)
      }
      if (storing < window || over) return
      // What waits for the store is no silence of the device's.
      response.pause()
      if (timer !== null) clearTimeout(timer)
    })
    response.on('error', (error) => down(describe(error)))
    response.on('close', () => down('the device ended the stream'))
    lives()
    return { end }
  }
}

interface Reading {
  end(): void
}

/** Throws for an answer that is no stream: a page that asks for a login, an error in XML. */
function boundaryOf(response: IncomingMessage): string {
  const type = response.headers['content-type'] ?? ''
  if (!/^\s*multipart\//i.test(type)) {
    response.destroy()
    throw new GatewayError('LINK_CONNECT', `the answer is ${quote(type)}, no stream of alarms`)
  }
  const declared = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(type)
  const boundary = declared?.[1] ?? declared?.[2] ?? ''
  // Where it is not declared, it is the word that all firmware uses.
  return boundary.replace(/^-+/, '') === '' ? 'boundary' : boundary
}
