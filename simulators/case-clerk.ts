import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { CoreEvent, SimulatedCore } from './core.ts'

/** How long a case takes in the demo, and how many of them are closed at all while somebody watches. */
const acceptAfterMs = 2000
const closeAfterMs = 5000

/** The people at the core: they accept what citizens report, close some of it, and have the citizen told by the gateway. */
export class CaseClerk {
  /** Notices that the gateway did not take, with its answer. */
  readonly refused: string[] = []
  readonly #core: SimulatedCore
  readonly #http: string
  readonly #over = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #working: Promise<void> = Promise.resolve()
  #cases = 0

  constructor(core: SimulatedCore, http: string) {
    this.#core = core
    this.#http = http
    // Every case under way rests on this one signal.
    setMaxListeners(0, this.#over.signal)
  }

  start(): void {
    this.#working = this.#work()
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#working
    await Promise.all(this.#underWay)
  }

  async #work(): Promise<void> {
    const { signal } = this.#over
    let seen = 0
    while (!signal.aborted) {
      const news = [...this.#core.events.values()].slice(seen)
      seen += news.length
      for (const event of news) {
        if (event.type !== 'chengguan.case-intent.v1' || typeof event.data.queryNumber !== 'string') continue
        const one = this.#handle(event).finally(() => this.#underWay.delete(one))
        this.#underWay.add(one)
      }
      await delay(200, undefined, { signal }).catch(() => {})
    }
  }

  async #handle({ id, data }: CoreEvent): Promise<void> {
    const { signal } = this.#over
    const caseNumber = `2026-${String(++this.#cases).padStart(6, '0')}`
    const queryNumber = String(data.queryNumber)
    const after = (ms: number) => delay(ms, undefined, { signal }).catch(() => {})
    await after(acceptAfterMs)
    if (signal.aborted) return
    await this.#tell(id, caseNumber, 'accepted', { queryNumber, caseNumber })
    await after(closeAfterMs)
    if (!signal.aborted && this.#cases % 2 === 0)
      await this.#tell(id, caseNumber, 'closed', { queryNumber, state: '已派人处置完毕' })
  }

  async #tell(intentId: string, caseNumber: string, template: string, fields: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.#http}/v1/notices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `${template} ${intentId}` },
      body: JSON.stringify({ to: { reporterOf: intentId }, template, fields, caseNumber, intentId, urgent: true }),
    })
    if (!response.ok) this.refused.push(`${response.status} ${await response.text()}`)
  }
}
