import type { Adapter, AdapterContext, AdapterKind, Inbound } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import { challenge, login, simpleAction } from './actions.ts'
import { AmiLink } from './ami-link.ts'
import { type AmiOptions, amiOptions } from './ami-options.ts'
import type { Fields } from './block.ts'
import { longestKept, type Piece } from './framing.ts'
import { Handing } from './handing.ts'
import { unreadKey } from './identity.ts'
import { decodeBlock, sort } from './messages.ts'
import { openSocket } from './socket.ts'

/** `kind: asterisk-ami`: live events, and the CDRs and CEL events that the exchange sends as events. */
export const asteriskAmi: AdapterKind<AmiOptions> = {
  kind: 'asterisk-ami',
  channel: 'call',
  options: amiOptions,
  decode: decodeBlock,
  keyScope: ({ exchange }) => (exchange === undefined ? null : `asterisk:${exchange}`),
  exclusive: () => true,
  create: (options, context) => new AsteriskAmi(options, context),
}

/** CEL events are of the class `call`; `cdr` of cdr_manager; VarSet of `dialplan`. */
const classes = (recording: AmiOptions['recording']) =>
  `system,call,cdr,agent,dtmf${recording === 'variable' ? ',dialplan' : ''}`

/**
 * One link. AMI acknowledges nothing and repeats nothing: what the gateway does not take in time the exchange drops, and
 * what happens while there is no link is never told. Both are found again in the CDRs (`asterisk-cdr`, `recall`).
 */
class AsteriskAmi implements Adapter {
  readonly #options: AmiOptions
  readonly #context: AdapterContext
  readonly #exchange: string
  #attempt = new AbortController()
  #link: AmiLink | null = null
  #handing: Handing | null = null
  #connected = false
  #order = 0
  #passedOver = 0
  #shutDown = false

  constructor(options: AmiOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#exchange = options.exchange ?? context.name
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    await this.#end()
    const attempt = new AbortController()
    this.#attempt = attempt
    const at = `ami ${host}:${port}`
    const socket = await openSocket(this.#options, attempt.signal)
    const link = this.#open(socket)
    const timer = setTimeout(() => link.close('no answer to the login in time'), this.#options.loginTimeout)
    try {
      await this.#logIn(link)
      if (attempt.signal.aborted) throw new Error('stopped meanwhile')
    } catch (error) {
      link.close('the login failed')
      throw new GatewayError('LINK_CONNECT', `${at}: ${describe(error)}`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
    this.#connected = true
    this.#context.report({ state: 'connected', to: at })
    void link.closed.then((reason) => this.#lost(link, reason))
    // Calls that began while nobody listened: their legs are told as CoreShowChannel events.
    link.tell((id) => simpleAction('CoreShowChannels', id))
  }

  async stop(): Promise<void> {
    this.#attempt.abort()
    const connected = this.#connected
    await this.#end()
    if (connected) this.#context.report({ state: 'stopped' })
  }

  async #end(): Promise<void> {
    const link = this.#link
    const handing = this.#handing
    this.#link = null
    this.#handing = null
    this.#connected = false
    link?.tell((id) => simpleAction('Logoff', id))
    link?.close('the gateway is stopping')
    await handing?.settled()
  }

  #open(socket: ConstructorParameters<typeof AmiLink>[0]['socket']): AmiLink {
    const { pingEvery, pingTimeout, window } = this.#options
    this.#shutDown = false
    const began = Date.now()
    const handing = new Handing(this.#context, window, (full) => link.hold(full))
    // Zero-padded, so that the order of the text is that of the events.
    const order = () => `${began}.${String(++this.#order).padStart(10, '0')}`
    const link: AmiLink = new AmiLink({
      socket,
      pingEveryMs: pingEvery,
      pingTimeoutMs: pingTimeout,
      event: (block) => this.#event(handing, block, order()),
      broken: (piece) => handing.take(this.#broken(piece, order())),
    })
    this.#link = link
    this.#handing = handing
    return link
  }

  #event(handing: Handing, block: Buffer, order: string): void {
    const sorted = sort(block, this.#exchange, order)
    if (sorted.is === 'of-use') handing.take(sorted.inbound)
    else if (sorted.is === 'passed-over') this.#passedOver++
    else if (sorted.is === 'shutdown') this.#shutDown = true
  }

  #broken({ kind, bytes }: Piece & { kind: 'unframed' | 'cut-off' }, order: string): Inbound {
    const raw = bytes.subarray(0, longestKept)
    const cut = kind === 'unframed' ? 'long' : 'off'
    return { key: unreadKey(raw, order), raw, envelope: { exchange: this.#exchange, order, cut } }
  }

  async #logIn(link: AmiLink): Promise<void> {
    const banner = await link.banner
    if (!/^Asterisk Call Manager\//.test(banner)) throw new Error(`it is no manager interface: ${quote(banner)}`)
    const { username, secret, login: way, recording } = this.#options
    let given: string | null = null
    if (way === 'md5') {
      const answer = await link.ask(challenge)
      given = answer.get('Challenge')
      if (given === null) throw new Error(`no challenge: ${quote(messageOf(answer))}`)
    }
    const credentials = { username, secret: secret.reveal(), challenge: given, events: classes(recording) }
    const answer = await link.ask((id) => login(id, credentials))
    if (answer.get('Response') !== 'Success') throw new Error(`the login was refused: ${quote(messageOf(answer))}`)
  }

  #lost(link: AmiLink, reason: string): void {
    if (this.#link !== link || !this.#connected) return
    this.#connected = false
    this.#context.log.info({ passedOver: this.#passedOver, handedIn: this.#order }, 'ami link lost')
    this.#context.report({ state: 'down', reason: this.#shutDown ? 'the exchange was shut down' : reason })
  }
}

function messageOf(answer: Fields): string {
  return answer.get('Message') ?? answer.get('Response') ?? ''
}
