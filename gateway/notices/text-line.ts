import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { OutboundText, Submitted, TextSender } from '../adapter.ts'
import { describe } from '../errors.ts'
import { emptyRows } from '../intake/rows.ts'
import type { Posting } from '../relay/post.ts'
import {
  claimTexts,
  type DueText,
  type Mark,
  markParts,
  marksOf,
  partKey,
  releaseClaims,
  renewClaims,
  withdrawMarks,
} from '../store/notice-text.ts'
import { EvenPace } from './even-pace.ts'
import { HeldText } from './held-text.ts'
import { enter } from './notice.ts'
import { Outcomes } from './outcomes.ts'

export interface LineOptions {
  readonly pool: Pool
  readonly gateway: string
  readonly namedStatements: boolean
  readonly log: Logger
  readonly account: string
  /** The adapters of the account, by name. */
  readonly senders: ReadonlyMap<string, TextSender>
  understanding(): Posting
  /** There are new outbox rows. */
  posted(): void
  /** Puts off those of the claimed that may not be sent now, and returns the others. `here`: what is being sent already. */
  admit(due: readonly DueText[], here: readonly DueText[]): Promise<readonly DueText[]>
  /** What a sender splits. Rejects when an attachment is not there. */
  outbound(due: DueText, sender: TextSender): Promise<OutboundText>
  /** Another leg is wanted, or the text is over: somebody looks soon. */
  settled(): void
  count(outcome: string): void
}

/** One gateway has a text for so long and renews that while it is busy with it; a gateway that died delays it by this. */
const leaseSeconds = 30
/** Texts taken at a time: a second's worth, so that an urgent one soon has its turn. */
const claimedAhead = { least: 4, most: 500, unlimited: 200 }
/** Parts marked before their turn: as many as leave during so many commits. A commit is worth its while for half of them. */
const markedAhead = { least: 2, most: 100, commits: 2.5 }
/** A link that is away for so long gives its texts back. */
const patienceMs = 3000
const failurePauseMs = 1000

interface Job {
  readonly held: HeldText
  readonly mark: Mark
  readonly part: unknown
}

/**
 * The texts of one account: claimed, split, marked, paced, submitted, written down. A part is marked in a commit before
 * it leaves; marks that wait while one is under way share the next.
 */
export class TextLine {
  readonly #options: LineOptions
  readonly #pace: EvenPace
  readonly #rate: number
  readonly #outcomes: Outcomes
  readonly #held = new Map<string, HeldText>()
  readonly #queue: Job[] = []
  readonly #marked: Job[] = []
  readonly #inFlight = new Map<TextSender, number>()
  readonly #pausedUntil = new Map<TextSender, number>()
  readonly #underWay = new Set<Promise<void>>()
  #claiming = false
  #more = true
  #marking = 0
  /** How long a commit of marks takes, of late. */
  #commitMs = 20
  #timer: NodeJS.Timeout | null = null
  #awaySince: number | null = null
  #failedUntil = 0
  #stopping = false

  constructor(options: LineOptions) {
    this.#options = options
    const limits = [...options.senders.values()].map(({ perSecond }) => perSecond).filter((rate) => rate > 0)
    this.#rate = limits.length === 0 ? 0 : Math.min(...limits)
    this.#pace = new EvenPace(this.#rate)
    this.#outcomes = new Outcomes(options, (held) => this.#forget(held))
  }

  /** Something may be due. */
  wake(): void {
    this.#more = true
    this.#go()
  }

