import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Configuration } from '../config/schema.ts'
import { adapterKinds } from './adapter-kinds.ts'
import { type CityHolder, openCity } from './city/holder.ts'
import { GatewayError } from './errors.ts'
import type { Source } from './intake/arrival.ts'
import { type Desk, MemoryCache, Redeliveries } from './intake/commit.ts'
import { Attachments } from './store/attachments.ts'
import { type Database, openDatabase } from './store/database.ts'

/** City, database and everything a message is understood with: what a gateway and the command line both need. */
export interface OpenDesk {
  readonly desk: Desk
  readonly database: Database
  readonly city: CityHolder
  /** By adapter name. */
  readonly sources: ReadonlyMap<string, Source>
  close(): Promise<void>
}

/** Rejects with a CITY_, CONFIG_ or STORE_ code, and then nothing is open. */
export async function openDesk(configuration: Configuration, log: Logger): Promise<OpenDesk> {
  await mkdir(configuration.data, { recursive: true, mode: 0o750 })
  const sources = new Map(configuration.adapters.map((block) => [block.name, sourceOf(block)]))
  const portTakers = portTakersOf(configuration)
  const attachments = join(configuration.data, 'attachments')
  await mkdir(attachments, { recursive: true, mode: 0o750 })
  const city = await openCity(configuration.data, configuration.city, log)
  try {
    const database = await openDatabase({
      url: configuration.database.url?.reveal() ?? null,
      folder: join(configuration.data, 'postgres'),
      log,
      poolSize: configuration.database.poolSize,
    })
    const desk: Desk = {
      pool: database.pool,
      attachments: new Attachments(attachments),
      gateway: configuration.name,
      memories: new MemoryCache(),
      redeliveries: new Redeliveries(),
      // The embedded database has one session for all connections, and names in it would clash.
      namedStatements: database.kind === 'server' && configuration.database.statements === 'named',
      understanding: () => ({
        city: city.current(),
        limits: configuration.triage,
        destinations: configuration.destinations,
        portTakers,
        storm: configuration.incidents.storm,
        eventSource: `/chengguan/${encodeURIComponent(configuration.name)}`,
      }),
    }
    const close = async () => {
      city.stop()
      await database.close()
    }
    return { desk, database, city, sources, close }
  } catch (error) {
    city.stop()
    throw error
  }
}

export function kindOf(name: string) {
  const kind = adapterKinds.find((one) => one.kind === name)
  if (kind === undefined) throw new GatewayError('CONFIG_INVALID', `there is no adapter kind ${name}`)
  return kind
}

function sourceOf({ name, kind: kindName, options }: Configuration['adapters'][number]): Source {
  const kind = kindOf(kindName)
  const scope = kind.keyScope?.(options as never) ?? null
  return {
    adapter: name,
    channel: kind.channel,
    keyScope: scope === null ? name : `account ${scope}`,
    decode: (message) => kind.decode(message, options as never),
  }
}

/** Application ports by the adapter that takes their datagrams; the first in the configuration where two would. */
function portTakersOf({ adapters }: Configuration): ReadonlyMap<number, string> {
  const takers = new Map<number, string>()
  for (const { name, kind, options } of adapters)
    for (const port of kindOf(kind).ports?.(options as never) ?? []) if (!takers.has(port)) takers.set(port, name)
  return takers
}
