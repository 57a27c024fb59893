import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Adapter } from '../adapter.ts'
import { describe, GatewayError } from '../errors.ts'
import { type ClaimedErrand, claimErrands, freeErrandClaims, settleErrand } from '../store/errands.ts'

export interface Performer extends Required<Pick<Adapter, 'perform'>> {
  /** Whether this gateway is to do it; what a link is needed for is done where that is. */
  readonly ours: boolean
}

export interface ErrandOptions {
  readonly pool: Pool
  /** Other gateways may use this database. */
  readonly shared: boolean
  readonly log: Logger
  /** Adapters that perform errands, by name. */
  readonly performers: ReadonlyMap<string, Performer>
  readonly now?: () => number
  readonly pollMs?: number
}

/** Errands under way at once; each may take as long as a slow far end is given. */
const atOnce = 8
const firstPauseMs = 5_000
const longestPauseMs = 15 * 60_000
/** About two days with the pauses above: an MMS is kept by its centre no longer. */
const mostAttempts = 200

/**
 * Has errands performed: what a message leads to outside, such as fetching an MMS that was announced. A row until it is
 * done, so it outlives a restart; tried again after a growing pause; dead when it can never be done.
 */
export class ErrandRunner {
  readonly #options: ErrandOptions
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #looking = false
  #stopping = false

  constructor(options: ErrandOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { pool, shared, performers, pollMs } = this.#options
    if (performers.size === 0) return
    if (!shared) await freeErrandClaims(pool)
    this.#timer = setInterval(() => this.wake(), pollMs ?? 2000)
  }

  /** There may be something to do now. */
  wake(): void {
    if (this.#timer === null || this.#looking || this.#stopping) return
    this.#looking = true
    const looking = this.#look()
      .catch((error: unknown) => this.#options.log.error({ reason: describe(error) }, 'errands could not be claimed'))
      .finally(() => {
        this.#looking = false
        this.#underWay.delete(looking)
      })
    this.#underWay.add(looking)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async #look(): Promise<void> {
    const { pool, performers } = this.#options
    const free = atOnce - Math.max(0, this.#underWay.size - 1)
    if (free <= 0) return
    const names = [...performers].filter(([, { ours }]) => ours).map(([name]) => name)
    if (names.length === 0) return
    for (const errand of await claimErrands(pool, names, free)) {
      const performing = this.#perform(errand).finally(() => this.#underWay.delete(performing))
      this.#underWay.add(performing)
    }
  }

  async #perform(errand: ClaimedErrand): Promise<void> {
    const { pool, performers, log } = this.#options
    const performer = performers.get(errand.adapter)
    if (performer === undefined) return
    const { id, subject, content, receivedAt, attempt } = errand
    try {
      await performer.perform({ id, subject, content, receivedAt, attempt })
      await settleErrand(pool, errand, { state: 'done' })
    } catch (error) {
      const reason = describe(error)
      const hopeless = (error instanceof GatewayError && error.code.startsWith('DECODE_')) || attempt >= mostAttempts
      log[hopeless ? 'error' : 'warn']({ adapter: errand.adapter, errand: id, attempt, reason }, 'errand failed')
      const nowMs = (this.#options.now ?? Date.now)()
      const outcome = hopeless
        ? ({ state: 'dead', reason } as const)
        : ({ state: 'pending', reason, dueAt: new Date(nowMs + pauseMs(attempt)) } as const)
      await settleErrand(pool, errand, outcome).catch((cause: unknown) =>
        log.error({ errand: id, reason: describe(cause) }, 'errand could not be settled; its claim runs out'),
      )
    }
  }
}

const pauseMs = (attempt: number): number => Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(20, attempt - 1))
