import type { Server, Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Adapter, AdapterContext, AdapterKind, TextSender } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { Allowance } from './allowance.ts'
import { decodeStored, type NumberedSegment, smscTexts } from './messages.ts'
import { Peer } from './peer.ts'
import { type Session, within } from './session.ts'
import { type SmscOptions, smscOptions } from './smsc-options.ts'
import { openServer } from './sockets.ts'
import { Strangers } from './strangers.ts'
import type { Texts } from './text-sender.ts'

/** `kind: smpp-smsc`: peers bind to the gateway. */
export const smppSmsc: AdapterKind<SmscOptions> = {
  kind: 'smpp-smsc',
  channel: 'sms',
  options: smscOptions,
  listeners: ({ host, port }) => [{ transport: 'tcp', host, port, path: ['port'] }],
  decode: decodeStored,
  create: (options, context) => new SmppSmsc(options, context),
}

/** What stop waits for at most: messages being stored and parts without an answer, then the peers' good-bye. */
const drainMs = 10_000
const unbindMs = 2000

/** The gateway's port, and everybody who is bound to it. */
export class SmppSmsc implements Adapter {
  readonly texts: TextSender
  readonly #options: SmscOptions
  readonly #context: AdapterContext
  readonly #sender: Texts<NumberedSegment>
  readonly #peers = new Set<Peer>()
  readonly #allowances: ReadonlyMap<string, Allowance>
  readonly #strangers = new Strangers()
  #server: Server | null = null
  /** The start that holds; none after a stop. */
  #attempt: object | null = null
  #stopping: Promise<void> | null = null

  constructor(options: SmscOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#sender = smscTexts(options, options.account ?? context.name, () => this.#receiver())
    this.texts = this.#sender
    this.#allowances = new Map(
      options.peers.map(({ systemId, perSecond }) => [systemId, new Allowance(perSecond, nowMs)] as const),
    )
  }

  async start(): Promise<void> {
    const { host, port, tls, limits } = this.#options
    const attempt = {}
    this.#attempt = attempt
    await this.#ended()
    const { server, at } = await openServer({
      host,
      port,
      tls: tls === 'none' ? null : tls,
      maxConnections: limits.connections,
      entered: (socket) => this.#entered(socket),
      refused: (reason, fields) => this.#context.refused(reason, fields),
      failed: (error) => this.#context.report({ state: 'down', reason: describe(error) }),
    })
    if (this.#attempt !== attempt) {
      server.close()
      throw new GatewayError('LINK_LISTEN', `smpp ${host}:${port}: stopped meanwhile`)
    }
    this.#server = server
    this.#context.report({ state: 'listening', at })
  }

  stop(): Promise<void> {
    this.#attempt = null
    return this.#ended()
  }

  #ended(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = null
    })
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    const closed = server === null ? null : new Promise((resolve) => server.close(resolve))
    const peers = [...this.#peers]
    for (const peer of peers) peer.close()
    await within(Promise.all([this.#sender.settled(), ...peers.map((peer) => peer.settled())]), drainMs)
    await Promise.all(
      peers.map(async ({ session, systemId }) => {
        if (systemId !== null) await session.unbind(unbindMs)
        session.close('the gateway is stopping')
      }),
    )
    await closed
    if (server !== null) this.#context.report({ state: 'stopped' })
  }

  #entered(socket: Socket): void {
    const peer = new Peer({
      socket,
      options: this.#options,
      context: this.#context,
      nowMs,
      bindsOf: (systemId) => [...this.#peers].filter((one) => one.systemId === systemId && one.session.open).length,
      allowanceOf: ({ systemId, perSecond }) => this.#allowances.get(systemId) ?? new Allowance(perSecond, nowMs),
      strange: (remote) => this.#strangers.first(remote, new Date()),
      bound: (bound) => {
        if (bound.takesTexts) this.#context.arrived('')
      },
    })
    this.#peers.add(peer)
    void peer.session.closed.then((reason) => this.#left(peer, reason))
  }

  /** A session that is gone stays until what it said is stored: `stop` waits for that. */
  async #left(peer: Peer, reason: string): Promise<void> {
    if (peer.systemId !== null) this.#context.log.info({ ...peer.who, reason }, 'smpp peer gone')
    await peer.settled()
    this.#peers.delete(peer)
  }

  /** The one with the fewest parts unanswered. */
  #receiver(): Session | null {
    if (this.#server === null) return null
    let least: Session | null = null
    for (const { takesTexts, session } of this.#peers)
      if (takesTexts && (least === null || session.pending < least.pending)) least = session
    return least
  }
}

const nowMs = () => performance.now()
