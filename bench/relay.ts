import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { SimulatedCore } from '../simulators/core.ts'
import { closeServer, type DatabaseKind, type MeasuredGateway, noServer, openGateway } from './gateways.ts'
import { median, ratio, table, thousands } from './table.ts'

/** Outbox to a core on loopback: as fast with a million events waiting as with a thousand? */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    windows: { type: 'string', default: '12' },
    databases: { type: 'string', default: 'server,embedded' },
  },
})

const few = 1000
const many = Number(values.rows)
const windows = Number(values.windows)
const collectors = 250

/** Events as a case intent makes them, of 250 reporters, about 900 bytes each. */
const fillSql = `INSERT INTO outbox (destination, event_id, type, ordering_key, body, created_at)
  SELECT 'core', id, 'case-intent', 'h-' || i % ${collectors},
    format('{"specversion":"1.0","id":"%s","source":"/bench","type":"chengguan.case-intent.v1","subject":"h-%s",'
      '"time":"2026-11-23T00:00:00Z","partitionkey":"h-%s","datacontenttype":"application/json","data":{"text":"%s"}}',
      id, i % ${collectors}, i % ${collectors}, repeat('x', 650)), now()
  FROM (SELECT i, gen_random_uuid() AS id FROM generate_series(1, $1::int) AS i) AS made`

class Bench {
  readonly #gateway: MeasuredGateway
  readonly #core: SimulatedCore
  readonly #client: pg.Client

  constructor(gateway: MeasuredGateway, core: SimulatedCore) {
    this.#gateway = gateway
    this.#core = core
    const socket = join(gateway.folder, 'data', 'postgres')
    this.#client = new pg.Client(
      gateway.databaseUrl === null
        ? { host: socket, user: 'postgres', database: 'postgres' }
        : { connectionString: gateway.databaseUrl },
    )
  }

  connect(): Promise<unknown> {
    return this.#client.connect()
  }

  async fill(rows: number): Promise<void> {
    const together = 50_000
    for (let filled = 0; filled < rows; filled += together)
      await this.#client.query(fillSql, [Math.min(together, rows - filled)])
  }

  /** Events a second from the first to the last of a thousand. */
  async window(): Promise<number> {
    const from = this.#core.events.size
    await this.#core.until('the first came', () => this.#core.events.size > from, 60_000)
    const first = this.#core.events.size
    const began = performance.now()
    await this.#core.until('a thousand came', () => this.#core.events.size >= from + few, 120_000)
    return (this.#core.events.size - first) / ((performance.now() - began) / 1000)
  }

  async close(): Promise<void> {
    await this.#client.end()
    await this.#gateway.close()
    await this.#core.stop()
  }
}

interface Rates {
  readonly few: number
  readonly many: number
}

async function measure(kind: DatabaseKind): Promise<Rates> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  let open = true
  const core = new SimulatedCore(secret, () => (open ? { does: 'answer' } : { does: 'fail', status: 503 }))
  const url = await core.start()
  const backoff = { first: '200ms', most: '1s' }
  const gateway = await openGateway(kind, { destinations: [{ name: 'core', url, secret, perSecond: 0, backoff }] })
  const bench = new Bench(gateway, core)
  try {
    await bench.connect()
    // Both ends warm up.
    await bench.fill(few)
    await bench.window()
    const withFew: number[] = []
    for (let i = 0; i < windows; i++) {
      const window = bench.window()
      await bench.fill(few)
      withFew.push(await window)
    }
    open = false
    await bench.fill(many)
    open = true
    const withMany: number[] = []
    for (let i = 0; i < windows; i++) withMany.push(await bench.window())
    console.log(
      `${kind}: ${withFew.map(Math.round).join(' ')} with ${few}; ${withMany.map(Math.round).join(' ')} with ${many}`,
    )
    return { few: median(withFew), many: median(withMany) }
  } finally {
    await bench.close()
  }
}

try {
  const rows: string[][] = []
  for (const kind of values.databases.split(',') as DatabaseKind[]) {
    if (kind === 'server' && noServer !== null) {
      console.log(`skipped: ${noServer}`)
      continue
    }
    const rates = await measure(kind)
    rows.push([kind, ratio(rates.many / rates.few), `${thousands(rates.many)}/s`, `${thousands(rates.few)}/s`])
  }
  console.log(`\n${table(['database', `${many} waiting to ${few}`, `with ${many}`, `with ${few}`], rows)}`)
} finally {
  await closeServer()
}
