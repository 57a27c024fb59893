import type { OutboundText, Submitted, TextSender } from '../../gateway/adapter.ts'
import { ExchangeFault, exchange } from '../../gateway/web/http-exchange.ts'
import type { SubmitOptions } from './mm7-options.ts'
import { submitReq, submitted } from './mm7-submit.ts'

/** Texts to subscribers as MMS: one SubmitReq each, over a connection of its own. */
export class Mm7Sender implements TextSender {
  readonly medium = 'mms'
  readonly account: string
  readonly perSecond: number
  readonly window: number
  readonly #options: SubmitOptions
  readonly #underWay = new Set<Promise<unknown>>()
  #stopping: AbortController | null = null

  constructor(account: string, options: SubmitOptions) {
    this.account = account
    this.perSecond = options.perSecond
    this.window = options.window
    this.#options = options
  }

  start(): void {
    this.#stopping = new AbortController()
  }

  /** Takes nothing new; submissions under way have a moment for their answer, since without it they are in doubt. */
  async stop(): Promise<void> {
    const stopping = this.#stopping
    this.#stopping = null
    if (stopping === null) return
    const timer = setTimeout(() => stopping.abort(), lastAnswersMs)
    await Promise.allSettled(this.#underWay)
    clearTimeout(timer)
  }

  get ready(): boolean {
    return this.#stopping !== null
  }

  /** An MMS is not split. */
  parts(text: OutboundText): readonly OutboundText[] {
    return [text]
  }

  /** Rejects when the connection was there and no answer came: the centre may have taken it. */
  async submit(part: unknown): Promise<Submitted> {
    const text = part as OutboundText
    const signal = this.#stopping?.signal
    if (signal === undefined) return { outcome: 'later', reason: 'the link is stopped', afterMs: laterMs }
    const posting = this.#post(text, signal)
    this.#underWay.add(posting)
    try {
      const answer = await posting
      return submitted(answer.status, answer.headers['content-type'] ?? 'text/xml', answer.body, text.id)
    } catch (error) {
      if (!(error instanceof ExchangeFault) || error.sent) throw error
      return { outcome: 'later', reason: error.detail, afterMs: laterMs }
    } finally {
      this.#underWay.delete(posting)
    }
  }

  async #post(text: OutboundText, signal: AbortSignal) {
    const { url, username, password, namespace, timeout } = this.#options
    const { contentType, body } = submitReq(text, this.#options, new Date())
    const login = `${username}:${password?.reveal() ?? ''}`
    return await exchange({
      url: new URL(url),
      method: 'POST',
      headers: {
        'content-type': contentType,
        // SOAP 1.1, 6.1.1: a quoted URI.
        soapaction: `"${namespace}"`,
        'user-agent': 'chengguan-gateway',
        ...(username !== null && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
      },
      body,
      maxBytes: longestAnswer,
      idleMs: timeout,
      // The operator's own line, not one that a message names.
      privateAddresses: 'allowed',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    })
  }
}

const longestAnswer = 256 * 1024
const laterMs = 5_000
/** Less than the gateway gives its adapters to stop (`drain`). */
const lastAnswersMs = 5_000
