import { setTimeout as delay } from 'node:timers/promises'
import sharp from 'sharp'
import { encodeDeliverSm } from '../adapters/smpp/encode.ts'
import { decodeText } from '../adapters/smpp/text.ts'
import type { City } from '../gateway/city/city.ts'
import { Citizens } from './citizens.ts'
import { SimulatedMmsc } from './mms-mmsc.ts'
import { seeded } from './seeded.ts'
import { SmppSmscSimulator } from './smpp-smsc.ts'

/** What a citizen wrote and has an acknowledgement for, of the message centre or of the MMSC. */
export interface Written {
  readonly from: string
  readonly text: string
}

const hotline = '12319'
/** One text in so many is a picture with words, by MMS. */
const pictureShare = 0.1
/** A WAP push to port 2948 from 9200, as centres announce an MMS. */
const pushHeader = Buffer.from('0605040b8423f0', 'hex')

/**
 * The city's citizens with their telephones, the message centre and the MMSC behind them. They write, by SMS in as many
 * parts as it takes or by MMS, and read what they are answered; some ask for the state by the number they were given.
 */
export class Phones {
  /** Reports that were acknowledged; a text that the same citizen sent twice stands here once. */
  readonly written = new Map<string, Written>()
  readonly smsc = new SmppSmscSimulator()
  readonly mmsc = new SimulatedMmsc()
  /** The newest answer that somebody read. */
  lastAnswer = ''
  readonly #citizens: Citizens
  readonly #random: () => number
  readonly #over = new AbortController()
  #answersRead = 0
  #writing: Promise<unknown> = Promise.resolve()

  constructor(city: City, seed: number) {
    this.#citizens = new Citizens(city, seed)
    this.#random = seeded(seed + 1)
  }

  /** Opens both centres: the port to bind to, and the host that MMS are fetched from. */
  async open(): Promise<{ readonly smscPort: number; readonly mmscHost: string }> {
    const mmscHost = await this.mmsc.start()
    return { smscPort: await this.smsc.start(), mmscHost }
  }

  /** Texts that left the gateway for a citizen. */
  get answers(): number {
    return this.smsc.submits.size
  }

  /** From now on so many texts a second are written, until `hush`. */
  write(perSecond: number): void {
    this.#writing = this.#writeAll(1000 / perSecond)
  }

  /** Nobody writes anything new; what was written is acknowledged when this resolves. */
  async hush(): Promise<void> {
    this.#over.abort()
    await this.#writing
  }

  async close(): Promise<void> {
    await this.hush()
    await this.smsc.stop()
    await this.mmsc.stop()
  }

  async #writeAll(everyMs: number): Promise<void> {
    const { signal } = this.#over
    const underWay = new Set<Promise<void>>()
    while (!signal.aborted) {
      this.#readAnswers()
      const one = this.#write().finally(() => underWay.delete(one))
      underWay.add(one)
      await delay(everyMs * (0.5 + this.#random()), undefined, { signal }).catch(() => {})
    }
    await Promise.all(underWay)
    this.#readAnswers()
  }

  async #write(): Promise<void> {
    const { from, text, truth } = this.#citizens.next()
    if (truth !== null && this.#random() < pictureShare) await this.#sendPicture(from, text)
    else await this.smsc.say({ from, to: hotline, text })
    if (truth !== null) this.written.set(`${from} ${text}`, { from, text })
  }

  /** The push is acknowledged like a text; that the MMS itself was fetched, its confirmation says. */
  async #sendPicture(from: string, text: string): Promise<void> {
    const picture = await sharp({ create: { width: 320, height: 240, channels: 3, background: this.#colour() } })
      .jpeg()
      .toBuffer()
    const id = this.mmsc.keep({
      from: `+${from}/TYPE=PLMN`,
      to: hotline,
      subject: null,
      parts: [
        { type: 'text/plain', charset: utf8, id: 'text', location: 'text.txt', content: Buffer.from(text) },
        { type: 'image/jpeg', id: 'photo', location: 'photo.jpg', content: picture },
      ],
    })
    const pdu = encodeDeliverSm(
      {
        source: { ton: 1, npi: 1, digits: from },
        destination: { ton: 0, npi: 1, digits: hotline },
        esmClass: 0x40,
        dataCoding: 4,
        octets: Buffer.concat([pushHeader, this.mmsc.push(id)]),
      },
      0,
    )
    while ((await this.smsc.deliver(pdu)) !== 'ESME_ROK') await delay(50)
  }

  #colour(): { r: number; g: number; b: number } {
    const part = () => Math.floor(this.#random() * 256)
    return { r: part(), g: part(), b: part() }
  }

  #readAnswers(): void {
    const answers = [...this.smsc.submits.values()].slice(this.#answersRead)
    this.#answersRead += answers.length
    for (const { message } of answers) {
      if (message.dataCoding !== ucs2) continue
      this.lastAnswer = decodeText(message.octets, 'ucs2')
      const queryNumber = /查询号(\d{9})/.exec(this.lastAnswer)?.[1]
      if (queryNumber !== undefined) this.#citizens.answered(message.destination.digits, queryNumber)
    }
  }
}

/** data_coding */
const ucs2 = 8
/** MIBenum */
const utf8 = 106
