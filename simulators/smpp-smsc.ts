import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { encodeReceipt, type StateWord } from '../adapters/smpp/receipt-text.ts'
import { commandId, encodeNack, encodeResponse, statusOf, textFields } from '../adapters/smpp/session-pdus.ts'
import { readShortMessage, type ShortMessage } from '../adapters/smpp/short-message.ts'
import { numberOf, tag } from '../adapters/smpp/tlvs.ts'
import { type Heard, SmppFarEnd, statusOfHeard } from './smpp-far-end.ts'
import { type MobileText, pdusOf } from './smpp-texts.ts'

/** One distinct submit_sm, however often it came. */
export interface SubmitSeen {
  readonly message: ShortMessage
  /** As the response said it. */
  readonly messageId: string
  /** From 0, over all distinct ones. */
  readonly index: number
  times: number
}

/**
 * What becomes of a submit_sm. `taken-but-cut`: the centre has it, and the link dies before it says so. `cut`: it has
 * nothing.
 */
export type Fate = 'taken' | 'silence' | 'cut' | 'taken-but-cut' | { readonly status: string }

export interface ReceiptPlan {
  readonly state: StateWord
  /** `held`: when `releaseReceipts` is called. */
  readonly when: 'before-response' | 'after-response' | 'held'
  readonly times: number
}

export interface SmscSetup {
  readonly systemId?: string
  readonly password?: string
  /** `hexadecimal`: in the response, and decimal in the receipt, as many centres do. */
  readonly ids?: 'decimal' | 'hexadecimal'
  readonly fate?: (submit: SubmitSeen) => Fate
  /** Asked for those that want one; `null`: never. */
  readonly receipt?: (submit: SubmitSeen) => ReceiptPlan | null
  readonly receiptForm?: 'text' | 'tlvs' | 'both'
}

interface Bound {
  readonly farEnd: SmppFarEnd
  readonly direction: string
}

const binds: ReadonlyMap<number, string> = new Map([
  [commandId.bind_transmitter, 'transmitter'],
  [commandId.bind_receiver, 'receiver'],
  [commandId.bind_transceiver, 'transceiver'],
])

/** A message centre that ESMEs bind to: takes texts, writes receipts, delivers what subscribers write. */
export class SmppSmscSimulator {
  /** Every distinct submit_sm by its addressee and content. */
  readonly submits = new Map<string, SubmitSeen>()
  /** How often deliveries were answered with each status; `lost`: the link died first. */
  readonly answers = new Map<string, number>()
  /** Whoever waits for something of this simulator sets it. */
  changed: () => void = () => {}
  readonly #setup: SmscSetup
  readonly #sockets = new Set<Socket>()
  readonly #bound = new Set<Bound>()
  readonly #held: Buffer[] = []
  /** Texts that wait for somebody to bind. */
  readonly #forReceivers: (() => void)[] = []
  #server: Server | null = null
  #turn = 0

  constructor(setup: SmscSetup = {}) {
    this.#setup = setup
  }

