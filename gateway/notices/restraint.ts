import type { Pool } from 'pg'
import { emptyRows } from '../intake/rows.ts'
import type { Posting } from '../relay/post.ts'
import { type DueText, sentSince } from '../store/notice-text.ts'
import { writeBatch } from '../store/write-batch.ts'
import { endOf, midnightBefore } from '../triage/local-time.ts'
import { enter } from './notice.ts'
import type { NoticeRules } from './rules.ts'

export interface RestraintOptions {
  readonly pool: Pool
  readonly gateway: string
  readonly rules: NoticeRules
  readonly now: () => number
  understanding(): Posting & { readonly city: { readonly timeZone: string } }
  posted(): void
}

interface Held {
  readonly due: DueText
  readonly until: Date
  readonly why: string
}

const dayMs = 86_400_000
/** Answers to what somebody has just written, by the ids of their templates. */
const answers = new Set(['received', 'help', 'state'])
const awakeMs = 15 * 60_000

/** What citizens are spared: texts at night, and more than so many a day. Urgent ones are not held back. */
export class Restraint {
  readonly #options: RestraintOptions

  constructor(options: RestraintOptions) {
    this.#options = options
  }

  /** Puts off those that may not be sent now and says so in their states. `here`: what this gateway is sending already. */
  async admit(due: readonly DueText[], here: readonly DueText[]): Promise<readonly DueText[]> {
    const { pool, rules, now } = this.#options
    const spared = due.filter(({ audience, urgent }) => audience === 'citizen' && !urgent)
    if (spared.length === 0) return due
    const atMs = now()
    const { timeZone } = this.#options.understanding().city
    const midnight = midnightBefore(atMs, timeZone)
    const morning = rules.quietHours === null ? null : endOf(rules.quietHours, atMs, timeZone)
    const cap = rules.dailyCap
    const sent =
      cap === 0
        ? new Map<string, number>()
        : await sentSince(pool, [...new Set(spared.map((one) => one.addressee))], midnight, here)
    // What is being sent here counts once, whether its mark is in the database by now or about to be.
    for (const { addressee } of here) sent.set(addressee, (sent.get(addressee) ?? 0) + 1)

    const held: Held[] = []
    for (const one of spared) {
      // Whoever has just written is awake, and waits for the answer; in the morning is soon enough for what comes later.
      const awake =
        one.tells === 'answer' && atMs - one.createdAt.getTime() < awakeMs && answers.has(one.template ?? '')
      const asleep = awake ? null : morning
      const n = sent.get(one.addressee) ?? 0
      // One that has begun to leave goes on: half a text helps nobody.
      if (one.state === 'sending') continue
      if (asleep !== null) held.push({ due: one, until: asleep, why: 'quiet hours' })
      else if (cap > 0 && n >= cap)
        held.push({
          due: one,
          until: new Date(midnight.getTime() + dayMs),
          why: `the daily cap of ${cap} texts is reached`,
        })
      else sent.set(one.addressee, n + 1)
    }
    await this.#hold(held)
    const putOff = new Set(held.map((one) => one.due))
    return due.filter((one) => !putOff.has(one))
  }

  async #hold(held: readonly Held[]): Promise<void> {
    if (held.length === 0) return
    const { pool, gateway, posted } = this.#options
    const rows = emptyRows()
    const how = this.#options.understanding()
    const at = new Date()
    for (const { due, until, why } of held) {
      const detail = `${why}: not before ${until.toISOString()}`
      enter(due, { state: due.state, at, detail, remark: true, notBefore: until }, how, rows)
    }
    await writeBatch(pool, rows, gateway)
    posted()
  }
}
