import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Inbound, Receipt } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import { usualStorm } from '../gateway/incidents/storm.ts'
import type { Source } from '../gateway/intake/arrival.ts'
import { type Desk, MemoryCache, Redeliveries } from '../gateway/intake/commit.ts'
import { Intake } from '../gateway/intake/intake.ts'
import type { Understanding } from '../gateway/intake/understand.ts'
import type { Named } from '../gateway/relay/post.ts'
import type { Report } from '../gateway/report.ts'
import { Attachments } from '../gateway/store/attachments.ts'
import type { Database } from '../gateway/store/database.ts'
import { defaultLimits } from '../gateway/triage/triage.ts'
import { silent } from './database.ts'
import { smallCity } from './small-city.ts'

/** A gateway's intake on a database, with a source whose messages mean what the test says they mean. */
export class IntakeStage {
  readonly intake: Intake
  readonly desk: Desk
  readonly source: Source
  readonly batches: number[] = []
  readonly #meanings = new Map<string, () => readonly Report[]>()

  private constructor(
    database: Database,
    folder: string,
    gateway: string,
    destinations: readonly Named[],
    maxWaiting: number,
    how: Partial<Understanding>,
  ) {
    this.desk = {
      pool: database.pool,
      attachments: new Attachments(join(folder, 'attachments')),
      gateway,
      memories: new MemoryCache(),
      redeliveries: new Redeliveries(),
      namedStatements: database.kind === 'server',
      understanding: () => ({
        city: smallCity,
        limits: defaultLimits,
        destinations,
        portTakers: new Map([[2948, 'fetcher']]),
        storm: usualStorm,
        eventSource: `/chengguan/${gateway}`,
        ...how,
      }),
    }
    this.source = {
      adapter: 'tested',
      channel: 'test',
      keyScope: 'tested',
      decode: ({ raw }) => {
        const meaning = this.#meanings.get(Buffer.from(raw).toString('utf8'))
        if (meaning === undefined) throw new GatewayError('DECODE_SYNTAX', 'the test gave it no meaning')
        return [...meaning()]
      },
    }
    this.intake = new Intake(
      this.desk,
      { batch: 1000, batchBytes: 1_000_000, maxWaiting, maxWaitingBytes: 10_000_000 },
      silent,
      {
        committed: (messages) => this.batches.push(messages),
        failed: () => {},
      },
    )
  }

  static async open(
    t: Test,
    database: Database,
    options: {
      gateway?: string
      destinations?: readonly Named[]
      maxWaiting?: number
      how?: Partial<Understanding>
    } = {},
  ): Promise<IntakeStage> {
    const folder = await mkdtemp(join(tmpdir(), 'chengguan-intake-'))
    const stage = new IntakeStage(
      database,
      folder,
      options.gateway ?? 'one',
      options.destinations ?? [toCore],
      options.maxWaiting ?? 20_000,
      options.how ?? {},
    )
    t.teardown(async () => {
      await stage.intake.stop()
      await rm(folder, { recursive: true, force: true })
    })
    return stage
  }

  /** From now on a message with these bytes says this. */
  mean(raw: string, meaning: readonly Report[] | (() => readonly Report[])): void {
    this.#meanings.set(raw, typeof meaning === 'function' ? meaning : () => meaning)
  }

  message(raw: string, key = raw): Inbound {
    return { key, raw: Buffer.from(raw), envelope: { said: raw } }
  }

  accept(raw: string, key = raw): Promise<Receipt> {
    return this.intake.accept(this.source, this.message(raw, key))
  }

  /** Says something new and takes it in. */
  say(raw: string, ...reports: Report[]): Promise<Receipt> {
    this.mean(raw, reports)
    return this.accept(raw)
  }
}

export const toCore: Named = {
  name: 'core',
  filter: {
    types: ['case-intent', 'delivery', 'answer', 'position', 'incident', 'call'],
    districts: [],
    purposes: [],
    urgencies: [],
  },
}
