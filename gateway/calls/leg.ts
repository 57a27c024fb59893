import type { CallEnding, CallReport } from '../report.ts'
import type { Heard, LegFacts } from './facts.ts'

/** One leg as it is read from its facts: the record's word over the live one, and what contradicts stands in `remarks`. */
export interface Leg {
  readonly leg: string
  readonly call: string
  readonly direction: CallReport['direction']
  readonly caller: string | null
  readonly called: string | null
  readonly seat: string | null
  readonly digits: string | null
  readonly startedAt: string | null
  readonly ringingAt: string | null
  readonly answeredAt: string | null
  readonly endedAt: string | null
  readonly ending: CallEnding | null
  readonly cause: string | null
  readonly recording: string | null
  readonly heard: 'both' | Heard
  readonly remarks: readonly { readonly reason: string; readonly detail: string }[]
}

/** Clocks of a record and of a live event are one clock, but written down at moments a little apart. */
const apartMs = 5_000

/** Where a leg has several, the first of these holds. */
const endings = ['answered', 'refused', 'busy', 'abandoned', 'no-answer', 'failed'] as const

/** What is said under one name, by who says it. */
class Said {
  readonly #values = new Map<string, string[]>()
  readonly remarks: { reason: string; detail: string }[] = []

  constructor(facts: ReadonlySet<string>) {
    for (const line of [...facts].sort()) {
      const [heard = '', field = '', ...value] = line.split(' ')
      const key = `${heard} ${field}`
      this.#values.set(key, [...(this.#values.get(key) ?? []), value.join(' ')])
    }
  }

  all(heard: Heard, field: string): readonly string[] {
    return this.#values.get(`${heard} ${field}`) ?? []
  }

  text(field: string): string | null {
    const [record, live] = [this.all('record', field), this.all('live', field)]
    if (record.length > 0 && live.length > 0 && !record.some((one) => live.includes(one)))
      this.#contradiction(field, record, live)
    return record[0] ?? live[0] ?? null
  }

  /** Of several records of one leg, one for each seat that it was put through to, an answer among them holds. */
  ending(): CallEnding | null {
    const best = (heard: Heard) => endings.find((one) => this.all(heard, 'ending').includes(one)) ?? null
    const [record, live] = [best('record'), best('live')]
    if (record === null || live === null || record === live) return record ?? live
    // A record does not tell a caller who gave up from a seat that did not answer.
    if (record === 'no-answer' && live === 'abandoned') return live
    this.#contradiction('ending', [record], [live])
    return record
  }

  /** The earliest of what is said, of an end the latest: what rings twice rang first. */
  time(field: string, last = false): string | null {
    const [record, live] = [this.all('record', field), this.all('live', field)]
    const of = (times: readonly string[]) => (last ? times.at(-1) : times[0]) ?? null
    const [recorded, heard] = [of(record), of(live)]
    if (recorded !== null && heard !== null && Math.abs(Date.parse(recorded) - Date.parse(heard)) > apartMs)
      this.#contradiction(field, [recorded], [heard])
    return recorded ?? heard
  }

  /** Given at once, or one by one in their order. */
  digits(): string | null {
    const whole = (heard: Heard) => [...this.all(heard, 'digits')].sort((a, b) => b.length - a.length)[0]
    const pressed = new Map<string, string>()
    for (const heard of ['live', 'record'] as const)
      for (const each of this.all(heard, 'digit')) {
        const end = each.indexOf(' ')
        pressed.set(each.slice(0, end), each.slice(end + 1))
      }
    const inOrder = [...pressed].sort(([a], [b]) => byOrder(a, b)).map(([, key]) => key)
    const single = inOrder.length === 0 ? null : inOrder.join('')
    const given = whole('record') ?? whole('live')
    if (given !== undefined && single !== null && given !== single)
      this.remarks.push({ reason: 'contradiction', detail: `digits: ${given}, one by one ${single}` })
    return given ?? single
  }

  #contradiction(field: string, record: readonly string[], live: readonly string[]): void {
    const words = [
      ...(record.length > 0 ? [`record ${record.join(', ')}`] : []),
      ...(live.length > 0 ? [`live ${live.join(', ')}`] : []),
    ]
    this.remarks.push({ reason: 'contradiction', detail: `${field}: ${words.join('; ')}` })
  }
}

/** Numbers by their size, anything else by its letters. */
function byOrder(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b) && a.length !== b.length) return a.length - b.length
  return a < b ? -1 : 1
}

export function legOf({ leg, call, facts, heardLiveAt, heardRecordAt }: LegFacts): Leg {
  const said = new Said(facts)
  for (const heard of ['record', 'live'] as const)
    for (const line of said.all(heard, 'impossible')) {
      const [reason = '', ...detail] = line.split(' ')
      said.remarks.push({ reason, detail: detail.join(' ') })
    }
  return {
    ...{ leg, call },
    direction: said.text('direction') as Leg['direction'],
    caller: said.text('caller'),
    called: said.text('called'),
    seat: said.text('seat'),
    digits: said.digits(),
    startedAt: said.time('startedAt'),
    ringingAt: said.time('ringingAt'),
    answeredAt: said.time('answeredAt'),
    endedAt: said.time('endedAt', true),
    ending: said.ending(),
    cause: said.text('cause'),
    recording: said.text('recording'),
    heard: heardRecordAt === null ? 'live' : heardLiveAt === null ? 'record' : 'both',
    remarks: said.remarks,
  }
}
