import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { smppEsme } from '../adapters/smpp/esme.ts'
import { type Frame, Framing } from '../adapters/smpp/framing.ts'
import {
  commandId,
  commandName,
  encodePdu,
  encodeResponse,
  numbered,
  statusName,
} from '../adapters/smpp/session-pdus.ts'
import { smppSmsc } from '../adapters/smpp/smsc.ts'
import type { Adapter, AdapterContext, AdapterKind, Inbound, Link, Receipt, Received } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { Report } from '../gateway/report.ts'
import { SmppSmscSimulator, type SmscSetup } from '../simulators/smpp-smsc.ts'
import { pdusOf } from '../simulators/smpp-texts.ts'

/** A gateway's side of the contract that keeps everything it is told, and reads what it accepts as the intake would. */
export interface Stage {
  readonly context: AdapterContext
  readonly accepted: Inbound[]
  /** What the accepted messages said, or the code of what was wrong with them. */
  readonly read: (readonly Report[] | string)[]
  readonly links: Link[]
  readonly arrivals: string[]
  readonly refusals: { reason: string; fields: Record<string, unknown> }[]
  /** What becomes of the next messages, where it is not what they say. */
  answer: ((message: Inbound) => Promise<Receipt>) | null
}

function stage(decode: (message: Received) => Report[], name: string): Stage {
  const made: Stage = {
    accepted: [],
    read: [],
    links: [],
    arrivals: [],
    refusals: [],
    answer: null,
    context: {
      name,
      accept: async (message) => {
        made.accepted.push(message)
        if (made.answer !== null) return made.answer(message)
        try {
          made.read.push(decode({ ...message, receivedAt: new Date() }))
          return 'stored'
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          made.read.push(error.code)
          return 'dead-lettered'
        }
      },
      report: (link) => made.links.push(link),
      arrived: (addressee) => made.arrivals.push(addressee),
      refused: (reason, fields) => made.refusals.push({ reason, fields }),
      http: Fastify(),
      log: pino({ level: 'silent' }),
    },
  }
  return made
}

export async function until(what: string, is: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!is()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const secretWord = 'wuhou'

/** The gateway's port under test, with the peers `peer-1` and `peer-2`. Stopped when the test ends. */
export async function smsc(
  t: Test,
  options: Record<string, unknown> = {},
): Promise<Stage & { adapter: Adapter; port: number }> {
  const peers = ['peer-1', 'peer-2'].map((systemId) => ({ systemId, password: secretWord }))
  const parsed = smppSmsc.options.parse({
    port: 0,
    peers,
    source: { number: '10658' },
    limits: { refusalDelay: '1ms' },
    ...options,
  })
  const made = stage((message) => smppSmsc.decode(message, parsed), 'smsc-under-test')
  const adapter = smppSmsc.create(parsed, made.context)
  t.teardown(() => adapter.stop())
  await adapter.start()
  return Object.assign(made, { adapter, port: portOf(made.links.at(-1)) })
}

/** A simulated centre with the gateway's bind to it. Both end with the test. */
export async function esme(
  t: Test,
  options: Record<string, unknown> = {},
  setup: SmscSetup = {},
): Promise<Stage & { adapter: Adapter; centre: SmppSmscSimulator; port: number }> {
  const centre = new SmppSmscSimulator(setup)
  const port = await centre.start()
  const bound = await esmeOf(t, { port, ...options })
  t.teardown(() => centre.stop())
  await bound.adapter.start()
  return Object.assign(bound, { centre, port })
}

/** A bind that is not started yet. */
export async function esmeOf(t: Test, options: Record<string, unknown>): Promise<Stage & { adapter: Adapter }> {
  const parsed = smppEsme.options.parse({
    systemId: 'city',
    password: secretWord,
    source: { number: '10658' },
    ...options,
  })
  const made = stage((message) => smppEsme.decode(message, parsed), 'esme-under-test')
  const adapter = smppEsme.create(parsed, made.context)
  t.teardown(() => adapter.stop())
  return Object.assign(made, { adapter })
}

/** The port in the link that an adapter has reported. */
export function portOf(link: Link | undefined): number {
  if (link?.state !== 'listening') throw new Error('nothing is listening')
  return Number(new URL(link.at).port)
}

/** A far end made of octets alone, for what no simulator would send. */
export class RawPeer {
  readonly heard: (Frame & { kind: 'pdu' })[] = []
  closed = false
  readonly socket: Socket
  readonly #framing = new Framing(1024 * 1024)

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
    socket.on('data', (chunk: Buffer) => {
      this.#framing.push(chunk)
      for (let frame = this.#framing.next(); frame?.kind === 'pdu'; frame = this.#framing.next()) {
        this.heard.push(frame)
        // Only so that nobody waits for it at the end of a test.
        if (frame.header.id === commandId.unbind) this.send(encodeResponse(frame.header.id, frame.header.sequence))
      }
    })
  }

  static async dial(port: number): Promise<RawPeer> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawPeer(socket)
  }

  /** Dials and binds; the bind has number 1. */
  static async bound(port: number, bind = 'transceiver', systemId = 'peer-1'): Promise<RawPeer> {
    const peer = await RawPeer.dial(port)
    peer.send(encodePdu(`bind_${bind}`, 1, { system_id: systemId, password: secretWord }))
    await peer.answer(1)
    return peer
  }

  send(octets: Buffer): void {
    this.socket.write(octets)
  }

  /** `deliver_sm_resp ESME_ROK` for the request of that number. */
  async answer(sequence: number): Promise<string> {
    const found = () => this.heard.find(({ header }) => header.sequence === sequence && header.id >= 0x8000_0000)
    await until(`request ${sequence} is answered`, () => found() !== undefined || this.closed)
    const header = found()?.header
    return header === undefined ? 'closed' : `${commandName(header.id)} ${statusName(header.status)}`
  }
}

/** A centre made of octets alone: takes one bind after the other, and then says what the test says. */
export async function rawCentre(t: Test): Promise<{ port: number; peers: RawPeer[] }> {
  const peers: RawPeer[] = []
  const server = createServer((socket) => {
    const peer = new RawPeer(socket)
    peers.push(peer)
    socket.on('data', () => {
      const bind = peer.heard[0]
      if (peer.heard.length !== 1 || bind === undefined) return
      peer.send(encodePdu(`${commandName(bind.header.id)}_resp`, bind.header.sequence, { system_id: 'raw' }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const { socket } of peers) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { port: (server.address() as AddressInfo).port, peers }
}

/** A short text of citizen `n`, as one PDU with the given number. */
export function textPdu(
  n: number,
  carrier: 'deliver_sm' | 'submit_sm' | 'data_sm' = 'deliver_sm',
  sequence = n,
): Buffer {
  const [pdu = Buffer.alloc(0)] = pdusOf(
    { from: `138001${String(n).padStart(5, '0')}`, to: '10658', text: `井盖丢了 ${n}` },
    carrier,
  )
  return numbered(pdu, sequence)
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

/** The kind as the list of kinds has it. */
export const listed = <Options>(kind: AdapterKind<Options>): AdapterKind<never> => kind as unknown as AdapterKind<never>
