import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { MmsRetriever, mmsRetriever } from '../adapters/mms/retriever.ts'
import type { RetrieverOptions } from '../adapters/mms/retriever-options.ts'
import type { AdapterContext, Errand } from '../gateway/adapter.ts'
import type { TextReport } from '../gateway/report.ts'
import { type MmsToAnnounce, SimulatedMmsc } from '../simulators/mms-mmsc.ts'
import { ModelIntake } from './contract.ts'

/** A retriever on a model intake, and the MMSC that it may fetch from. */
export class RetrieverStage {
  readonly mmsc: SimulatedMmsc
  readonly options: RetrieverOptions
  readonly intake: ModelIntake
  readonly retriever: MmsRetriever
  #errands = 0

  private constructor(mmsc: SimulatedMmsc, options: RetrieverOptions) {
    this.mmsc = mmsc
    this.options = options
    this.intake = new ModelIntake((message) => mmsRetriever.decode(message, options))
    this.retriever = this.another()
  }

  static async open(t: Test, more: Record<string, unknown> = {}): Promise<RetrieverStage> {
    const mmsc = new SimulatedMmsc()
    const host = await mmsc.start()
    t.teardown(() => mmsc.stop())
    const block = { hosts: [host], privateAddresses: 'allowed', ...more }
    const stage = new RetrieverStage(mmsc, mmsRetriever.options.parse(block))
    await stage.retriever.start()
    t.teardown(() => stage.retriever.stop())
    return stage
  }

  /** One that knows nothing of what the first did: another gateway, or this one after a restart. */
  another(): MmsRetriever {
    const context: AdapterContext = {
      name: 'mms',
      accept: (message) => this.intake.accept(message),
      report: () => {},
      arrived: () => {},
      refused: () => {},
      http: Fastify(),
      log: pino({ level: 'silent' }),
    }
    return new MmsRetriever(this.options, context)
  }

  errand(content: Uint8Array, more: Partial<Errand> = {}): Errand {
    const id = `errand-${++this.#errands}`
    return { id, subject: 'tel:10658', content, receivedAt: new Date(), attempt: 1, ...more }
  }

  /** Every text that was stored, in the order it came. */
  get texts(): TextReport[] {
    return [...this.intake.stored.values()].flat().filter((report) => report.kind === 'text')
  }

  get reasons(): string[] {
    return [...this.intake.stored.values()]
      .flat()
      .flatMap((report) => (report.kind === 'malformed' ? [report.detail] : []))
  }
}

export const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export const manhole: MmsToAnnounce = {
  from: '+8613800138000/TYPE=PLMN',
  to: '12319/TYPE=PLMN',
  subject: '井盖',
  parts: [
    {
      type: 'application/smil',
      id: 'smil',
      location: 'smil.xml',
      content: Buffer.from(
        '<smil><body><par><text src="a.txt"/><img src="cid:p"/></par><par><text src="b.txt"/></par></body></smil>',
      ),
    },
    { type: 'text/plain', charset: 106, id: 'b', location: 'b.txt', content: Buffer.from('没人管') },
    { type: 'text/plain', charset: 106, id: 'a', location: 'a.txt', content: Buffer.from('文昌中路120号门口井盖丢了') },
    { type: 'image/jpeg', id: 'p', location: 'p.gif', content: gif },
  ],
}
