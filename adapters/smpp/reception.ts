import { createHash } from 'node:crypto'
import type { AdapterContext, Inbound, Receipt } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import type { Acknowledged } from './acknowledged.ts'
import { contentKey } from './content-key.ts'
import type { Header } from './framing.ts'
import type { Session } from './session.ts'
import { commandId, commandName, encodeNack, encodeResponse, encodeYes, idOctets, statusOf } from './session-pdus.ts'

export interface ReceptionSetup {
  readonly context: AdapterContext
  readonly session: Session
  /** Names the session among those of the adapter, in envelopes and logs. */
  readonly sessionId: string
  /** The far end's system_id, or where it is. */
  readonly peer: string
  readonly account: string
  /** Messages that are being stored at a time; beyond them the far end is not read. */
  readonly window: number
  /** For so long the far end may send again what it had no answer for. */
  readonly redeliveryMs: number
  /** Whether a message that was found wanting was cut off, rather than sound and senseless. */
  readonly cutOff: (raw: Buffer) => boolean
  /** What the far end was told is stored, on this session and others. */
  readonly acknowledged: Acknowledged
  readonly nowMs: () => number
}

const promptMs = 5000

const ok = 0
const throttled = statusOf('ESME_RTHROTTLED')
const unknownCommand = statusOf('ESME_RINVCMDID')
const invalidLength = statusOf('ESME_RINVCMDLEN')
const systemError = statusOf('ESME_RSYSERR')
const temporaryError = statusOf('ESME_RX_T_APPN')

/**
 * The way from a far end's requests to `accept` and back: each is answered when it is durable and not before, in
 * whichever order the commits end. What is accepted is the whole PDU, unread.
 */
export class Reception {
  readonly #setup: ReceptionSetup
  readonly #underWay = new Set<Promise<void>>()
  #closed = false

  constructor(setup: ReceptionSetup) {
    this.#setup = setup
  }

  /** deliver_sm, submit_sm or data_sm. */
  message(header: Header, raw: Buffer): void {
    const { redeliveryMs, nowMs, cutOff, acknowledged, session } = this.#setup
    const key = contentKey(raw)
    const arrivedMs = nowMs()
    const another = acknowledged.another(key, arrivedMs)
    this.#accept(this.#inbound(key, raw, header, { keyHoldsMs: another ? 0 : redeliveryMs }), (receipt, error) => {
      if (receipt === null) return this.#answer(header, refusalOf(header.id, error), key, false)
      // Who waited longer may have given up, and delivers again on this very session.
      if (nowMs() - arrivedMs < promptMs) acknowledged.add(key, nowMs(), session)
      else acknowledged.forget(key)
      // It is stored with the reason and must not come again; what was cut off on the way may come whole.
      const status = receipt === 'dead-lettered' && cutOff(raw) ? invalidLength : ok
      return this.#answer(header, status, key, another)
    })
  }

  /** A request that SMPP does not know, or that is not served here. */
  unknown(header: Header, raw: Buffer): void {
    const { redeliveryMs } = this.#setup
    const message = this.#inbound(contentKey(raw), raw, header, { keyHoldsMs: redeliveryMs })
    this.#accept(message, (receipt, error) =>
      encodeNack(header.sequence, receipt === null ? refusalOf(header.id, error) : unknownCommand),
    )
  }

  /** Octets that are no PDU, and cannot be answered any more than they were. */
  unframed(reason: string, raw: Buffer): void {
    const { peer, account, sessionId, redeliveryMs } = this.#setup
    const key = `unframed ${sha256(raw).toString('hex')}`
    const envelope = { command: 'unframed', reason, peer, account, session: sessionId }
    this.#accept({ key, raw, envelope, keyHoldsMs: redeliveryMs }, () => null)
  }

  /** From now on far ends are asked to come again later. */
  close(): void {
    this.#closed = true
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #inbound(key: string, raw: Buffer, header: Header, held: { keyHoldsMs: number }): Inbound {
    const { peer, account, sessionId } = this.#setup
    return { key, raw, envelope: { command: commandName(header.id), peer, account, session: sessionId }, ...held }
  }

  #accept(message: Inbound, answer: (receipt: Receipt | null, error: unknown) => Buffer | null): void {
    const { context, session, window, peer } = this.#setup
    const respond = (receipt: Receipt | null, error: unknown) => {
      const pdu = answer(receipt, error)
      if (pdu !== null) session.respond(pdu)
    }
    if (this.#closed) {
      respond(null, null)
      return
    }
    const done = context
      .accept(message)
      .then(
        (receipt) => respond(receipt, null),
        (error: unknown) => {
          context.refused('a message that could not be stored', { peer, reason: describe(error) })
          respond(null, error)
        },
      )
      .finally(() => {
        this.#underWay.delete(done)
        if (this.#underWay.size < window) session.hold(false)
      })
    this.#underWay.add(done)
    if (this.#underWay.size >= window) session.hold(true)
  }

  /** A centre's response carries the id that it gives the message; a deliver_sm_resp has none (4.6.2). */
  #answer({ id, sequence }: Header, status: number, key: string, another: boolean): Buffer {
    if (status !== ok) return encodeResponse(id, sequence, status)
    return encodeYes(id, sequence, id === commandId.deliver_sm ? null : messageIdOf(key, another ? sequence : null))
  }
}

/** Made of the key, it is the same for a redelivery; another message with the same content is told apart. */
function messageIdOf(key: string, sequence: number | null): string {
  const octets = sequence === null ? Buffer.from(key, 'base64url') : sha256(`${key} ${sequence}`)
  return octets.toString('hex', 0, idOctets / 2)
}

const sha256 = (content: string | Buffer): Buffer => createHash('sha256').update(content).digest()

/** 5.1.3: what makes a far end send it again later. */
export function refusalOf(id: number, error: unknown): number {
  if (error instanceof GatewayError && error.code === 'STORE_FULL') return throttled
  return id === commandId.deliver_sm ? temporaryError : systemError
}
