import { execFileSync } from 'node:child_process'
import { createConnection, type Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import type { Test } from 'tap'
import { mqttBroker } from '../adapters/mqtt/broker.ts'
import type { Adapter, AdapterContext, Inbound, Link, Receipt } from '../gateway/adapter.ts'
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
export async function until(what: string, is: () => boolean, withinMs = 20_000): Promise<void> {
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

/** A client made of bytes alone, for what no library would send. */
export class RawClient {
  readonly socket: Socket
  closed = false
  received = Buffer.alloc(0)

  constructor(url: string) {
    this.socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  /** CONNECT of MQTT 3.1.1 with a clean session; resolves with the return code of CONNACK. */
  async connect(device: string, keepaliveS = 0): Promise<number> {
    const level = Buffer.from([4, 0xc2, keepaliveS >> 8, keepaliveS & 0xff])
    const { username, password } = credentials(device)
    this.send(0x10, str('MQTT'), level, str(`raw-${device}`), str(String(username)), str(String(password)))
    await this.bytes(4)
    return this.received[3] ?? -1
  }

  /** Resolves when so many bytes have come, or the connection is closed. */
  async bytes(count: number): Promise<void> {
    while (this.received.length < count && !this.closed) {
      await new Promise<void>((resolve) => {
        this.socket.once('data', () => resolve())
        this.socket.once('close', () => resolve())
      })
    }
  }

  publish(topic: string, payload: string | Buffer, packetId = 1): void {
    this.send(0x32, str(topic), Buffer.from([packetId >> 8, packetId & 0xff]), Buffer.from(payload))
  }

  subscribe(filter: string, qos = 1): void {
    this.send(0x82, Buffer.from([0, 9]), str(filter), Buffer.from([qos]))
  }

  send(type: number, ...parts: Buffer[]): void {
    const body = Buffer.concat(parts)
    this.socket.write(Buffer.concat([Buffer.from([type]), lengthBytes(body.length), body]))
  }

  end(): void {
    this.socket.destroy()
  }
}

export function str(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

export function lengthBytes(length: number): Buffer {
  const bytes: number[] = []
  for (let rest = length; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
    if (rest === 0) return Buffer.from(bytes)
  }
}

/** A broker under test, stopped when the test ends. */
export async function broker(
  t: Test,
  options: Record<string, unknown> = {},
): Promise<Stage & { adapter: Adapter; url: string }> {
  const made = stage()
  const parsed = mqttBroker.options.parse({ tcp: { port: 0 }, devices: listed('h-1', 'h-2'), ...options })
  const adapter = mqttBroker.create(parsed, made.context)
  t.teardown(async () => {
    await adapter.stop()
    await made.http.close()
  })
  await adapter.start()
  return Object.assign(made, { adapter, url: parsed.tcp === 'off' ? '' : address(made.links, 'mqtt') })
}

/** A promise that the test settles. */
export function deferred<Value>(): {
  promise: Promise<Value>
  resolve(value: Value): void
  reject(error: Error): void
} {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
