import type { DueText } from '../store/notice-text.ts'
import type { SubmissionState } from './state.ts'

/** A text that this gateway has claimed, and how far its parts are. */
export class HeldText {
  readonly due: DueText
  readonly parts: number
  /** Parts that are marked or past that, by number. */
  readonly states = new Map<number, SubmissionState>()
  /** Whether it has left `queued`. */
  announced: boolean
  /** Parts that are queued, marked, or without an answer. */
  waiting = 0
  /** Outcomes that are not written down yet. */
  unrecorded = 0
  /** It is not ours to go on with. */
  stopped = false
  /** Its end, or its claim's, is being written down. */
  closed = false
  #rejected: string | null = null
  #notBefore: Date | null = null
  #why: string | null = null

  constructor(due: DueText, parts: number) {
    this.due = due
    this.parts = parts
    this.announced = due.state === 'sending'
  }

  knows(part: number, state: SubmissionState): void {
    this.states.set(part, state)
  }

  reject(reason: string): void {
    this.#rejected ??= reason
  }

  get rejected(): string | null {
    return this.#rejected
  }

  /** The centre took nothing and asks to wait. */
  postpone(why: string, afterMs: number): void {
    this.#notBefore = new Date(Date.now() + afterMs)
    this.#why = why
  }

  get notBefore(): Date | null {
    return this.#notBefore
  }

  get why(): string | null {
    return this.#why
  }

  maySend(nowMs: number): boolean {
    if (this.stopped || this.#rejected !== null || this.#notBefore !== null) return false
    return this.due.expiresAt === null || this.due.expiresAt.getTime() > nowMs
  }

  /** Nothing of it is under way any more. */
  get idle(): boolean {
    return this.waiting <= 0 && this.unrecorded === 0
  }
}
