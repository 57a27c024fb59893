import type { Adapter, AdapterContext, AdapterKind, Errand } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { writeNotifyResp } from './mms-pdu.ts'
import { allowedUrl, respond, retrieve } from './retrieve.ts'
import {
  type Announced,
  announced,
  confirmationMessage,
  decodeRetrieved,
  expiryOf,
  identity,
  retrievedMessage,
  unfetchedMessage,
} from './retrieved.ts'
import { type RetrieverOptions, retrieverOptions } from './retriever-options.ts'

/** WDP port of the push to a WAP client, where an MMSC announces a message (WAP-259-WDP, appendix B). */
const pushPort = 2948

/** `kind: mms-retriever`: fetches the MMS that an MMSC announced by a WAP push, on whatever channel the push came. */
export const mmsRetriever: AdapterKind<RetrieverOptions> = {
  kind: 'mms-retriever',
  channel: 'mms',
  options: retrieverOptions,
  decode: (message, { country }) => decodeRetrieved(message, country),
  ports: () => [pushPort],
  create: (options, context) => new MmsRetriever(options, context),
}

/** An m-notifyresp-ind that the centre does not take is given up after so many attempts: the MMS itself is stored. */
const mostResponses = 5
/** Transactions that are known to be done; a push is repeated within minutes or hours. */
const remembered = 10_000

export class MmsRetriever implements Adapter {
  readonly #options: RetrieverOptions
  readonly #context: AdapterContext
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #done = new Set<string>()
  #stopping: AbortController | null = null

  constructor(options: RetrieverOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#context.report({ state: 'connected', to: this.#options.hosts.join(', ') })
  }

  /** Ends fetches under way: their errands are performed again after the next start. */
  async stop(): Promise<void> {
    const stopping = this.#stopping
    this.#stopping = null
    stopping?.abort()
    await Promise.allSettled(this.#underWay.values())
    if (stopping !== null) this.#context.report({ state: 'stopped' })
  }

  /** A push that comes again while the first is being fetched has the same outcome. */
  async perform(errand: Errand): Promise<void> {
    const one = announced(errand.content)
    const name = identity(one)
    if (this.#done.has(name)) return
    const running = this.#underWay.get(name) ?? this.#begin(one, errand, name)
    await running
  }

  #begin(one: Announced, errand: Errand, name: string): Promise<void> {
    const running = this.#settle(one, errand)
      .then(() => this.#remember(name))
      .finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, running)
    return running
  }

  async #settle(one: Announced, errand: Errand): Promise<void> {
    const signal = this.#stopping?.signal
    if (signal === undefined) throw new GatewayError('LINK_LOST', 'the retriever is stopped')
    // Before anything is told in somebody's name: whoever can send an SMS can forge a notification.
    const location = allowedUrl(one.notification.contentLocation, this.#options)
    const conf = await retrieve(location.href, this.#options, signal).catch((error: unknown) =>
      this.#without(one, errand, error, signal),
    )
    if (conf === null) return
    await this.#context.accept(retrievedMessage(one, conf))
    await this.#confirm(one, errand, location, signal)
  }

  /** `null`: it was fetched before. Rejects with a `DECODE_` code when nothing more is to be tried. */
  async #without(one: Announced, errand: Errand, error: unknown, signal: AbortSignal): Promise<null> {
    const hopeless = error instanceof GatewayError && error.code.startsWith('DECODE_')
    const expiry = expiryOf(one.notification, errand.receivedAt)
    const expired = expiry.getTime() <= Date.now()
    if (signal.aborted || !(hopeless || expired)) throw error
    const reason = expired ? `expired at ${expiry.toISOString()}; ${describe(error)}` : describe(error)
    const receipt = await this.#context.accept(unfetchedMessage(one, reason))
    if (receipt === 'duplicate') return null
    throw hopeless ? error : new GatewayError('DECODE_UNFETCHED', reason, { cause: error })
  }

  async #confirm(one: Announced, errand: Errand, location: URL, signal: AbortSignal): Promise<void> {
    const pdu = writeNotifyResp(one.notification.transactionId)
    await this.#context.accept(confirmationMessage(one, pdu))
    const { respondTo } = this.#options
    const url = respondTo === 'content-location' ? location : new URL(respondTo)
    await respond(pdu, url, this.#options, signal).catch((error: unknown) => {
      if (errand.attempt < mostResponses) throw error
      this.#context.log.warn({ reason: describe(error), host: url.host }, 'mmsc does not take the notify response')
    })
  }

  #remember(name: string): void {
    this.#done.add(name)
    const [oldest] = this.#done
    if (this.#done.size > remembered && oldest !== undefined) this.#done.delete(oldest)
  }
}
