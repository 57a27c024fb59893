import { execFileSync } from 'node:child_process'
import Fastify, { type FastifyInstance } from 'fastify'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import type { AdapterContext, Inbound, Link, Receipt } from '../gateway/adapter.ts'
import { describe } from '../gateway/errors.ts'

/** A gateway's side of the contract that keeps everything it is told. */
export interface Stage {
  readonly context: AdapterContext
  readonly accepted: Inbound[]
  readonly links: Link[]
  readonly arrivals: string[]
  readonly refusals: { reason: string; fields: Record<string, unknown> }[]
  /** What becomes of the next messages; stores by default. */
  answer: (message: Inbound) => Promise<Receipt>
  readonly http: FastifyInstance
}

export function stage(): Stage {
  const http = Fastify()
  const made: Stage = {
    accepted: [],
    links: [],
    arrivals: [],
    refusals: [],
    answer: async () => 'stored',
    http,
    context: {
      name: 'mqtt-under-test',
      accept: (message) => {
        made.accepted.push(message)
        return made.answer(message)
      },
      report: (link) => made.links.push(link),
      arrived: (addressee) => made.arrivals.push(addressee),
      refused: (reason, fields) => made.refusals.push({ reason, fields }),
      http,
      log: pino({ level: 'silent' }),
    },
  }
  return made
}

/** Where the adapter says it listens: `mqtt://127.0.0.1:12345` or `mqtts://…`. */
export function address(links: readonly Link[], scheme: string): string {
  for (const link of links.toReversed()) {
    const found = link.state === 'listening' && link.at.split(' ').find((at) => at.startsWith(`${scheme}:`))
    if (found) return found
  }
  throw new Error(`not listening on ${scheme}`)
}

/** Waits until something is so; `what` names it when it does not come true. */
export async function until(what: string, is: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!is()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A client that does not come back by itself; rejects with the broker's refusal. */
export async function connect(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: 10_000, protocolVersion: 4, ...options })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed before it was connected')))
  }).catch((error: unknown) => {
    client.end(true)
    throw error
  })
  client.on('error', () => {})
  return client
}

export const credentials = (device: string): IClientOptions => ({ username: device, password: `token of ${device}` })
export const listed = (...devices: string[]): { name: string; password: string }[] =>
  devices.map((name) => ({ name, password: `token of ${name}` }))

/** Whether a program is installed; the reason for skipping otherwise. */
export function missing(program: string): string | false {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return false
  } catch (error) {
    return `${program} is not installed (${describe(error).split('\n', 1)[0]})`
  }
}
