import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Adapter, AdapterContext, AdapterKind, TextSender } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { acknowledgedOf } from './acknowledged.ts'
import { type EsmeOptions, esmeOptions } from './esme-options.ts'
import type { Header } from './framing.ts'
import { decodeStored, esmeTexts, isCutOff } from './messages.ts'
import { Reception } from './reception.ts'
import type { Segment } from './segments.ts'
import { Session, within } from './session.ts'
import { commandId, commandName, encodePdu, statusName } from './session-pdus.ts'
import { openSocket } from './sockets.ts'
import type { Texts } from './text-sender.ts'

/** `kind: smpp-esme`: the gateway binds to a message centre. */
export const smppEsme: AdapterKind<EsmeOptions> = {
  kind: 'smpp-esme',
  channel: 'sms',
  options: esmeOptions,
  decode: decodeStored,
  keyScope: ({ account }) => account,
  // A second bind of one systemId is refused by many centres, and throws the first out at others.
  exclusive: () => true,
  create: (options, context) => new SmppEsme(options, context),
}

/** What stop waits for at most: messages being stored and parts without an answer, then the centre's good-bye. */
const drainMs = 10_000
const unbindMs = 2000
/** Where another gateway will bind: an answer to the unbind is a courtesy. */
const hastyUnbindMs = 300

interface Bind {
  readonly session: Session
  readonly reception: Reception
}

/** One bind. Each start makes a new connection; what was pending on an old one has failed with it. */
export class SmppEsme implements Adapter {
  readonly texts?: TextSender
  readonly #options: EsmeOptions
  readonly #context: AdapterContext
  readonly #sender: Texts<Segment> | null
  #attempt = new AbortController()
  #bind: Bind | null = null
  #bound = false
  #stopping: Promise<void> | null = null

  constructor(options: EsmeOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#sender =
      options.bind === 'receiver'
        ? null
        : esmeTexts(options, options.account ?? context.name, () =>
            this.#bound && this.#bind?.session.open ? this.#bind.session : null,
          )
    if (this.#sender !== null) this.texts = this.#sender
  }

  async start(): Promise<void> {
    const { host, port, tls, bind } = this.#options
    const attempt = new AbortController()
    this.#attempt.abort()
    this.#attempt = attempt
    await this.#ended()
    const socket = await openSocket({
      host,
      port,
      tls: tls === 'none' ? null : tls,
      withinMs: this.#options.bindTimeout,
      signal: attempt.signal,
    })
    const made = this.#session(socket)
    this.#bind = made
    try {
      await this.#sayBind(made.session)
      if (attempt.signal.aborted || !made.session.open) throw new Error('the link was lost meanwhile')
    } catch (error) {
      made.session.end('the bind failed')
      throw new GatewayError('LINK_CONNECT', `smpp ${host}:${port}: ${describe(error)}`, { cause: error })
    }
    this.#bound = true
    void made.session.closed.then((reason) => this.#lost(made, reason))
    this.#context.report({ state: 'connected', to: `smpp://${host}:${port} ${bind}` })
    if (bind !== 'receiver') this.#context.arrived('')
  }

  stop(atOnce?: AbortSignal): Promise<void> {
    this.#attempt.abort()
    return this.#ended(atOnce)
  }

  #ended(atOnce?: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stop(atOnce).finally(() => {
      this.#stopping = null
    })
    return this.#stopping
  }

  async #stop(atOnce?: AbortSignal): Promise<void> {
    const bind = this.#bind
    this.#bind = null
    const bound = this.#bound
    this.#bound = false
    if (bind === null) return
    bind.reception.close()
    const settled = Promise.all([bind.reception.settled(), this.#sender?.settled()])
    await within(Promise.race([settled, aborted(atOnce)]), drainMs)
    if (bound) await bind.session.unbind(atOnce?.aborted === true ? hastyUnbindMs : unbindMs)
    bind.session.close('the gateway is stopping')
    this.#context.report({ state: 'stopped' })
  }

  #lost(bind: Bind, reason: string): void {
    if (this.#bind !== bind) return
    this.#bound = false
    this.#context.report({ state: 'down', reason })
  }

  #session(socket: ConstructorParameters<typeof Session>[0]['socket']): Bind {
    const { enquireEvery, responseTimeout, redelivery, limits, host, port, account } = this.#options
    const session = new Session({
      socket,
      longestPdu: limits.pdu,
      enquireEveryMs: enquireEvery,
      responseTimeoutMs: responseTimeout,
      handler: {
        request: (header, raw) => this.#request(reception, header, raw),
        unframed: (reason, raw) => reception.unframed(reason, raw),
        stray: ({ id, sequence }) =>
          this.#context.refused('a response to nothing', { command: commandName(id), sequence }),
        settled: () => reception.settled(),
      },
    })
    const reception = new Reception({
      context: this.#context,
      session,
      sessionId: randomUUID(),
      peer: `${host}:${port}`,
      account: account ?? this.#context.name,
      window: limits.unacknowledged,
      redeliveryMs: redelivery,
      cutOff: isCutOff,
      acknowledged: acknowledgedOf(account ?? this.#context.name),
      nowMs: () => performance.now(),
    })
    return { session, reception }
  }

  #request(reception: Reception, header: Header, raw: Buffer): void {
    if (header.id === commandId.deliver_sm || header.id === commandId.data_sm) reception.message(header, raw)
    // 4.12.1: a subscriber can be reached again. It has no response, and nothing here waits for it.
    else if (header.id !== commandId.alert_notification) reception.unknown(header, raw)
  }

  async #sayBind(session: Session): Promise<void> {
    const { bind, bindTimeout, systemId, password, systemType, interfaceVersion, addressRange } = this.#options
    const answer = session.request(
      encodePdu(`bind_${bind}`, 0, {
        system_id: systemId,
        password: password?.reveal() ?? '',
        system_type: systemType,
        interface_version: interfaceVersion,
        addr_ton: addressRange.ton,
        addr_npi: addressRange.npi,
        address_range: addressRange.range,
      }),
    )
    if (answer === null) throw new Error('the far end closed')
    const timer = setTimeout(() => session.close(`no answer to the bind within ${bindTimeout} ms`), bindTimeout)
    try {
      const { header } = await answer
      if (header.status !== 0 || header.id === commandId.generic_nack)
        throw new Error(`the bind was answered ${commandName(header.id)} ${statusName(header.status)}`)
    } finally {
      clearTimeout(timer)
    }
  }
}

function aborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve(null)
    else signal?.addEventListener('abort', resolve, { once: true })
  })
}
