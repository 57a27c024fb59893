import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { AdapterContext } from '../../gateway/adapter.ts'
import { Acknowledged } from './acknowledged.ts'
import type { Allowance } from './allowance.ts'
import { admit, type Direction, directionOf, introductionOf } from './bind-access.ts'
import type { Header } from './framing.ts'
import { isCutOff } from './messages.ts'
import { Reception } from './reception.ts'
import { Session } from './session.ts'
import { commandId, commandName, encodeNack, encodeResponse, statusOf } from './session-pdus.ts'
import type { PeerOptions, SmscOptions } from './smsc-options.ts'

/** What a peer asks of the port it came in by. */
export interface PeerSetup {
  readonly socket: Socket
  readonly options: SmscOptions
  readonly context: AdapterContext
  readonly nowMs: () => number
  /** Sessions that are bound under a name. */
  readonly bindsOf: (systemId: string) => number
  /** What all sessions of a peer share. */
  readonly sharedOf: (peer: PeerOptions) => Shared
  /** Whether a row may be kept of octets that came from somebody who has not bound. */
  readonly strange: (remote: string) => boolean
  readonly bound: (peer: Peer) => void
}

export interface Shared {
  readonly allowance: Allowance
  readonly acknowledged: Acknowledged
}

interface Bound {
  readonly peer: PeerOptions
  readonly direction: Direction
  readonly allowance: Allowance
}

const wrongState = statusOf('ESME_RINVBNDSTS')
const already = statusOf('ESME_RALYBND')
const bindFailed = statusOf('ESME_RBINDFAIL')
const wrongPassword = statusOf('ESME_RINVPASWD')
const invalidLength = statusOf('ESME_RINVCMDLEN')
const unknownCommand = statusOf('ESME_RINVCMDID')
const throttled = statusOf('ESME_RTHROTTLED')

/** A bind has no more than its seven fields; before it nobody is trusted with more. */
const longestBeforeBind = 1024

/** One connection to the gateway's port, from its first octet to its end. */
export class Peer {
  readonly session: Session
  readonly remote: string
  readonly #setup: PeerSetup
  readonly #sessionId = randomUUID()
  #reception: Reception
  #bound: Bound | null = null
  #refused = false
  readonly #hello: NodeJS.Timeout

