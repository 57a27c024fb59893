import { readFile } from 'node:fs/promises'
import type { OutboundText, TextSender } from '../adapter.ts'
import { GatewayError } from '../errors.ts'
import type { Attachments } from '../store/attachments.ts'
import type { DueText } from '../store/notice-text.ts'
import { Restraint, type RestraintOptions } from './restraint.ts'
import { type LineOptions, TextLine } from './text-line.ts'
import type { TextAdapter } from './ways.ts'

export interface TextOfficeOptions
  extends RestraintOptions,
    Omit<LineOptions, 'account' | 'senders' | 'admit' | 'outbound' | 'count' | 'understanding'> {
  readonly attachments: Pick<Attachments, 'has' | 'path'>
  /** Adapters that texts leave by, by name. */
  readonly texts: ReadonlyMap<string, TextAdapter>
  /** A part was handed in, with this outcome. */
  submitted(account: string, outcome: string): void
}

const wakeMs = 250
const tickMs = 5000

/** Texts to subscribers, one line for each account. */
export class TextOffice {
  readonly #options: TextOfficeOptions
  /** By the name of each adapter of the account. */
  readonly #lines = new Map<string, TextLine>()
  readonly #timers: NodeJS.Timeout[] = []

  constructor(options: TextOfficeOptions) {
    this.#options = options
  }

  start(): void {
    const { texts, submitted } = this.#options
    const accounts = new Map<string, Map<string, TextSender>>()
    for (const [name, adapter] of texts) {
      const { account } = adapter.texts
      accounts.set(account, (accounts.get(account) ?? new Map<string, TextSender>()).set(name, adapter.texts))
    }
    const restraint = new Restraint(this.#options)
    for (const [account, senders] of accounts) {
      const line = new TextLine({
        ...this.#options,
        account,
        senders,
        admit: (due, here) => restraint.admit(due, here),
        outbound: (due, sender) => this.#outbound(due, sender),
        count: (outcome) => submitted(account, outcome),
      })
      for (const name of senders.keys()) this.#lines.set(name, line)
    }
    const lines = new Set(this.#lines.values())
    if (lines.size === 0) return
    const each = (does: (line: TextLine) => void) => () => {
      for (const line of lines) does(line)
    }
    this.#timers.push(
      setInterval(
        each((line) => line.wake()),
        wakeMs,
      ),
    )
    this.#timers.push(
      setInterval(
        each((line) => line.tick()),
        tickMs,
      ),
    )
  }

  /** Something is due for this adapter, or it has a link again. */
  wake(adapter: string): void {
    this.#lines.get(adapter)?.wake()
  }

  /** Hands in nothing more and waits for the answers to what was, at most so long. Again is safe. */
  async pause(mostMs: number): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await Promise.all([...new Set(this.#lines.values())].map((line) => line.pause(mostMs)))
  }

  async #outbound({ id, addressee, body, text, expiresAt }: DueText, sender: TextSender): Promise<OutboundText> {
    const pictures = sender.medium === 'mms' ? (body.attachments ?? []) : []
    const attachments = await Promise.all(
      pictures.map(async ({ sha256, name, mediaType }) => {
        const content = await readFile(this.#options.attachments.path(sha256)).catch((cause: unknown) => {
          throw new GatewayError('NOTICE_INVALID', `attachment ${sha256} is not there`, { cause })
        })
        return { name, mediaType, content }
      }),
    )
    const words = (value: unknown) => (typeof value === 'string' ? value : null)
    const [extension, title] = [words(body.extension), words(body.title)]
    return { id, to: addressee, extension, title, text, attachments, validUntil: expiresAt }
  }
}
