import Fastify from 'fastify'
import { pino } from 'pino'
import { modbus } from '../adapters/modbus/adapter.ts'
import type { ModbusOptions } from '../adapters/modbus/options.ts'
import type { Adapter, AdapterContext, Inbound, Link, Receipt } from '../gateway/adapter.ts'
import type { PointReading, ReadingReport } from '../gateway/report.ts'

/** A gateway's side of the contract that keeps what it is told, with each message read at once. */
export class Stage {
  readonly options: ModbusOptions
  readonly adapter: Adapter
  readonly messages: Inbound[] = []
  readonly reports: ReadingReport[] = []
  readonly links: Link[] = []
  readonly refusals: string[] = []
  /** Asked for every message. */
  refuse: () => boolean = () => false
  waiting = 0
  held: Promise<void> = Promise.resolve()
  readonly #context: AdapterContext = {
    name: 'bus',
    accept: async (message): Promise<Receipt> => {
      this.waiting++
      await this.held
      this.waiting--
      if (this.refuse()) throw new Error('the test says so')
      this.messages.push(message)
      for (const report of modbus.decode({ ...message, receivedAt: new Date() }, this.options))
        if (report.kind === 'reading') this.reports.push(report)
      return 'stored'
    },
    report: (link) => this.links.push(link),
    arrived: () => {},
    refused: (reason) => this.refusals.push(reason),
    http: Fastify(),
    log: pino({ level: 'silent' }),
  }

  constructor(options: unknown) {
    this.options = modbus.options.parse(options)
    this.adapter = modbus.create(this.options, this.#context)
  }

  /** Every reading of a point, in order. */
  readings(subject: string, point: string): PointReading[] {
    return this.reports.flatMap((report) =>
      report.subject === subject ? report.points.filter((one) => one.point === point) : [],
    )
  }

  last(subject: string, point: string): PointReading | null {
    return this.readings(subject, point).at(-1) ?? null
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

/** A unit with one level in centimetres, and a pump's switch. */
export const levelMap = (more: Record<string, unknown> = {}) => ({
  points: [
    {
      ...{ point: 'level', function: 'holding', address: 10, type: 's16', scale: 0.01, unit: 'm', none: [-32768] },
      alarms: [{ event: 'high', above: 3, hysteresis: 0.2 }],
      ...more,
    },
    { point: 'pump', function: 'coil', address: 3 },
  ],
})

export const level = { table: 'holding', address: 10, type: 's16', scale: 0.01 } as const
export const pump = { table: 'coil', address: 3 } as const
