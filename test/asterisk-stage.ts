import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { asteriskAmi } from '../adapters/asterisk/ami.ts'
import { type AmiOptions, amiOptions } from '../adapters/asterisk/ami-options.ts'
import { asteriskCdr } from '../adapters/asterisk/cdr-file.ts'
import type { Adapter, AdapterKind, Inbound, Link, Receipt, Received } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { CallReport, Report } from '../gateway/report.ts'

/** What a gateway keeps of one exchange: every key once, whichever adapter of it brings it. */
export class Shelf {
  readonly messages = new Map<string, Inbound>()
  readonly reports: Report[] = []
  readonly dead: { code: string; detail: string; raw: Uint8Array }[] = []
  duplicates = 0
  /** Asked for each message: refuse it? */
  refuse: (message: Inbound) => boolean = () => false
  /** Waited for before each is stored. */
  gate: Promise<void> | null = null
  waiting = 0

  async accept(message: Inbound, decode: (message: Received) => Report[]): Promise<Receipt> {
    this.waiting++
    try {
      await this.gate
      if (this.refuse(message)) throw new GatewayError('STORE_UNAVAILABLE', 'the test says so')
      if (this.messages.has(message.key)) {
        this.duplicates++
        return 'duplicate'
      }
      this.messages.set(message.key, message)
      this.reports.push(...decode({ ...message, receivedAt: new Date() }))
      return 'stored'
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_')) throw error
      this.dead.push({ code: error.code, detail: error.detail, raw: message.raw })
      return 'dead-lettered'
    } finally {
      this.waiting--
    }
  }

  get calls(): CallReport[] {
    return this.reports.filter((report) => report.kind === 'call')
  }

  /** Pieces of each leg. */
  legs(heard: CallReport['heard'] | null = null): Map<string, CallReport[]> {
    const legs = new Map<string, CallReport[]>()
    for (const piece of this.calls) {
      if (heard !== null && piece.heard !== heard) continue
      const held = legs.get(piece.leg)
      if (held === undefined) legs.set(piece.leg, [piece])
      else held.push(piece)
    }
    return legs
  }

  /** Keys that begin so. */
  count(prefix: string): number {
    return [...this.messages.keys()].filter((key) => key.startsWith(prefix)).length
  }
}

export interface Stage {
  readonly adapter: Adapter
  readonly shelf: Shelf
  readonly links: Link[]
}

/** An adapter on a shelf; stopped with its test. */
export function stageOf<Options>(t: Test, kind: AdapterKind<Options>, options: unknown, shelf = new Shelf()): Stage {
  const parsed = kind.options.parse(options)
  const links: Link[] = []
  const http = Fastify()
  const adapter = kind.create(parsed, {
    name: 'pbx',
    accept: (message) => shelf.accept(message, (received) => kind.decode(received, parsed)),
    report: (link) => links.push(link),
    arrived: () => {},
    refused: () => {},
    http,
    log: pino({ level: 'silent' }),
  })
  t.teardown(async () => {
    await adapter.stop()
    await http.close()
  })
  return { adapter, shelf, links }
}

export const secretWord = 'a secret of tests'

export function amiStage(t: Test, options: Partial<AmiOptions> | Record<string, unknown>, shelf?: Shelf): Stage {
  const given = { username: 'gateway', secret: secretWord, exchange: 'pbx', timeZone: 'UTC', ...options }
  return stageOf(t, asteriskAmi, given, shelf)
}

export function cdrStage(t: Test, options: Record<string, unknown>, shelf?: Shelf): Stage {
  const given = { exchange: 'pbx', timeZone: 'UTC', pollEvery: '50ms', ...options }
  return stageOf(t, asteriskCdr, given, shelf)
}

export const amiDefaults = amiOptions.parse({ username: 'gateway', secret: secretWord, timeZone: 'UTC' })

/** Waits until it holds; rejects with its name after so long. */
export async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