  constructor(setup: PeerSetup) {
    this.#setup = setup
    const { socket, options, context } = setup
    this.remote = socket.remoteAddress ?? 'unknown'
    this.session = new Session({
      socket,
      longestPdu: Math.min(longestBeforeBind, options.limits.pdu),
      enquireEveryMs: options.enquireEvery,
      responseTimeoutMs: options.responseTimeout,
      handler: {
        request: (header, raw) => this.#request(header, raw),
        unframed: (reason, raw) => this.#unframed(reason, raw),
        stray: ({ id, sequence }) =>
          context.refused('a response to nothing', { ...this.who, command: commandName(id), sequence }),
        settled: () => this.settled(),
      },
    })
    this.#reception = this.#receptionOf(this.remote, new Acknowledged())
    this.#hello = setTimeout(() => this.#turnAway('no bind in time', {}), options.limits.helloWithin)
    void this.session.closed.then(() => clearTimeout(this.#hello))
  }

  get systemId(): string | null {
    return this.#bound?.peer.systemId ?? null
  }

  get who(): { remote: string; systemId: string | null } {
    return { remote: this.remote, systemId: this.systemId }
  }

  /** Whether texts to subscribers may be handed to it now. */
  get takesTexts(): boolean {
    const bound = this.#bound
    return bound !== null && bound.direction !== 'transmitter' && bound.peer.texts === 'yes' && this.session.open
  }

  settled(): Promise<void> {
    return this.#reception.settled()
  }

  /** Nothing new is taken: the peer is asked to come again later. */
  close(): void {
    this.#reception.close()
  }

  #request(header: Header, raw: Buffer): void {
    if (this.#refused) return
    const direction = directionOf(header.id)
    if (direction !== null) this.#bind(header, raw, direction)
    else if (this.#bound === null) this.#beforeBind(header)
    else this.#message(header, raw, this.#bound)
  }

  /** 2.2: what may be said depends on the bind. Receipts come as deliver_sm too, whichever way a converter is bound. */
  #message(header: Header, raw: Buffer, { direction, allowance }: Bound): void {
    const sends = header.id === commandId.submit_sm || header.id === commandId.data_sm
    if (sends && direction === 'receiver') this.#answer(header, wrongState)
    else if (!allowance.take()) {
      this.#setup.context.refused('a flood', this.who)
      this.#answer(header, throttled)
    } else if (sends || header.id === commandId.deliver_sm) this.#reception.message(header, raw)
    else this.#reception.unknown(header, raw)
  }

  #beforeBind(header: Header): void {
    this.#setup.context.refused('a request before the bind', { ...this.who, command: commandName(header.id) })
    this.#answer(header, wrongState)
  }

  #bind(header: Header, raw: Buffer, direction: Direction): void {
    const { options, context, bindsOf, sharedOf, bound } = this.#setup
    if (this.#bound !== null) {
      context.refused('a second bind on one session', this.who)
      this.#answer(header, already)
      return
    }
    const introduction = introductionOf(raw)
    if (introduction === null) {
      context.refused('a bind that is cut off', this.who)
      this.#refuse(header, invalidLength)
      return
    }
    const peer = admit(options.peers, introduction)
    if (peer === null) {
      context.refused('a wrong system_id or password', { ...this.who, claimed: introduction.systemId })
      this.#refuse(header, wrongPassword)
    } else if (bindsOf(peer.systemId) >= peer.binds) {
      context.refused('too many binds of one peer', { ...this.who, claimed: peer.systemId })
      this.#refuse(header, bindFailed)
    } else {
      clearTimeout(this.#hello)
      const { allowance, acknowledged } = sharedOf(peer)
      this.#bound = { peer, direction, allowance }
      this.#reception = this.#receptionOf(peer.systemId, acknowledged)
      this.session.longestPdu = options.limits.pdu
      context.log.info({ ...this.who, direction }, 'smpp peer bound')
      this.session.respond(encodeResponse(header.id, header.sequence, 0, { system_id: options.systemId }))
      bound(this)
    }
  }

  /** Not read and not answered for a while, so that guessing is slow; then answered and let go. */
  #refuse(header: Header, status: number): void {
    this.#refused = true
    clearTimeout(this.#hello)
    this.session.hold(true)
    const timer = setTimeout(() => {
      this.#answer(header, status)
      this.session.end('its bind was refused')
    }, this.#setup.options.limits.refusalDelay)
    void this.session.closed.then(() => clearTimeout(timer))
  }

  #turnAway(reason: string, fields: Record<string, unknown>): void {
    this.#setup.context.refused(reason, { ...this.who, ...fields })
    this.session.end(reason)
  }

  #unframed(reason: string, raw: Buffer): void {
    this.#setup.context.refused('octets that are no PDU', { ...this.who, reason })
    if (this.#bound !== null || this.#setup.strange(this.remote)) this.#reception.unframed(reason, raw)
  }

  #answer({ id, sequence }: Header, status: number): void {
    const known = commandName(id + 0x8000_0000).endsWith('_resp')
    this.session.respond(known ? encodeResponse(id, sequence, status) : encodeNack(sequence, unknownCommand))
  }

  #receptionOf(peer: string, acknowledged: Acknowledged): Reception {
    const { options, context, nowMs } = this.#setup
    return new Reception({
      context,
      session: this.session,
      sessionId: this.#sessionId,
      peer,
      account: options.account ?? context.name,
      window: options.limits.unacknowledged,
      redeliveryMs: options.redelivery,
      cutOff: isCutOff,
      acknowledged,
      nowMs,
    })
  }
}
