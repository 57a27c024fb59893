import { SimulatedCore } from '../simulators/core.ts'
import { seeded } from '../simulators/seeded.ts'
import { closeServer, type DatabaseKind, noServer, openGateway } from './gateways.ts'
import { compareHttp, only } from './http-compare.ts'
import { table } from './table.ts'

/**
 * Alarms over HTTP beside a fastify that stores nothing; then 118 cameras that see little, and a storm of 10,000 signals
 * in a minute which are 40 incidents.
 */

let made = 0
const cameraOf = (n: number) => `c-${String(1 + (n % 118)).padStart(3, '0')}`

function alarm(): string {
  made++
  const time = new Date().toISOString()
  return JSON.stringify({ device: cameraOf(made), event: 'VMD', phase: 'began', occurrence: `o-${made}`, time })
}

const adapter = { name: 'police', kind: 'platform-alarms' } as const

interface Signal {
  readonly atMs: number
  readonly device: string
  readonly event: string
  readonly occurrence: string | null
}

/** Ten a second in all for `quietS`: movement, which is no case. Then each of 40 scenes is told 250 times in a minute. */
function scene(quietS: number): readonly Signal[] {
  const random = seeded(118)
  const quiet = Array.from({ length: quietS * 10 }, (_, i): Signal => {
    return { atMs: i * 100, device: cameraOf(Math.floor(random() * 118)), event: 'VMD', occurrence: null }
  })
  const kinds = ['smoke', 'flood', 'crowd'] as const
  const storm = Array.from({ length: 40 }, (_, n) =>
    Array.from({ length: 250 }, (_, i): Signal => {
      const atMs = quietS * 1000 + (i + random()) * 240
      const event = kinds[n % 3] ?? 'smoke'
      return { atMs, device: cameraOf(n * 3), event, occurrence: i % 2 === 0 ? `scene-${n}` : null }
    }),
  ).flat()
  return [...quiet, ...storm].sort((a, b) => a.atMs - b.atMs)
}

async function storm(kind: DatabaseKind): Promise<string[]> {
  const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
  const core = new SimulatedCore(secret)
  const url = await core.start()
  const gateway = await openGateway(kind, { adapters: [adapter], destinations: [{ name: 'core', url, secret }] })
  const ingest = `${gateway.child().http}/ingest/police/`
  const signals = scene(30)
  const began = Date.now()
  let refused = 0
  let latest = 0
  let waited = 0
  try {
    // What is due is sent in one request, as a platform that passes alarms on does.
    for (let next = 0; next < signals.length; ) {
      const now = Date.now() - began
      const due: Signal[] = []
      for (let one = signals[next]; one !== undefined && one.atMs <= now; one = signals[++next]) due.push(one)
      if (due.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        continue
      }
      const body = JSON.stringify(
        due.map(({ atMs, ...rest }) => ({ ...rest, phase: 'going-on', time: new Date(began + atMs).toISOString() })),
      )
      const sent = performance.now()
      // What is refused is sent again, as its sender would.
      for (let status = 0; status !== 200; refused += status === 200 ? 0 : 1) {
        const answer = await fetch(ingest, { method: 'POST', body })
        status = answer.status
      }
      waited = Math.max(waited, performance.now() - sent)
      latest = now
    }
    await core.until('events are quiet', () => core.count('case-intent') >= 40, 60_000).catch(() => {})
    const intents = [...core.events.values()].filter(({ type }) => type === 'chengguan.case-intent.v1')
    const told = new Set(intents.map(({ data }) => `${(data.reporter as { id: string }).id}`))
    const missed = Array.from({ length: 40 }, (_, n) => cameraOf(n * 3)).filter((camera) => !told.has(camera))
    return [
      kind === 'server' ? 'gateway on PostgreSQL' : 'gateway, embedded PostgreSQL',
      String(signals.length),
      `${Math.round(latest / 1000)} s`,
      '40',
      String(intents.length),
      String(missed.length),
      `${refused}`,
      `${waited.toFixed(0)} ms`,
    ]
  } finally {
    await gateway.close()
    await core.stop()
  }
}

if (only !== 'storm') await compareHttp({ what: 'alarms', adapter, record: alarm })
if (only !== 'rates') {
  const kinds: readonly DatabaseKind[] = noServer === null ? ['server', 'embedded'] : ['embedded']
  const rows: string[][] = []
  for (const kind of kinds) rows.push(await storm(kind))
  await closeServer()
  console.log(
    `\n${table(['who', 'signals', 'within', 'true incidents', 'intents', 'missed', 'refused', 'slowest answer'], rows)}`,
  )
}
