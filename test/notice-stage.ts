import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { OutboundText, Submitted, TextSender } from '../gateway/adapter.ts'
import { usualStorm } from '../gateway/incidents/storm.ts'
import type { Understanding } from '../gateway/intake/understand.ts'
import { NoticeOffice, type OfficeOptions } from '../gateway/notices/office.ts'
import type { NoticeRequest } from '../gateway/notices/request.ts'
import type { NoticeRules } from '../gateway/notices/rules.ts'
import type { NoticeState } from '../gateway/notices/state.ts'
import type { DeliveryReport, DeliveryState } from '../gateway/report.ts'
import { Attachments } from '../gateway/store/attachments.ts'
import type { Database } from '../gateway/store/database.ts'
import { defaultLimits } from '../gateway/triage/triage.ts'
import { silent } from './database.ts'
import { toCore } from './intake-stage.ts'
import { smallCity } from './small-city.ts'

export const how = (): Understanding => ({
  city: smallCity,
  limits: defaultLimits,
  destinations: [toCore],
  portTakers: new Map<number, string>(),
  storm: usualStorm,
  eventSource: '/chengguan/test',
})

export const rules: NoticeRules = {
  quietHours: null,
  dailyCap: 0,
  country: '86',
  expiresMs: { citizen: 86_400_000, collector: 86_400_000, department: 86_400_000 },
  routes: {
    citizen: [{ by: 'text', adapter: null, kind: null, afterMs: null }],
    collector: [
      { by: 'device', adapter: null, kind: null, afterMs: 600_000 },
      { by: 'text', adapter: null, kind: null, afterMs: null },
    ],
    department: [{ by: 'text', adapter: null, kind: null, afterMs: null }],
  },
}

export interface Part {
  readonly id: string
  readonly to: string
  readonly number: number
  readonly of: number
  readonly text: string
  readonly whole: OutboundText
}

/** A message centre in memory: parts of ten characters, and what becomes of each as the test says. */
export class Centre implements TextSender {
  readonly account: string
  readonly medium: 'sms' | 'mms'
  perSecond = 0
  window = 16
  ready = true
  /** Everything that left, in order, with its time. */
  readonly sent: { readonly part: Part; readonly atMs: number }[] = []
  #ids = 0
  answer: (part: Part) => Promise<Submitted> = async (part) => this.take(part)

  constructor(account = 'sp1', medium: 'sms' | 'mms' = 'sms') {
    this.account = account
    this.medium = medium
  }

  take(_part: Part): Submitted {
    return { outcome: 'accepted', messageId: `${this.account}-${++this.#ids}` }
  }

  parts(whole: OutboundText): readonly Part[] {
    const texts = whole.text.match(/.{1,10}/gsu) ?? []
    return texts.map((text, i) => ({ id: whole.id, to: whole.to, number: i + 1, of: texts.length, text, whole }))
  }

  reference(part: unknown): number | null {
    return (part as Part).whole.text.startsWith('#') ? Number.parseInt((part as Part).id.slice(-4), 16) : null
  }

  submit(part: unknown): Promise<Submitted> {
    this.sent.push({ part: part as Part, atMs: performance.now() })
    return this.answer(part as Part)
  }

  texts(): string[] {
    return this.sent.map(({ part }) => part.text)
  }
}

export function attachmentsIn(t: Test): Attachments {
  const folder = mkdtempSync(join(tmpdir(), 'chengguan-attachments-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return new Attachments(folder)
}

export interface Opened {
  readonly office: NoticeOffice
  wakeUps(): number
  /** Parts by outcome, as metrics count them. */
  readonly counted: Map<string, number>
}

export function openOffice(
  t: Test,
  { pool, kind }: Database,
  options: Partial<Omit<OfficeOptions, 'texts' | 'senders'>> & {
    readonly texts?: Readonly<Record<string, Centre>>
    readonly devices?: Readonly<
      Record<string, Pick<OfficeOptions['senders'] extends ReadonlyMap<string, infer S> ? S & object : never, 'send'>>
    >
  } = {},
): Opened {
  let wakeUps = 0
  const counted = new Map<string, number>()
  const { texts = {}, devices = {}, ...rest } = options
  const office = new NoticeOffice({
    pool,
    gateway: 'one',
    namedStatements: kind === 'server',
    shared: true,
    log: silent,
    rules,
    understanding: how,
    posted: () => wakeUps++,
    attachments: attachmentsIn(t),
    now: Date.now,
    submitted: (account, outcome) => {
      const key = `${account} ${outcome}`
      counted.set(key, (counted.get(key) ?? 0) + 1)
    },
    ...rest,
    senders: new Map(
      Object.entries(devices).map(([name, device]) => [name, { kind: 'mqtt-broker', send: device.send }]),
    ),
    texts: new Map(Object.entries(texts).map(([name, centre]) => [name, { kind: 'smpp', texts: centre }])),
  })
  office.start()
  t.teardown(() => office.stop())
  return { office, wakeUps: () => wakeUps, counted }
}

export const citizen = '13800138000'
export const citizenUri = `tel:+86${citizen}`

/** A text to the citizen, unless it says otherwise. */
export function textTo(n: number, changes: Partial<NoticeRequest> = {}): NoticeRequest {
  return {
    idempotencyKey: `text-${n}`,
    to: { subscriber: citizen },
    adapter: null,
    kind: 'notice',
    body: null,
    text: `text ${n}`,
    template: null,
    fields: {},
    urgent: false,
    expiresAt: null,
    intentId: null,
    caseNumber: null,
    media: [],
    ...changes,
  }
}

export function dlr(
  messageId: string,
  state: DeliveryState | null,
  changes: Partial<DeliveryReport> = {},
): DeliveryReport {
  return {
    kind: 'delivery',
    subject: citizenUri,
    deviceTime: null,
    account: 'sp1',
    messageIds: [messageId],
    state,
    error: null,
    reference: null,
    ...changes,
  }
}

/** The states of a notice in order, and the one it is in. */
export async function story({ pool }: Database, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ state: string; leg: number; now: string }>(
    `SELECT s.state, s.leg, n.state AS now FROM notice_state s JOIN notice n ON n.id = s.notice_id
     WHERE n.id = $1 ORDER BY s.seq`,
    [id],
  )
  return [...rows.map(({ state, leg }) => (leg === 0 ? state : `${leg}:${state}`)), `is ${rows[0]?.now}`]
}

/** States that the core is told of a notice, in order. */
export async function told({ pool }: Database, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ state: string }>(
    `SELECT body::jsonb #>> '{data,state}' AS state FROM outbox WHERE ordering_key = $1 ORDER BY seq`,
    [id],
  )
  return rows.map(({ state }) => state)
}

export async function reaches(database: Database, id: string, state: NoticeState): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const said = await story(database, id)
    if (said.at(-1) === `is ${state}`) return
    if (Date.now() > deadline) throw new Error(`${id} is never ${state}: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Every row of the outbox is counted in the ledger, and none twice. */
export async function ledgerAddsUp({ pool }: Database): Promise<boolean> {
  const { rows } = await pool.query<{ same: boolean }>(
    `SELECT (SELECT count(*) FROM outbox) = (SELECT COALESCE(sum(n), 0) FROM tally WHERE what = 'outbox') AS same`,
  )
  return rows[0]?.same ?? false
}

export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
