import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { City } from '../gateway/city/city.ts'
import { type SimulatedPbx, startPbx as startAsterisk } from './asterisk-pbx.ts'
import { Citizens } from './citizens.ts'
import { type Pbx, startPbx } from './freeswitch-pbx.ts'
import { SimulatedCallCentre } from './platform-call-centre.ts'
import { seeded } from './seeded.ts'

/** Of the first five months' 1,418 calls in Yangzhou 1,041 became cases. */
const formShare = 1041 / 1418
const outcomes = [
  ['answered', 0.82],
  ['abandoned', 0.9],
  ['no-answer', 0.94],
  ['busy', 0.97],
  ['refused', 0.99],
  ['menu', 1],
] as const
/** Seconds of a call in a second of the demo. */
const pace = 40
const exchange = '12319'
/** One call in so many comes in at the second exchange. */
const secondShare = 0.2

/**
 * The city's hotline: a FreeSWITCH that tells calls live and posts their records, an older Asterisk beside it, and seats
 * who fill in forms. Some live events are lost, as they are under load.
 */
export class Hotline {
  readonly secret = `whsec_${randomBytes(32).toString('base64')}`
  readonly password = randomBytes(9).toString('base64url')
  readonly #citizens: Citizens
  readonly #random: () => number
  readonly #subNumbers: readonly string[]
  readonly #over = new AbortController()
  #pbx: Pbx | null = null
  #asterisk: SimulatedPbx | null = null
  #centre: SimulatedCallCentre | null = null
  #working: Promise<unknown> = Promise.resolve()

  constructor(city: City, seed: number) {
    this.#citizens = new Citizens(city, seed + 7)
    this.#random = seeded(seed + 8)
    this.#subNumbers = ['12319', '123191', '123192', '123193', '123194'].filter(
      (number) => number === '12319' || city.districtOfNumber(number) !== null,
    )
  }

  /** Opens both exchanges; the blocks of the adapters that speak with them and with the seats. */
  async open(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    this.#pbx = await startPbx({ eslPort: 0, password: this.password, cdr: null, pace, loseEvents: 0.05 })
    const { pbx, port } = await startAsterisk({ username: 'gateway', secret: this.password, stamped: true })
    this.#asterisk = pbx
    const login = { username: 'gateway', secret: this.password }
    const { eslPort } = this.#pbx
    return [
      { name: 'old-exchange', kind: 'asterisk-ami', host: '127.0.0.1', port, ...login, timeZone: 'UTC' },
      { name: 'hotline', kind: 'freeswitch-cdr', exchange },
      { name: 'hotline-live', kind: 'freeswitch-esl', exchange, port: eslPort, password: this.password },
      { name: 'seats', kind: 'platform-calls', exchange, signingSecret: this.secret },
    ]
  }

  get calls(): number {
    return (this.#pbx?.tally.calls ?? 0) + (this.#asterisk?.tally.calls ?? 0)
  }

  /** Numbers of the forms that were acknowledged to the seats. */
  get forms(): readonly string[] {
    return [...(this.#centre?.acknowledged ?? [])]
  }

  /** From now on so many calls a second come in, until `hush`. `gateway`: http://host:port */
  ring(gateway: string, perSecond: number): void {
    this.#pbx?.postTo(`${gateway}/ingest/hotline/`)
    this.#centre = new SimulatedCallCentre(`${gateway}/ingest/seats`, this.secret)
    this.#working = this.#ringAll(1000 / perSecond)
  }

  /** Nobody calls any more; what was told is acknowledged when this resolves. */
  async hush(): Promise<void> {
    this.#over.abort()
    await this.#working
  }

  async close(): Promise<void> {
    await this.hush()
    await Promise.all([this.#pbx?.stop(), this.#asterisk?.stop()])
  }

  async #ringAll(everyMs: number): Promise<void> {
    const { signal } = this.#over
    const underWay = new Set<Promise<void>>()
    while (!signal.aborted) {
      const one = this.#call().finally(() => underWay.delete(one))
      underWay.add(one)
      await delay(everyMs * (0.5 + this.#random()), undefined, { signal }).catch(() => {})
    }
    await Promise.all(underWay)
  }

  async #call(): Promise<void> {
    const { from, text, truth } = this.#citizens.next()
    const luck = this.#random()
    const outcome = outcomes.find(([, share]) => luck < share)?.[0] ?? 'answered'
    const dnis = this.#subNumbers[Math.floor(this.#random() * this.#subNumbers.length)] ?? '12319'
    if (this.#random() < secondShare) {
      const ending = outcome === 'menu' ? 'answered' : outcome
      await this.#asterisk?.ring({ from, to: dnis, seat: outcome === 'menu' ? null : '8101', ending }, pace)
      return
    }
    const course = await this.#pbx?.call({ caller: `+${from}`, dnis, outcome })
    if (course === undefined || outcome !== 'answered' || truth === null || this.#random() > formShare) return
    const number = `F-${course.uuid.slice(0, 8)}`
    await this.#centre?.form({ call: course.uuid, number, caller: `+${from}`, text })
  }
}
