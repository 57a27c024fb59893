import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import type { Configuration } from '../../config/schema.ts'
import { type Addresses, addressesFile } from '../addresses.ts'
import { openDesk } from '../desk.ts'
import { GatewayError } from '../errors.ts'
import { replayEvents, replayMatching } from '../intake/replay.ts'
import { audit, type Ledger } from '../store/ledger.ts'

export interface Audited {
  readonly ledger: Ledger
  readonly faults: readonly string[]
}

export interface ReplayAnswer {
  readonly replayed: number
  readonly stillDead: readonly { readonly id: string; readonly reason?: string }[]
}

type Question =
  | { readonly what: 'audit' }
  | { readonly what: 'replay'; readonly filter: Readonly<Record<string, string | undefined>> }

/**
 * Asks the running gateway where there is one (an embedded database has one user at a time), and does the work on the
 * database itself where there is none.
 */
export function askGateway(configuration: Configuration, question: { what: 'audit' }): Promise<Audited>
export function askGateway(configuration: Configuration, question: Question & { what: 'replay' }): Promise<ReplayAnswer>
export async function askGateway(configuration: Configuration, question: Question): Promise<Audited | ReplayAnswer> {
  const running = await runningAddress(configuration)
  return running === null ? onDatabase(configuration, question) : overHttp(running, configuration, question)
}

/** Most dead letters that one replay takes up. */
export const atOnce = 10_000

/** Where a gateway with this data folder answers now; `null` when none does. */
export async function runningAddress(configuration: Configuration): Promise<string | null> {
  try {
    const { http, pid } = JSON.parse(await readFile(addressesFile(configuration), 'utf8')) as Addresses
    const response = await fetch(`${http}/healthz`, { signal: AbortSignal.timeout(2000) })
    // A file that a killed gateway left may name a port that another one listens on now.
    return ((await response.json()) as { pid?: number }).pid === pid ? http : null
  } catch {
    // No file, or nobody answers there: both mean that no gateway runs.
    return null
  }
}

export async function callApi(
  address: string,
  configuration: Configuration,
  path: string,
  body?: unknown,
): Promise<Response> {
  const { apiToken } = configuration.http
  return fetch(`${address}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(apiToken !== null && { authorization: `Bearer ${apiToken.reveal()}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

async function overHttp(
  address: string,
  configuration: Configuration,
  question: Question,
): Promise<Audited | ReplayAnswer> {
  const response =
    question.what === 'audit'
      ? await callApi(address, configuration, '/v1/audit')
      : await callApi(address, configuration, '/v1/dead-letters/replay', { ...question.filter, limit: atOnce })
  if (!response.ok)
    throw new GatewayError('STORE_UNAVAILABLE', `${address} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Audited | ReplayAnswer
}

async function onDatabase(configuration: Configuration, question: Question): Promise<Audited | ReplayAnswer> {
  const { desk, sources, close } = await openDesk(configuration, pino({ level: 'silent' }))
  try {
    if (question.what === 'audit') return await audit(desk.pool)
    const { adapter = null, code = null, destination = null } = question.filter
    if (destination !== null)
      return { replayed: await replayEvents(desk.pool, { destination, seq: null, limit: atOnce }), stillDead: [] }
    const outcomes = await replayMatching({ adapter, code, limit: atOnce }, sources, desk)
    return {
      replayed: outcomes.filter(({ outcome }) => outcome === 'replayed').length,
      stillDead: outcomes.filter(({ outcome }) => outcome === 'still-dead'),
    }
  } finally {
    await close()
  }
}