  async start(port = 0): Promise<number> {
    const server = createServer((socket) => this.#entered(socket))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  /** Every link is cut. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    this.cutLinks()
    this.#letGo()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  cutLinks(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Sessions that are bound, in the order of their binds. */
  get sessions(): readonly Bound[] {
    return [...this.#bound]
  }

  get receivers(): readonly SmppFarEnd[] {
    return this.sessions.filter(({ direction }) => direction !== 'transmitter').map(({ farEnd }) => farEnd)
  }

  /** Hands a PDU to one of the receivers; resolves with the status of the answer, or `lost`. */
  async deliver(pdu: Buffer): Promise<string> {
    const receivers = this.receivers
    const farEnd = receivers[this.#turn++ % Math.max(1, receivers.length)]
    if (farEnd === undefined) return 'lost'
    const status = await farEnd.request(pdu).then(statusOfHeard, () => 'lost')
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
    return status
  }

  /** As a centre does: again until it is acknowledged. Parts come in the order given by `order`. */
  async say(text: MobileText, order: (pdus: Buffer[]) => Buffer[] = (pdus) => pdus): Promise<void> {
    for (const pdu of order(pdusOf(text))) {
      for (let tries = 0; (await this.deliver(pdu)) !== 'ESME_ROK'; tries++) {
        if (tries > 1000 || this.#server === null) throw new Error('nobody takes the message')
        if (this.receivers.length === 0) await new Promise<void>((resolve) => this.#forReceivers.push(resolve))
      }
    }
  }

  /** Receipts that were held, to be delivered by whoever takes them. */
  takeReceipts(): Buffer[] {
    return this.#held.splice(0)
  }

  /** Receipts that were held go out. */
  async releaseReceipts(): Promise<string[]> {
    return Promise.all(
      this.#held.splice(0).map(async (receipt) => {
        const status = await this.deliver(receipt)
        // A centre keeps what nobody took.
        if (status !== 'ESME_ROK') this.#held.push(receipt)
        return status
      }),
    )
  }

  #entered(socket: Socket): void {
    this.#sockets.add(socket)
    const farEnd: SmppFarEnd = new SmppFarEnd(socket, (heard) => this.#heard(farEnd, heard))
    void farEnd.closed.then(() => {
      this.#sockets.delete(socket)
      for (const bound of this.#bound) if (bound.farEnd === farEnd) this.#bound.delete(bound)
      this.changed()
    })
  }

  #heard(farEnd: SmppFarEnd, heard: Heard): void {
    const { id, sequence } = heard.header
    const direction = binds.get(id)
    if (direction !== undefined) farEnd.send(this.#bind(farEnd, heard, direction))
    else if (id === commandId.submit_sm) this.#submit(farEnd, heard)
    else if (id === commandId.unbind) farEnd.send(encodeResponse(id, sequence))
    else farEnd.send(encodeNack(sequence, statusOf('ESME_RINVCMDID')))
    this.changed()
  }

  #bind(farEnd: SmppFarEnd, { header, raw }: Heard, direction: string): Buffer {
    const { systemId, password } = this.#setup
    const said = textFields(raw, ['system_id', 'password'])
    const right =
      said !== null &&
      (systemId === undefined || said.system_id === systemId) &&
      (password === undefined || said.password === password)
    if (right) this.#bound.add({ farEnd, direction })
    // After the response has left.
    if (right && direction !== 'transmitter') setImmediate(() => this.#letGo())
    const status = right ? 0 : statusOf('ESME_RINVPASWD')
    return encodeResponse(header.id, header.sequence, status, right ? { system_id: 'smsc-simulator' } : {})
  }

  #letGo(): void {
    for (const go of this.#forReceivers.splice(0)) go()
  }

  #submit(farEnd: SmppFarEnd, { header, raw }: Heard): void {
    const seen = this.#seen(readShortMessage(raw))
    const fate = this.#setup.fate?.(seen) ?? 'taken'
    if (typeof fate === 'object') farEnd.send(encodeResponse(header.id, header.sequence, statusOf(fate.status)))
    if (fate === 'cut') farEnd.vanish()
    if (fate !== 'taken' && fate !== 'taken-but-cut') return
    const plan = seen.message.registeredDelivery % 4 === 0 ? null : this.#plan(seen)
    if (plan?.when === 'before-response') this.#receipts(seen, plan)
    if (fate === 'taken-but-cut') farEnd.vanish()
    else farEnd.send(encodeResponse(header.id, header.sequence, 0, { message_id: seen.messageId }))
    if (plan !== null && plan.when !== 'before-response') this.#receipts(seen, plan)
  }

  #plan(seen: SubmitSeen): ReceiptPlan | null {
    const { receipt } = this.#setup
    return receipt === undefined ? { state: 'DELIVRD', when: 'after-response', times: 1 } : receipt(seen)
  }

  #seen(message: ShortMessage): SubmitSeen {
    const key = `${message.destination.digits} ${message.esmClass} ${message.octets.toString('hex')}`
    const known = this.submits.get(key)
    const index = known?.index ?? this.submits.size
    const number = firstId + index
    const seen = known ?? {
      message,
      messageId: this.#hexadecimal ? number.toString(16) : String(number),
      index,
      times: 0,
    }
    seen.times++
    this.submits.set(key, seen)
    return seen
  }

  get #hexadecimal(): boolean {
    return this.#setup.ids === 'hexadecimal'
  }

  #receipts({ message, index }: SubmitSeen, { state, when, times }: ReceiptPlan): void {
    const now = new Date()
    for (let n = 0; n < times; n++) {
      const receipt = encodeReceipt(
        {
          source: message.destination,
          destination: message.source,
          id: String(firstId + index),
          state,
          error: state === 'DELIVRD' ? '000' : '069',
          submittedAt: now,
          doneAt: now,
          text: '',
          form: this.#setup.receiptForm ?? 'both',
          reference: numberOf(message.tlvs, tag.userMessageReference, 2),
        },
        0,
      )
      if (when === 'held') this.#held.push(receipt)
      else void this.deliver(receipt)
    }
  }
}

const firstId = 3_000_000_000
