import type { OutboundText, Submitted, TextSender } from '../../gateway/adapter.ts'
import type { Session } from './session.ts'
import { submittedBy } from './submit-answer.ts'

export interface TextsSetup<Part> {
  readonly account: string
  readonly perSecond: number
  readonly window: number
  /** A session that takes texts now. */
  readonly session: () => Session | null
  readonly split: (text: OutboundText) => readonly Part[]
  readonly encode: (part: Part) => Buffer
  /** The id by which the far end was told to know it, where its response has none. */
  readonly ownId: (part: Part) => string | null
  /** user_message_reference, where it goes along. */
  readonly reference: (part: Part) => number | null
}

const notBoundMs = 1000

/** Texts out over whichever session there is, and what its answers mean. */
export class Texts<Part> implements TextSender {
  readonly medium = 'sms'
  readonly #setup: TextsSetup<Part>
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(setup: TextsSetup<Part>) {
    this.#setup = setup
  }

  get account(): string {
    return this.#setup.account
  }

  get perSecond(): number {
    return this.#setup.perSecond
  }

  get window(): number {
    return this.#setup.window
  }

  get ready(): boolean {
    return this.#setup.session() !== null
  }

  parts(text: OutboundText): readonly Part[] {
    return this.#setup.split(text)
  }

  reference(part: unknown): number | null {
    return this.#setup.reference(part as Part)
  }

  /** One of `parts`. Rejects with LINK_LOST when it was handed to the socket and has no answer. */
  async submit(part: unknown): Promise<Submitted> {
    const mine = part as Part
    const answer = this.#setup.session()?.request(this.#setup.encode(mine)) ?? null
    if (answer === null) return { outcome: 'later', reason: 'not bound', afterMs: notBoundMs }
    this.#underWay.add(answer)
    try {
      return submittedBy(await answer, this.#setup.ownId(mine))
    } finally {
      this.#underWay.delete(answer)
    }
  }

  /** Resolves when no part is without its answer. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }
}