  /** Now and then: claims are renewed, and given back where the link is away. */
  tick(): void {
    const ids = [...this.#held.keys()]
    const lost = this.#ready() === null
    this.#awaySince = lost ? (this.#awaySince ?? Date.now()) : null
    if (this.#awaySince !== null && Date.now() - this.#awaySince >= patienceMs) this.#track(this.#giveBack())
    else if (ids.length > 0) this.#track(renewClaims(this.#options.pool, ids, leaseSeconds))
    this.wake()
  }

  /** Takes nothing new, takes back what has not left, and waits for the answers to what has, at most so long. */
  async pause(mostMs: number): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    let deadline: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, mostMs)
    })
    // What cannot be taken back now is found in doubt by whoever comes next.
    const settled = this.#settle().catch((error: unknown) => this.#failed(error))
    await Promise.race([late, settled])
    clearTimeout(deadline)
    this.#outcomes.close()
  }

  async #settle(): Promise<void> {
    while (this.#claiming || this.#marking > 0) await Promise.all(this.#underWay)
    await this.#giveBack()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    await this.#outcomes.idle()
  }

  #track(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => this.#failed(error)).finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
  }

  #failed(error: unknown): void {
    this.#failedUntil = Date.now() + failurePauseMs
    this.#options.log.error({ account: this.#options.account, reason: describe(error) }, 'texts could not be worked on')
  }

  #go(): void {
    if (this.#stopping) return
    this.#claim()
    this.#mark()
    this.#release()
  }

  /** The adapter with the most room of those that have a link. */
  #ready(): TextSender | null {
    let best: TextSender | null = null
    let room = 0
    for (const sender of this.#options.senders.values()) {
      if (!sender.ready) continue
      const free = sender.window - (this.#inFlight.get(sender) ?? 0)
      if (best === null || free > room) [best, room] = [sender, free]
    }
    return best
  }

  #claim(): void {
    const most =
      this.#rate === 0
        ? claimedAhead.unlimited
        : Math.min(claimedAhead.most, Math.max(claimedAhead.least, Math.ceil(this.#rate)))
    const busy = this.#claiming || Date.now() < this.#failedUntil
    if (busy || !this.#more || this.#queue.length > most / 2 || this.#ready() === null) return
    this.#claiming = true
    this.#more = false
    this.#track(
      this.#claimSome(most).finally(() => {
        this.#claiming = false
        setImmediate(() => this.#go())
      }),
    )
  }

  async #claimSome(most: number): Promise<void> {
    const { pool, senders } = this.#options
    for (const [name, sender] of senders) {
      const claimed = await claimTexts(pool, name, most, leaseSeconds)
      if (claimed.length === 0) continue
      if (claimed.length === most) this.#more = true
      try {
        await this.#take(claimed, sender)
      } catch (error) {
        await releaseClaims(
          pool,
          claimed.map(({ id }) => id).filter((id) => !this.#held.has(id)),
        )
        throw error
      }
    }
  }

  async #take(claimed: readonly DueText[], sender: TextSender): Promise<void> {
    const { pool, admit } = this.#options
    const here = [...this.#held.values()].map(({ due }) => due)
    const admitted = await admit(claimed, here)
    const begun = admitted.filter(({ state }) => state === 'sending').map(({ id }) => id)
    const before = await marksOf(pool, begun)
    for (const due of admitted) {
      if (this.#held.has(due.id)) continue
      const marks = before.filter(({ noticeId }) => noticeId === due.id)
      await this.#split(due, sender, marks)
    }
  }

  async #split(due: DueText, sender: TextSender, marks: Awaited<ReturnType<typeof marksOf>>): Promise<void> {
    const { account, outbound } = this.#options
    let parts: readonly unknown[]
    try {
      parts = sender.parts(await outbound(due, sender))
      if (parts.length === 0) throw new Error('there is nothing in it to send')
    } catch (error) {
      // Such a text will never leave this way.
      const held = new HeldText(due, 0)
      held.reject(describe(error))
      this.#held.set(due.id, held)
      this.#outcomes.finish(held)
      return
    }
    const held = new HeldText(due, parts.length)
    this.#held.set(due.id, held)
    for (const { part, state } of marks) {
      held.knows(part, state)
      // Marked by a gateway that is gone: nobody knows.
      if (state === 'sending') this.#outcomes.add({ held, part, outcome: { outcome: 'in-doubt', reason: abandoned } })
    }
    const jobs = parts.flatMap((part, index): Job[] => {
      const number = index + 1
      if (held.states.has(number)) return []
      const reference = sender.reference?.(part) ?? null
      const { id: noticeId, leg, addressee } = due
      return [{ held, part, mark: { noticeId, leg, part: number, parts: parts.length, account, addressee, reference } }]
    })
    held.waiting = jobs.length
    this.#queue.push(...jobs)
    if (jobs.length === 0) this.#outcomes.finish(held)
  }

  #mark(): void {
    const ahead = this.#ahead()
    const room = ahead - this.#marked.length
    if (room < Math.min(ahead / 2, this.#queue.length)) return
    if (this.#marking > 0 || room <= 0 || this.#queue.length === 0 || Date.now() < this.#failedUntil) return
    if (this.#ready() === null) return
    const jobs = this.#queue.splice(0, room)
    this.#marking = jobs.length
    this.#track(
      this.#markSome(jobs).finally(() => {
        this.#marking = 0
        setImmediate(() => this.#go())
      }),
    )
  }

  /** After a crash so many are in doubt at most, beside those without an answer. */
  #ahead(): number {
    if (this.#rate === 0) return [...this.#options.senders.values()].reduce((sum, { window }) => sum + window, 0)
    const { least, most, commits } = markedAhead
    return Math.min(most, least + Math.ceil((this.#rate / 1000) * this.#commitMs * commits))
  }

  async #markSome(jobs: readonly Job[]): Promise<void> {
    const { pool, gateway, namedStatements, understanding, posted } = this.#options
    const at = new Date()
    const due = jobs.filter(({ held }) => held.maySend(at.getTime()))
    for (const { held } of jobs) if (!held.maySend(at.getTime())) this.#drop(held, 1)
    if (due.length === 0) return
    const rows = emptyRows()
    const how = understanding()
    for (const held of new Set(due.map((job) => job.held))) {
      if (held.announced) continue
      held.announced = true
      enter(held.due, { state: 'sending', at }, how, rows)
    }
    let allowed: Set<string>
    const began = performance.now()
    try {
      allowed = await markParts(
        pool,
        gateway,
        due.map(({ mark }) => mark),
        rows,
        at,
        namedStatements,
      )
    } catch (error) {
      // Perhaps they are marked all the same; if so, the lease runs out and they are found in doubt.
      for (const { held } of due) this.#drop(held, 1)
      throw error
    }
    this.#commitMs += (performance.now() - began - this.#commitMs) / 4
    if (rows.noticeStates.some(({ events }) => events.length > 0)) posted()
    for (const job of due) {
      if (allowed.has(partKey(job.mark.noticeId, job.mark.part))) this.#marked.push(job)
      else this.#drop(job.held, 1)
    }
  }

  /** The text is not ours to send any more: its other parts stay where they are. */
  #drop(held: HeldText, parts: number): void {
    held.stopped = true
    held.waiting -= parts
    this.#outcomes.finish(held)
  }

  #release(): void {
    if (this.#timer !== null) return
    while (this.#marked.length > 0 && !this.#stopping) {
      const now = Date.now()
      if (now < this.#failedUntil) return
      const sender = this.#ready()
      if (sender === null) return
      const pausedMs = (this.#pausedUntil.get(sender) ?? 0) - now
      // The answer that frees a place comes back here.
      if ((this.#inFlight.get(sender) ?? 0) >= sender.window) return
      const waitMs = Math.max(pausedMs, this.#pace.waitMs(performance.now()))
      if (waitMs > 0) {
        this.#later(waitMs)
        return
      }
      const job = this.#marked.shift()
      if (job === undefined) return
      if (!job.held.maySend(now)) {
        this.#track(this.#withdraw([job]))
        continue
      }
      this.#pace.take(performance.now())
      this.#track(this.#submit(job, sender))
      this.#mark()
    }
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#go()
    }, ms)
  }

  async #submit({ held, mark, part }: Job, sender: TextSender): Promise<void> {
    const { count } = this.#options
    this.#inFlight.set(sender, (this.#inFlight.get(sender) ?? 0) + 1)
    let submitted: Submitted | { readonly outcome: 'in-doubt'; readonly reason: string }
    try {
      submitted = await sender.submit(part)
    } catch (error) {
      submitted = { outcome: 'in-doubt', reason: describe(error) }
    }
    this.#inFlight.set(sender, (this.#inFlight.get(sender) ?? 1) - 1)
    count(submitted.outcome)
    held.waiting--
    if (submitted.outcome === 'later') {
      this.#pausedUntil.set(sender, Date.now() + submitted.afterMs)
      held.postpone(submitted.reason, submitted.afterMs)
    }
    this.#outcomes.add({ held, part: mark.part, outcome: submitted })
    this.#go()
  }

  /** Marks of what has not left are withdrawn, and the texts left to whoever can send them. */
  async #giveBack(): Promise<void> {
    for (const { held } of this.#queue.splice(0)) this.#drop(held, 1)
    await this.#withdraw(this.#marked.splice(0))
  }

  async #withdraw(jobs: readonly Job[]): Promise<void> {
    try {
      await withdrawMarks(
        this.#options.pool,
        jobs.map(({ mark }) => mark),
      )
    } catch (error) {
      // They are still ours, and it is tried again: nobody else ends them while their claims are renewed.
      this.#marked.unshift(...jobs)
      throw error
    }
    for (const { held } of jobs) this.#drop(held, 1)
  }

  #forget(held: HeldText): void {
    this.#held.delete(held.due.id)
    this.#options.settled()
  }
}

const abandoned = 'the gateway that was sending it is gone'
