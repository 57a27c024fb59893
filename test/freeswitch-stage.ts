import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Adapter, AdapterContext, AdapterKind } from '../gateway/adapter.ts'
import type { CallReport } from '../gateway/report.ts'
import { ModelIntake } from './contract.ts'

/** One adapter on an intake in memory, with an HTTP server. */
export interface Stage {
  readonly model: ModelIntake
  readonly adapter: Adapter
  readonly url: string
  readonly refused: string[]
  /** All that was stored, in the order it came. */
  reports(): CallReport[]
}

export async function stage<Options>(
  t: Test,
  kind: AdapterKind<Options>,
  options: Options,
  name = 'pbx',
): Promise<Stage> {
  const http = Fastify()
  const model = new ModelIntake((message) => kind.decode(message, options))
  const refused: string[] = []
  const made: Adapter[] = []
  await http.register(
    async (scope) => {
      const context: AdapterContext = {
        name,
        http: scope,
        accept: (message) => model.accept(message),
        report: (link) => {
          model.links.push(link)
          model.note()
        },
        arrived: () => {},
        refused: (reason) => {
          refused.push(reason)
          model.note()
        },
        log: pino({ level: 'silent' }),
      }
      made.push(kind.create(options, context))
    },
    { prefix: `/ingest/${name}` },
  )
  await http.listen({ host: '127.0.0.1', port: 0 })
  const [adapter] = made
  if (adapter === undefined) throw new Error('the adapter was not made')
  t.teardown(async () => {
    model.letGo()
    await adapter.stop()
    await http.close()
  })
  const { port } = http.server.address() as AddressInfo
  return {
    model,
    adapter,
    refused,
    url: `http://127.0.0.1:${port}/ingest/${name}/`,
    reports: () => [...model.stored.values()].flat().filter((report) => report.kind === 'call'),
  }
}

/** What is known of each leg when all its pieces are laid over each other, the last word counting. */
export function legsOf(reports: readonly CallReport[]): Map<string, CallReport> {
  const legs = new Map<string, CallReport>()
  for (const report of reports) {
    const known = Object.fromEntries(Object.entries(report).filter(([, value]) => value !== null))
    legs.set(report.leg, { ...(legs.get(report.leg) ?? report), ...known })
  }
  return legs
}
