import { connect, type Socket } from 'node:net'
import type { AdapterContext } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import { type Frame, FrameReader } from './esl-frame.ts'
import { EslIntake } from './esl-intake.ts'
import { channelsMessage, eventMessage, type Origin, unreadable } from './esl-key.ts'
import { subscription } from './esl-report.ts'
import type { EslOptions } from './options.ts'
import { textOf } from './text.ts'

interface Waiting {
  resolve(frame: Frame): void
  reject(error: Error): void
}

/** One connection to an Event Socket, from its first byte to its end. */
export class EslLink {
  readonly #options: EslOptions
  readonly #context: AdapterContext
  readonly #origin: Origin
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #intake: EslIntake
  /** Commands without an answer, the oldest first: FreeSWITCH answers them in their order. */
  readonly #waiting: Waiting[] = []
  #greeted: Waiting | null = null
  #reason: string | null = null
  #asked = false
  #quiet: NodeJS.Timeout | null = null
  #resolveClosed: (reason: string) => void = () => {}
  /** Resolves with the reason when nothing more of it is read. Never rejects. */
  readonly closed: Promise<string>

  constructor(options: EslOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    const { host, port } = options
    this.#origin = { exchange: options.exchange ?? context.name, peer: `${host}:${port}` }
    this.#reader = new FrameReader(options.maxEvent)
    this.#intake = new EslIntake({
      context,
      window: options.window,
      moved: () => this.#readOrWait(),
      failed: (reason) => this.close(`not stored: ${reason}`),
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#socket = connect({ host, port })
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#cut(describe(error)))
    this.#socket.on('end', () => this.#cut('the exchange closed'))
    this.#socket.on('close', () => this.#cut('the exchange closed'))
  }

  /** Resolves when events come; rejects with `LINK_CONNECT`. What goes on is asked for after that, so nothing falls between. */
  async open(): Promise<void> {
    const late = setTimeout(() => this.close('no answer in time'), this.#options.connectWithin)
    try {
      await new Promise<Frame>((resolve, reject) => {
        this.#greeted = { resolve, reject }
      })
      await this.#command(`auth ${this.#options.password.reveal()}`, 'the password')
      await this.#command(`event ${this.#options.format} ${subscription}`, 'the subscription')
    } catch (error) {
      this.close(describe(error))
      throw new GatewayError('LINK_CONNECT', `ESL ${this.#origin.peer}: ${this.#reason}`, { cause: error })
    } finally {
      clearTimeout(late)
    }
    this.#socket.setKeepAlive(true, 60_000)
    this.#heard()
    void this.#ask('api show channels as json').then(
      (frame) => this.#channels(frame),
      () => {},
    )
  }

  close(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (this.#quiet !== null) clearTimeout(this.#quiet)
    this.#socket.destroy()
    const gone = new GatewayError('LINK_LOST', reason)
    for (const { reject } of [...this.#waiting.splice(0), ...(this.#greeted === null ? [] : [this.#greeted])])
      reject(gone)
    this.#resolveClosed(reason)
  }

  /** The beginning of a frame is all that will ever be known of it. */
  #cut(reason: string): void {
    const rest = this.#reason === null ? this.#reader.rest.subarray(0, 4096) : Buffer.alloc(0)
    if (rest.length > 0) this.#intake.take(unreadable(rest, this.#origin, { why: 'the link was cut in a frame' }))
    this.close(reason)
  }

  /** Waits for what was read and is being stored. */
  settled(): Promise<void> {
    return this.#intake.end()
  }

  #ask(command: string): Promise<Frame> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== null) return reject(new GatewayError('LINK_LOST', this.#reason))
      this.#waiting.push({ resolve, reject })
      this.#socket.write(`${command}\n\n`)
    })
  }

  async #command(command: string, what: string): Promise<void> {
    const { headers } = await this.#ask(command)
    const answer = headers.get('reply-text') ?? ''
    if (!answer.startsWith('+OK')) throw new GatewayError('LINK_LOST', `${what} was refused: ${quote(answer)}`)
  }

  #read(chunk: Buffer): void {
    if (this.#reason !== null) return
    this.#heard()
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#frame(frame)
        if (this.#reason !== null) return
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      // Where the next frame begins cannot be known any more.
      this.#intake.take(unreadable(this.#reader.rest.subarray(0, 4096), this.#origin, { why: error.detail }))
      this.close(error.detail)
    }
  }

  #frame(frame: Frame): void {
    const type = frame.headers.get('content-type') ?? ''
    if (type === 'text/event-json') this.#event('json', frame)
    else if (type === 'text/event-plain') this.#event('plain', frame)
    else if (type === 'command/reply' || type === 'api/response') this.#waiting.shift()?.resolve(frame)
    else if (type === 'auth/request') this.#greeted?.resolve(frame)
    else if (type === 'text/disconnect-notice') this.#dismissed(textOf(frame.body))
    else if (type === 'text/rude-rejection') this.#rejected(textOf(frame.body))
    else if (type !== 'log/data') {
      const why = `Content-Type ${quote(type)}`
      this.#intake.take(unreadable(frame.body, this.#origin, { why }))
    }
  }

  #event(format: 'json' | 'plain', frame: Frame): void {
    const message = eventMessage(format, frame, this.#origin)
    if (message !== null) this.#intake.take(message)
  }

  #channels({ headers, body, cutFrom }: Frame): void {
    const begins = textOf(body.subarray(0, 60)).trim()
    if (/^\{\s*"row_count"\s*:\s*0\b/.test(begins)) return
    if (cutFrom === null && begins.startsWith('{')) this.#intake.take(channelsMessage(body, this.#origin))
    else {
      const answer = cutFrom === null ? (headers.get('reply-text') ?? begins) : `${cutFrom} bytes`
      this.#context.log.warn({ answer: quote(answer) }, 'freeswitch did not say which calls are going on')
    }
  }

  /** FreeSWITCH drops events that it cannot get rid of, and a link that lost more than 500 of them. */
  #dismissed(notice: string): void {
    const [line = ''] = notice.trim().split('\n')
    if (/lost events/i.test(notice)) this.#context.refused('live events that the exchange dropped', { notice: line })
    this.close(`the exchange ended the link: ${quote(line)}`)
  }

  #rejected(notice: string): void {
    this.close(`the exchange does not let this address in: ${quote(notice.trim())}`)
  }

  /** While too much is being stored the link is not read: FreeSWITCH holds its events, and in the end drops them. */
  #readOrWait(): void {
    if (this.#reason !== null) return
    if (this.#intake.full) this.#socket.pause()
    else if (this.#socket.isPaused()) {
      this.#heard()
      this.#socket.resume()
    }
  }

  #heard(): void {
    this.#asked = false
    this.#quiet ??= setTimeout(() => this.#silent(), this.#options.quietAfter)
    this.#quiet.refresh()
  }

  /** Silence is no sign where nothing is read. A link is asked once; whatever then comes shows that it lives. */
  #silent(): void {
    if (this.#socket.isPaused()) this.#heard()
    else if (this.#asked) this.#cut('silent for too long')
    else {
      this.#asked = true
      this.#ask('api status').catch(() => {})
      this.#quiet?.refresh()
    }
  }
}
