import { once } from 'node:events'
import { connect } from 'node:net'
import { encodeReceipt, type ReceiptToWrite } from '../adapters/smpp/receipt-text.ts'
import { encodePdu, encodeResponse, messageIdOf, statusOf } from '../adapters/smpp/session-pdus.ts'
import { type Heard, SmppFarEnd, statusOfHeard } from './smpp-far-end.ts'
import { type MobileText, pdusOf } from './smpp-texts.ts'

export interface EsmeSetup {
  readonly host?: string
  readonly port: number
  readonly systemId: string
  readonly password: string
  readonly bind?: 'transceiver' | 'transmitter' | 'receiver'
  /** What is said to a deliver_sm: a status, with the peer's own id where it gives one, or silence. */
  readonly answer?: (heard: Heard) => { status: string; messageId?: string } | 'silence'
}

/** A converter or a test client: binds to the gateway's port, hands over what subscribers wrote, takes texts for them. */
export class SmppEsmeSimulator {
  /** What the gateway handed over, in order. */
  readonly received: Heard[] = []
  /** How often the gateway answered with each status. */
  readonly answers = new Map<string, number>()
  readonly farEnd: SmppFarEnd
  readonly #setup: EsmeSetup

  private constructor(setup: EsmeSetup, farEnd: (take: (heard: Heard) => void) => SmppFarEnd) {
    this.#setup = setup
    this.farEnd = farEnd((heard) => this.#take(heard))
  }

  /** Rejects with the status of a bind that is refused. */
  static async bind(setup: EsmeSetup): Promise<SmppEsmeSimulator> {
    const socket = connect(setup.port, setup.host ?? '127.0.0.1')
    await once(socket, 'connect')
    const made = new SmppEsmeSimulator(setup, (take) => new SmppFarEnd(socket, take))
    const status = await made.#bind()
    if (status === 'ESME_ROK') return made
    made.vanish()
    throw new Error(status)
  }

  /** Pushes one PDU; resolves with the gateway's answer. */
  async push(pdu: Buffer): Promise<{ status: string; messageId: string }> {
    const heard = await this.farEnd.request(pdu)
    const status = statusOfHeard(heard)
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
    return { status, messageId: messageIdOf(heard.raw) }
  }

  /** Pushes a text as submit_sm, part by part; a refused part is pushed again until it is taken. */
  async say(text: MobileText): Promise<void> {
    for (const pdu of pdusOf(text, 'submit_sm')) {
      for (let tries = 0; (await this.push(pdu)).status !== 'ESME_ROK'; tries++) {
        if (tries > 1000) throw new Error('the gateway takes nothing')
      }
    }
  }

  async receipt(receipt: ReceiptToWrite): Promise<string> {
    return (await this.push(encodeReceipt(receipt, 0))).status
  }

  unbind(): Promise<void> {
    return this.farEnd.unbind()
  }

  vanish(): void {
    this.farEnd.vanish()
  }

  async #bind(): Promise<string> {
    const { bind = 'transceiver', systemId, password } = this.#setup
    const fields = { system_id: systemId, password, interface_version: 0x34 }
    return statusOfHeard(await this.farEnd.request(encodePdu(`bind_${bind}`, 0, fields)))
  }

  #take(heard: Heard): void {
    const { id, sequence } = heard.header
    this.received.push(heard)
    const answer = this.#setup.answer?.(heard) ?? { status: 'ESME_ROK' }
    if (answer === 'silence') return
    const status = statusOf(answer.status)
    this.farEnd.send(encodeResponse(id, sequence, status, status === 0 ? { message_id: answer.messageId ?? '' } : {}))
  }
}
