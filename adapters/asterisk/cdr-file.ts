import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Adapter, AdapterContext, AdapterKind, Inbound, Received } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { timesOf } from '../../gateway/web/zoned-time.ts'
import { filesSince, linesOf } from './archive.ts'
import { textOf } from './block.ts'
import { type CdrRecord, cdrReport } from './cdr-record.ts'
import { readCsv } from './csv.ts'
import { type CdrOptions, cdrOptions } from './csv-options.ts'
import { FollowedFile } from './follow.ts'
import { cdrKey, unreadKey } from './identity.ts'
import type { Line } from './lines.ts'

/** `kind: asterisk-cdr`: the exchange's own record of every call, followed as it grows and read again on request. */
export const asteriskCdr: AdapterKind<CdrOptions> = {
  kind: 'asterisk-cdr',
  channel: 'call',
  options: cdrOptions,
  decode,
  keyScope: ({ exchange }) => (exchange === undefined ? null : `asterisk:${exchange}`),
  create: (options, context) => new CdrFile(options, context),
}

function decode({ raw, envelope }: Received, options: CdrOptions): Report[] {
  const { exchange = '', cut } = envelope
  if (cut !== undefined)
    throw new GatewayError('DECODE_TOO_LARGE', `cdr file: a line that begins ${quote(textOf(raw))}`)
  return [cdrReport(readCsv(raw, options.columns), exchange, options)]
}

/** Lines that are being stored at a time: one commit takes them all. */
const window = 512

/** No zone is further from UTC. */
const widestZoneMs = 14 * 3_600_000

/**
 * Nothing of it is remembered here: after a start the file's end is read again, and what is stored is a duplicate. A line
 * that could not be stored is read again a moment later.
 */
class CdrFile implements Adapter {
  readonly #options: CdrOptions
  readonly #context: AdapterContext
  readonly exchange: string
  #stopping = new AbortController()
  #following: Promise<void> | null = null
  readonly #recalls = new Map<AbortController, Promise<void>>()

  constructor(options: CdrOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.exchange = options.exchange ?? context.name
  }

  async start(): Promise<void> {
    const { file, reread, timeZone } = this.#options
    await this.#end()
    const stopping = new AbortController()
    this.#stopping = stopping
    const { signal } = stopping
    const folder = await stat(dirname(file)).catch((cause: unknown) => {
      throw new GatewayError('LINK_CONNECT', `cdr file ${file}: ${describe(cause)}`, { cause })
    })
    if (!folder.isDirectory()) throw new GatewayError('LINK_CONNECT', `cdr file ${file}: no folder`)
    if (timeZone === null) this.#context.log.warn({ file }, 'no timeZone: the times of these records are not known')
    const followed = new FollowedFile(file, reread)
    await followed.open().catch((cause: unknown) => {
      throw new GatewayError('LINK_CONNECT', `cdr file ${file}: ${describe(cause)}`, { cause })
    })
    if (signal.aborted) {
      await followed.close()
      throw new GatewayError('LINK_CONNECT', `cdr file ${file}: stopped meanwhile`)
    }
    this.#following = this.#follow(followed, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#context.report({ state: 'down', reason: describe(error) })
      })
      .finally(() => followed.close())
    this.#context.report({ state: 'connected', to: `file://${file}` })
  }

  async stop(): Promise<void> {
    const running = this.#following !== null
    await this.#end()
    if (running) this.#context.report({ state: 'stopped' })
  }

  /** All of that time that is there, in the file and in those that were rotated. */
  async recall(from: Date, to: Date): Promise<void> {
    const ending = new AbortController()
    const asked = this.#recall(from, to, ending.signal)
    this.#recalls.set(
      ending,
      asked.catch(() => {}),
    )
    try {
      await asked
    } finally {
      this.#recalls.delete(ending)
    }
  }

  async #end(): Promise<void> {
    this.#stopping.abort()
    const following = this.#following
    this.#following = null
    for (const ending of this.#recalls.keys()) ending.abort()
    await Promise.all([following, ...this.#recalls.values()])
  }

  async #follow(followed: FollowedFile, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lines = await followed.next()
      const stored = lines.length > 0 && (await this.#store(lines, signal))
      if (stored) followed.taken()
      else await until(signal, this.#options.pollEvery)
    }
  }

  async #store(lines: readonly Line[], signal: AbortSignal): Promise<boolean> {
    for (let at = 0; at < lines.length && !signal.aborted; at += window) {
      const handed = lines.slice(at, at + window).map((line) => this.#context.accept(this.#inbound(line)))
      const settled = await Promise.allSettled(handed)
      const refused = settled.find(({ status }) => status === 'rejected')
      if (refused?.status === 'rejected') {
        this.#context.log.debug({ reason: describe(refused.reason) }, 'cdr lines not stored yet')
        return false
      }
    }
    return !signal.aborted
  }

  #inbound({ kind, bytes }: Line): Inbound {
    const envelope = { exchange: this.exchange, ...(kind === 'too-long' ? { cut: 'long' } : {}) }
    const record = kind === 'line' ? this.#read(bytes) : null
    return { key: record === null ? unreadKey(bytes) : cdrKey(record), raw: bytes, envelope }
  }

  /** `null`: it cannot be read; decode says why, on the dead letter. */
  #read(bytes: Uint8Array): CdrRecord | null {
    try {
      return readCsv(bytes, this.#options.columns)
    } catch {
      return null
    }
  }

  async #recall(from: Date, to: Date, signal: AbortSignal): Promise<void> {
    let held: Line[] = []
    for (const path of await filesSince(this.#options.file, from)) {
      for await (const line of linesOf(path)) {
        if (!this.#isOf(line, from, to)) continue
        held.push(line)
        if (held.length < window) continue
        await this.#hand(held)
        held = []
        if (signal.aborted) throw new GatewayError('LINK_LOST', 'cdr file: stopped meanwhile')
      }
    }
    await this.#hand(held)
  }

  async #hand(lines: readonly Line[]): Promise<void> {
    const settled = await Promise.allSettled(lines.map((line) => this.#context.accept(this.#inbound(line))))
    for (const one of settled) if (one.status === 'rejected') throw one.reason
  }

  /** What tells no time is of any. Without a zone it may be any zone's. */
  #isOf({ kind, bytes }: Line, from: Date, to: Date): boolean {
    const record = kind === 'line' ? this.#read(bytes) : null
    if (record === null) return true
    const { timeZone } = this.#options
    const slackMs = timeZone === null ? widestZoneMs : 0
    const times = timesOf(timeZone ?? 'UTC')
    const began = record.start === null ? null : times.instant(record.start)
    const ended = record.end === null ? null : times.instant(record.end)
    const first = began ?? ended
    const last = ended ?? began
    if (first === null || last === null) return true
    // Times are cut to the second: what ended at 8:00:30 may have ended at 8:00:30.9.
    return last.getTime() + 999 + slackMs >= from.getTime() && first.getTime() - slackMs <= to.getTime()
  }
}

function until(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
