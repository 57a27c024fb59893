import { execFileSync } from 'node:child_process'
import Fastify from 'fastify'
import { pino } from 'pino'
import { createNmea, nmea } from '../adapters/nmea/adapter.ts'
import { Assembly, type Outcome } from '../adapters/nmea/assembly.ts'
import { type Clock, systemClock } from '../adapters/nmea/clock.ts'
import type { AdapterContext, Inbound, Link, Receipt } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { MalformedReport, PositionReport, Report } from '../gateway/report.ts'

export const noon = new Date('2026-05-31T12:00:00Z')

/** Writes the checksum and the line end that a body lacks. */
export function line(body: string): string {
  let sum = 0
  for (const char of body) sum ^= char.charCodeAt(0)
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`
}

/** What the store would hold: each message with its reports, or the error that makes it a dead letter. */
export interface Landed {
  readonly message: Inbound
  readonly reports: readonly Report[]
  readonly code: string | null
}

export function land(message: Inbound, receivedAt = noon, checksum: 'required' | 'optional' = 'required'): Landed {
  const options = nmea.options.parse({ transport: 'udp', subject: { by: 'fixed', id: 'x' }, checksum })
  try {
    return { message, reports: nmea.decode({ ...message, receivedAt }, options), code: null }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { message, reports: [], code: error.code }
  }
}

/** Bytes of one link, in one piece or in several, to messages. */
export function assemble(chunks: readonly Uint8Array[], now = noon, checksum: 'required' | 'optional' = 'required') {
  const assembly = new Assembly({ subject: 'v-001' }, '192.0.2.1', checksum)
  const outcomes: Outcome[] = chunks.flatMap((chunk) => assembly.push(chunk, now))
  return [...outcomes, ...assembly.end(now)].map(({ message }) => message)
}

export function landed(text: string | Uint8Array, now = noon): Landed[] {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return assemble([bytes], now).map((message) => land(message, now))
}

export function positions(landed: readonly Landed[]): PositionReport[] {
  return landed.flatMap(({ reports }) => reports).filter((report) => report.kind === 'position')
}

export function malformed(landed: readonly Landed[]): MalformedReport[] {
  return landed.flatMap(({ reports }) => reports).filter((report) => report.kind === 'malformed')
}

/** A gateway's side of the contract that keeps everything it is told. */
export class Stage {
  readonly accepted: Inbound[] = []
  readonly links: Link[] = []
  readonly refusals: { readonly reason: string; readonly fields: Record<string, unknown> }[] = []
  answer: (message: Inbound) => Promise<Receipt> = async () => 'stored'
  readonly context: AdapterContext = {
    name: 'nmea-under-test',
    accept: (message) => {
      this.accepted.push(message)
      return this.answer(message)
    },
    report: (link) => this.links.push(link),
    arrived: () => {},
    refused: (reason, fields) => this.refusals.push({ reason, fields }),
    http: Fastify(),
    log: pino({ level: 'silent' }),
  }

  adapter(options: unknown, clock: Clock = systemClock) {
    return createNmea(nmea.options.parse(options), this.context, clock)
  }

  /** The port of the listener that was reported last. */
  get port(): number {
    const link = this.links.findLast(({ state }) => state === 'listening')
    if (link?.state !== 'listening') throw new Error('nothing is listening')
    return Number(link.at.slice(link.at.lastIndexOf(':') + 1))
  }

  positions(): PositionReport[] {
    return positions(this.accepted.map((message) => land(message)))
  }
}

/** Waits until the condition holds; rejects with its name after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A clock that stands still until it is told. */
export class HandClock implements Clock {
  #now = noon
  readonly #due = new Map<() => void, number>()

  now(): Date {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const entry = () => run()
    this.#due.set(entry, this.#now.getTime() + ms)
    return () => this.#due.delete(entry)
  }

  pass(ms: number): void {
    this.#now = new Date(this.#now.getTime() + ms)
    for (const [run, at] of [...this.#due]) {
      if (at > this.#now.getTime() || !this.#due.delete(run)) continue
      run()
    }
  }
}

/** Is a program of the system there? */
export function have(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
