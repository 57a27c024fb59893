import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { IntakeObserver } from './intake/intake.ts'
import type { RelayObserver } from './relay/relay.ts'
import type { Supervisor } from './supervisor.ts'

/** How the way back stands. */
export interface NoticeGauges {
  readonly inDoubt: number
  readonly listed: number
  readonly oldest: readonly { readonly adapter: string; readonly ageS: number }[]
}

/** How incidents stand. */
export interface IncidentGauges {
  readonly open: readonly { readonly flag: string; readonly n: number }[]
  readonly totals: readonly { readonly outcome: string; readonly n: number }[]
}

/** How calls stand. */
export interface CallGauges {
  readonly calls: readonly { readonly ending: string; readonly heard: string; readonly n: number }[]
  readonly forms: readonly { readonly outcome: string; readonly n: number }[]
}

/** What `/metrics` shows, in Prometheus' text format. Rates are counters here, never log lines. */
export class Metrics {
  readonly registry = new Registry()
  readonly #messages = this.#counter('messages_total', 'messages by adapter and what became of them', [
    'adapter',
    'outcome',
  ])
  readonly #turnedAway = this.#counter('refused_total', 'peers and frames turned away', ['adapter', 'reason'])
  readonly #events = this.#counter('events_total', 'events by destination and outcome', ['destination', 'outcome'])
  readonly #texts = this.#counter('texts_total', 'parts of texts handed in, by account and what became of that', [
    'account',
    'outcome',
  ])
  readonly #recalls = this.#counter('call_recalls_total', 'times an exchange was asked for its records', [
    'adapter',
    'outcome',
  ])
  readonly #commit = this.#histogram(
    'commit_seconds',
    'time a batch takes to be stored',
    [],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  )
  readonly #batch = this.#histogram('commit_messages', 'messages in a batch', [], [1, 5, 25, 100, 250, 500, 1000])
  readonly #relay = this.#histogram(
    'relay_seconds',
    'from the commit of an event to its delivery',
    ['destination'],
    [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3600],
  )

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'chengguan_' })
  }

  readonly intake: IntakeObserver = {
    committed: (messages, seconds) => {
      this.#commit.observe(seconds)
      this.#batch.observe(messages)
    },
    failed: (messages) => this.#messages.inc({ adapter: '', outcome: 'refused' }, messages),
  }

  readonly relay: RelayObserver = {
    delivered: (destination, events) => {
      this.#events.inc({ destination, outcome: 'delivered' }, events.length)
      const now = Date.now()
      for (const { createdAt } of events) this.#relay.observe({ destination }, (now - createdAt.getTime()) / 1000)
    },
    dead: (destination, events) => this.#events.inc({ destination, outcome: 'dead' }, events),
    failed: (destination) => this.#events.inc({ destination, outcome: 'failed-attempt' }),
  }

  readonly submitted = (account: string, outcome: string): void => this.#texts.inc({ account, outcome })

  readonly recalled = (adapter: string, outcome: string): void => this.#recalls.inc({ adapter, outcome })

  accepted(adapter: string, outcome: string): void {
    this.#messages.inc({ adapter, outcome })
  }

  refused(adapter: string, reason: string): void {
    this.#turnedAway.inc({ adapter, reason })
  }

  /** Read when somebody looks: how much waits, how old the oldest waiting event is, which links are up. */
  watch(
    waiting: () => number,
    outboxAges: () => Promise<{ destination: string; pending: number; ageS: number }[]>,
    links: readonly Supervisor[],
    notices: () => Promise<NoticeGauges>,
    incidents: () => Promise<IncidentGauges>,
    calls: () => Promise<CallGauges>,
  ): void {
    const { registry } = this
    new Gauge({
      name: 'chengguan_intake_waiting',
      help: 'messages waiting to be stored',
      registers: [registry],
      collect() {
        this.set(waiting())
      },
    })
    // Without the database these are absent, and all the others are still served.
    const ages = shared(() => outboxAges().catch(() => []))
    this.#gauge('outbox_pending', 'events waiting by destination', ['destination'], async (gauge) => {
      for (const { destination, pending } of await ages()) gauge.set({ destination }, pending)
    })
    const ageHelp = 'age of the oldest waiting event by destination'
    this.#gauge('outbox_age_seconds', ageHelp, ['destination'], async (gauge) => {
      for (const { destination, ageS } of await ages()) gauge.set({ destination }, ageS)
    })
    this.#watchNotices(notices)
    this.#watchIncidents(incidents)
    this.#watchCalls(calls)
    new Gauge({
      name: 'chengguan_link_up',
      help: '1 while a listener or link is up',
      labelNames: ['adapter'],
      registers: [registry],
      collect() {
        for (const { name, link } of links)
          this.set({ adapter: name }, link.state === 'listening' || link.state === 'connected' ? 1 : 0)
      },
    })
    new Gauge({
      name: 'chengguan_link_elsewhere',
      help: '1 while another gateway has the lease of a link',
      labelNames: ['adapter'],
      registers: [registry],
      collect() {
        for (const { name, link } of links) this.set({ adapter: name }, link.state === 'elsewhere' ? 1 : 0)
      },
    })
  }

  #watchNotices(read: () => Promise<NoticeGauges>): void {
    const notices = shared(() => read().catch(() => null))
    const operatorHelp = 'notices that an operator is to see to: in doubt, or listed'
    this.#gauge('notices_operator', operatorHelp, ['state'], async (gauge) => {
      const now = await notices()
      if (now === null) return
      gauge.set({ state: 'in-doubt' }, now.inDoubt)
      gauge.set({ state: 'listed' }, now.listed)
    })
    this.#gauge('texts_age_seconds', 'age of the oldest text that is due, by adapter', ['adapter'], async (gauge) => {
      for (const { adapter, ageS } of (await notices())?.oldest ?? []) gauge.set({ adapter }, ageS)
    })
  }

  #watchIncidents(read: () => Promise<IncidentGauges>): void {
    const incidents = shared(() => read().catch(() => null))
    const openHelp = 'incidents of cameras and sensors that are not over, by flag; any: all of them'
    this.#gauge('incidents_open', openHelp, ['flag'], async (gauge) => {
      for (const { flag, n } of (await incidents())?.open ?? []) gauge.set({ flag }, n)
    })
    const everHelp = 'incidents ever, by outcome: opened under a rule, unmapped, merged into that of a storm'
    this.#gauge('incidents', everHelp, ['outcome'], async (gauge) => {
      for (const { outcome, n } of (await incidents())?.totals ?? []) gauge.set({ outcome }, n)
    })
  }

  #watchCalls(read: () => Promise<CallGauges>): void {
    const calls = shared(() => read().catch(() => null))
    const heardHelp = 'calls kept, by ending and by how they were heard: both ways, live alone, record alone'
    this.#gauge('calls', heardHelp, ['ending', 'heard'], async (gauge) => {
      for (const { ending, heard, n } of (await calls())?.calls ?? []) gauge.set({ ending, heard }, n)
    })
    const formHelp = 'forms of seats ever, by whether their call was known then'
    this.#gauge('call_forms', formHelp, ['outcome'], async (gauge) => {
      for (const { outcome, n } of (await calls())?.forms ?? []) gauge.set({ outcome }, n)
    })
  }

  /** One whose values are read from somewhere when somebody looks. */
  #gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => Promise<void>): void {
    new Gauge({
      name: `chengguan_${name}`,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        this.reset()
        await collect(this)
      },
    })
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `chengguan_${name}`, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    return new Histogram({ name: `chengguan_${name}`, help, labelNames, buckets, registers: [this.registry] })
  }
}

/** Gauges that are collected at once share one look; each waits for it, since all of them are printed as they are then. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => {
    running ??= read().finally(() => {
      running = null
    })
    return running
  }
}
