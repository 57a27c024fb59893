import { SimulatedCore } from '../simulators/core.ts'
import { type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { startCentre, writeMessages } from './smpp-centre.ts'
import { senderOf } from './smpp-frames.ts'
import { adapterOf, connectTo, newSecret } from './smpp-gateway.ts'
import { table } from './table.ts'

/** Ten thousand texts at once against an intake that lets few wait: what is refused comes again, and all are stored once. */

const texts = 10_000
const maxWaiting = 200
const againAfterMs = 500

export async function burst(databases: readonly string[]): Promise<void> {
  const rows: string[][] = []
  for (const kind of databases as DatabaseKind[]) {
    if (kind === 'server' && noServer !== null) console.log(`skipped: ${noServer}`)
    else rows.push(await measure(kind))
  }
  console.log(
    `\n${texts} texts at once, ${maxWaiting} may wait, what is refused comes again after ${againAfterMs} ms\n`,
  )
  const head = ['database', 'refused', 'acknowledged', 'took', 'p50 / p99 to the answer', 'stored', 'lost', 'twice']
  console.log(table(head, rows))
}

async function measure(kind: DatabaseKind): Promise<string[]> {
  const secret = newSecret()
  const core = new SimulatedCore(secret)
  const url = await core.start()
  const centre = await startCentre(await writeMessages(texts, true))
  const gateway = await openGateway(kind, {
    intake: { maxWaiting },
    adapters: [adapterOf(centre.port, { bind: 'receiver', perSecond: 0, window: 10, unacknowledged: texts })],
    destinations: [{ name: 'core', url, secret, perSecond: 0 }],
  })
  try {
    await centre.bound()
    const load = { window: texts, pdus: texts, forMs: 120_000, againAfterMs }
    const result = await centre.run(load)
    await core.until('every text came', () => core.count('case-intent') >= texts, 120_000)
    const client = await connectTo(gateway)
    const stored = await client.query<{ n: number; texts: number }>(
      `SELECT count(*)::int AS n, count(DISTINCT reporter)::int AS texts FROM intent`,
    )
    await client.end()
    const { n = 0, texts: distinct = 0 } = stored.rows[0] ?? {}
    const told = [...core.events.values()].filter(({ type }) => type === 'chengguan.case-intent.v1')
    const reporters = new Set(told.map(({ subject }) => subject))
    const lost = Array.from({ length: texts }, (_, i) => `tel:+${senderOf(i)}`).filter((one) => !reporters.has(one))
    return [
      kind,
      Object.entries(result.refused)
        .map(([status, times]) => `${times} × ${status}`)
        .join(', ') || 'none',
      String(result.acknowledged),
      `${(result.tookMs / 1000).toFixed(1)} s`,
      `${(result.p50Ms / 1000).toFixed(1)} / ${(result.p99Ms / 1000).toFixed(1)} s`,
      String(distinct),
      String(lost.length),
      String(n - distinct + told.length - reporters.size),
    ]
  } finally {
    await gateway.close()
    await centre.close()
    await core.stop()
  }
}
