import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../gateway/package-root.ts'
import { type GatewayChild, startGatewayChild } from '../simulators/gateway-child.ts'
import { openServer, serverMissing, type TestServer } from '../test/postgres-server.ts'
import { childrenOf, temporaryFolder } from './processes.ts'

export type DatabaseKind = 'embedded' | 'server'

/** A gateway under measurement, with its database's processes. */
export interface MeasuredGateway {
  readonly kind: DatabaseKind
  readonly child: () => GatewayChild
  /** Its own processes, and those of its database. */
  pids(): { readonly gateway: number[]; readonly database: number[] }
  /** The URL of its server; null where it is the embedded one's. */
  readonly databaseUrl: string | null
  readonly folder: string
  /** SIGKILL, and start again on the same data. */
  crash(): Promise<void>
  restart(): Promise<void>
  close(): Promise<void>
}

let server: Promise<TestServer> | null = null

/** Why there can be none on a server; null when there can. */
export const noServer = serverMissing

/** As Debian installs it, but for its socket: fsync is on, 128 MB of buffers. */
function sharedServer(): Promise<TestServer> {
  server ??= openServer(['shared_buffers=128MB'])
  return server
}

export async function closeServer(): Promise<void> {
  const opened = await server
  server = null
  await opened?.close()
}

export async function openGateway(
  kind: DatabaseKind,
  configuration: Record<string, unknown> = {},
): Promise<MeasuredGateway> {
  const folder = temporaryFolder()
  const postgres = kind === 'server' ? await sharedServer() : null
  const databaseUrl = (await postgres?.createDatabase()) ?? null
  const complete = {
    city: join(packageRoot, 'config/city-example'),
    http: { host: '127.0.0.1', port: 0 },
    log: { level: 'warn' },
    database: databaseUrl === null ? {} : { url: databaseUrl },
    adapters: [
      { name: 'mqtt', kind: 'mqtt-broker', tcp: { host: '127.0.0.1', port: 0 }, anonymous: 'loopback' },
      { name: 'nmea', kind: 'nmea', transport: 'tcp-server', host: '127.0.0.1', port: 0, subject: { by: 'hello' } },
    ],
    destinations: [],
    ...configuration,
  }
  let child = await startGatewayChild(folder, complete)
  return {
    kind,
    folder,
    databaseUrl,
    child: () => child,
    pids() {
      const postmaster = postgres?.process?.pid
      const database = postmaster === undefined ? childrenOf(child.pid) : [postmaster, ...childrenOf(postmaster)]
      return { gateway: [child.pid], database }
    },
    crash: () => child.kill(),
    async restart() {
      child = await startGatewayChild(folder, complete)
    },
    async close() {
      await child.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}
