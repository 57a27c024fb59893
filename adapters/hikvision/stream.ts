import type { IncomingMessage } from 'node:http'
import type { Adapter, AdapterContext, AdapterKind, Errand } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { decodeStream } from './alert-messages.ts'
import { getFromDevice, LoginRefused } from './device-request.ts'
import { MultipartStream } from './multipart-stream.ts'
import { type StreamOptions, streamOptions } from './options.ts'
import { fetchedPicture } from './snapshot.ts'
import { StreamReading } from './stream-reading.ts'

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
  #reading: StreamReading | null = null
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
      const accept: AdapterContext['accept'] = (message) => this.#context.accept(message)
      const down = (reason: string) => {
        running.abort()
        this.#context.report({ state: 'down', reason })
      }
      const pieces = new MultipartStream({ boundary: boundaryOf(response), maxPart: this.#options.maxPart })
      this.#reading = new StreamReading({ response, pieces, ...this.#options, accept, down })
    } catch (error) {
      running.abort()
      if (error instanceof LoginRefused) this.#nextLoginMs = Date.now() + loginPause
      throw error
    }
    this.#context.report({ state: 'connected', to: url })
  }

  async stop(): Promise<void> {
    const reading = this.#reading
    const wasUp = reading !== null && this.#running?.signal.aborted === false
    this.#reading = null
    this.#running?.abort()
    reading?.end()
    await reading?.settled()
    if (wasUp) this.#context.report({ state: 'stopped' })
  }

  /** Fetches the picture that an alarm says is kept on the device. */
  async perform(errand: Errand): Promise<void> {
    const signal = this.#running?.signal
    if (signal === undefined || signal.aborted) throw new GatewayError('LINK_LOST', 'the link is down')
    await this.#context.accept(await fetchedPicture(errand, this.#options, signal))
  }
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
