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
    const pending = new Gauge({
      name: 'chengguan_outbox_pending',
      help: 'events waiting by destination',
      labelNames: ['destination'],
      registers: [registry],
    })
    new Gauge({
      name: 'chengguan_outbox_age_seconds',
      help: 'age of the oldest waiting event by destination',
      labelNames: ['destination'],
      registers: [registry],
      async collect() {
        this.reset()
        pending.reset()
        // Without the database these two are absent, and all the others are still served.
        for (const { destination, pending: n, ageS } of await outboxAges().catch(() => [])) {
          this.set({ destination }, ageS)
          pending.set({ destination }, n)
        }
      },
    })
    this.#watchNotices(notices)
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
  }

  #watchNotices(notices: () => Promise<NoticeGauges>): void {
    const { registry } = this
    const operator = new Gauge({
      name: 'chengguan_notices_operator',
      help: 'notices that an operator is to see to: in doubt, or listed',
      labelNames: ['state'],
      registers: [registry],
    })
    new Gauge({
      name: 'chengguan_texts_age_seconds',
      help: 'age of the oldest text that is due, by adapter',
      labelNames: ['adapter'],
      registers: [registry],
      async collect() {
        this.reset()
        operator.reset()
        const now = await notices().catch(() => null)
        if (now === null) return
        operator.set({ state: 'in-doubt' }, now.inDoubt)
        operator.set({ state: 'listed' }, now.listed)
        for (const { adapter, ageS } of now.oldest) this.set({ adapter }, ageS)
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
