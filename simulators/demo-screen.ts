import { maskedSubscriber } from '../gateway/subscriber.ts'
import type { CoreEvent, SimulatedCore } from './core.ts'
import type { People } from './demo.ts'

interface LedgerAnswer {
  readonly channels: readonly {
    readonly adapter: string
    readonly received: number
    readonly duplicate: number
    readonly filtered: Record<string, number>
  }[]
  readonly destinations: readonly {
    readonly destination: string
    readonly delivered: number
    readonly pending: number
  }[]
}

/** A line that updates in place on a terminal, the newest intent and the newest text to a citizen below it; a plain line every five seconds where there is none. */
export class DemoScreen {
  readonly #terminal = process.stdout.isTTY
  #shown = 0
  #lastLines = ''

  get everyMs(): number {
    return this.#terminal ? 500 : 5000
  }

  say(line: string): void {
    this.#clear()
    process.stdout.write(`${line}\n`)
  }

  progress(elapsedMs: number, ledger: LedgerAnswer, core: SimulatedCore, { fleet, phones }: People): void {
    const received = ledger.channels.map(({ adapter, received: n }) => `${adapter} ${count(n)}`).join('  ')
    const sum = (key: 'delivered' | 'pending') => ledger.destinations.reduce((total, row) => total + row[key], 0)
    const duplicates = ledger.channels.reduce((total, row) => total + row.duplicate, 0)
    const seconds = Math.floor(elapsedMs / 1000)
    const clock = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
    const line =
      `${clock}  in: ${received} (${count(duplicates)} repeated)  ` +
      `intents at the core: ${count(core.count('case-intent'))}  events: ${count(sum('delivered'))} delivered, ${count(sum('pending'))} waiting  ` +
      `connected: ${fleet.connected}  texts to citizens: ${count(phones.answers)}`
    const newest = [lastIntent(core), phones.lastAnswer === '' ? '' : `短信  ${phones.lastAnswer}`].filter(
      (line) => line !== '',
    )
    if (this.#terminal) {
      this.#clear()
      const width = process.stdout.columns ?? 80
      process.stdout.write(line.slice(0, width - 1))
      this.#shown = 1
      for (const one of newest) process.stdout.write(`\n  ${one}`)
      this.#shown = 1 + newest.length
      return
    }
    process.stdout.write(`${line}\n`)
    const lines = newest.map((one) => `       ${one}\n`).join('')
    if (lines !== this.#lastLines) process.stdout.write(lines)
    this.#lastLines = lines
  }

  end(): void {
    if (this.#shown > 0) process.stdout.write('\n')
    this.#shown = 0
  }

  #clear(): void {
    if (this.#shown === 0) return
    process.stdout.write('\r\x1b[2K')
    for (let line = 1; line < this.#shown; line++) process.stdout.write('\x1b[1A\x1b[2K')
    this.#shown = 0
  }
}

const count = (n: number) => n.toLocaleString('en-US')

interface Shown {
  readonly category: { readonly zh: string }
  readonly text: string | null
  readonly reporter: { readonly id: string; readonly name: string | null }
  readonly location: {
    readonly grid: string | null
    readonly community: { readonly name: string } | null
    readonly street: { readonly name: string } | null
  } | null
}

/** The newest case intent in one line, as an operator would read it out. */
function lastIntent(core: SimulatedCore): string {
  let newest: CoreEvent | null = null
  for (const event of core.events.values()) if (event.type === 'chengguan.case-intent.v1') newest = event
  if (newest === null) return ''
  const { category, text, reporter, location } = newest.data as unknown as Shown
  const place = [location?.street?.name, location?.community?.name, location?.grid].filter((part) => part).join(' ')
  const words = (text ?? '').replace(/\s+/g, ' ')
  const who = reporter.name ?? (reporter.id.startsWith('tel:') ? maskedSubscriber(reporter.id) : reporter.id)
  return `案卷意图  ${category.zh}  「${words.length > 40 ? `${words.slice(0, 40)}…` : words}」  ${place}  ${who}`
}
