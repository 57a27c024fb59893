import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { SimulatedCore } from '../simulators/core.ts'
import { Handheld, noTroubles } from '../simulators/mqtt-handheld.ts'
import { NmeaSource } from '../simulators/nmea-source.ts'
import { drive, type SourceEpoch } from '../simulators/nmea-vehicle.ts'
import { seeded } from '../simulators/seeded.ts'
import { GatewayProcess } from './gateway-process.ts'
import { openServer } from './postgres-server.ts'

/** A port that nobody listens on now; a gateway that is killed comes back on it. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

export interface PromiseStage {
  readonly gateway: GatewayProcess
  readonly core: SimulatedCore
  readonly corePort: number
  readonly crowd: Crowd
  /** Another gateway on the same database and for the same core, with listeners of its own. */
  sibling(name: string): Promise<GatewayProcess>
}

const devices = Array.from({ length: 10 }, (_, i) => `h-${String(i + 1).padStart(4, '0')}`)
const vehicles = ['v-001', 'v-002', 'v-003']

/** A gateway in a process of its own between a crowd and a core. `extra` is more configuration. */
export async function promiseStage(extra: Record<string, unknown>): Promise<PromiseStage> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const core = new SimulatedCore(secret)
  const corePort = await freePort()
  const url = await core.start(corePort)
  const [mqttPort, nmeaPort] = [await freePort(), await freePort()]
  const nobody = await freePort()
  const backoff = { first: '100ms', most: '500ms' }
  const configuration = (ports: { mqtt: number; nmea: number }) => ({
    adapters: [
      {
        name: 'handhelds',
        kind: 'mqtt-broker',
        tcp: { port: ports.mqtt },
        devices: devices.map((name) => ({ name, password: `token of ${name}` })),
      },
      {
        name: 'vehicles',
        kind: 'nmea',
        transport: 'tcp-server',
        port: ports.nmea,
        quietAfter: '30ms',
        subject: { by: 'hello' },
      },
    ],
    destinations: [
      { name: 'core', url, secret, types: ['case-intent', 'position', 'delivery', 'answer'], perSecond: 0, backoff },
      { name: 'second', url: `http://127.0.0.1:${nobody}/nobody`, secret, types: ['case-intent'], backoff },
    ],
    ...extra,
  })
  const gateway = await GatewayProcess.prepare({ ...configuration({ mqtt: mqttPort, nmea: nmeaPort }), ...extra })
  const sibling = (name: string) => GatewayProcess.prepare({ ...configuration({ mqtt: 0, nmea: 0 }), ...extra, name })
  return { gateway, core, corePort, crowd: new Crowd(mqttPort, nmeaPort), sibling }
}

/** Handhelds that report without pause, and vehicles that send their whole log again whenever they lost their line. */
export class Crowd {
  /** Numbers of the reports whose PUBACK came. */
  readonly reports: string[] = []
  /** Positions whose PUBACK came. */
  positions = 0
  readonly #mqttPort: number
  readonly #nmeaPort: number
  readonly #handhelds: Handheld[] = []
  readonly #over = new AbortController()
  readonly #logs = new Map<string, readonly SourceEpoch[]>()
  #talking: Promise<unknown> = Promise.resolve()

  constructor(mqttPort: number, nmeaPort: number) {
    this.#mqttPort = mqttPort
    this.#nmeaPort = nmeaPort
  }

  async start(): Promise<void> {
    const talks: Promise<void>[] = []
    for (const [i, device] of devices.entries()) {
      const handheld = new Handheld({
        url: `mqtt://127.0.0.1:${this.#mqttPort}`,
        device,
        password: `token of ${device}`,
        run: 'promise',
        troubles: { ...noTroubles, seed: i + 1, duplicateRate: 0.05 },
      })
      await handheld.start()
      this.#handhelds.push(handheld)
      for (let lane = 0; lane < 4; lane++) talks.push(this.#talk(handheld, seeded(i * 10 + lane)))
    }
    const begin = new Date(Date.now() - 3_600_000)
    for (const [i, vehicle] of vehicles.entries()) {
      const start = { latitude: 32.39, longitude: 119.42 + i / 1000, at: begin }
      this.#logs.set(vehicle, [...drive({ seed: i + 1, start, epochs: 200, intervalMs: 1000, speedKmh: 20 })])
      talks.push(this.#replay(vehicle))
    }
    this.#talking = Promise.all(talks)
    // Publishes that `leave` cuts off reject; whoever hushes the crowd first sees every other failure.
    this.#talking.catch(() => {})
  }

  async #talk(handheld: Handheld, random: () => number): Promise<void> {
    while (!this.#over.signal.aborted) {
      // Within a metre, so that no fix is one that cannot be.
      const place = { lat: 32.39 + random() / 200_000, lon: 119.42 + random() / 200_000, accuracyM: 5 }
      if (random() < 0.4) {
        this.reports.push(
          await handheld.report({ kind: 'event', category: { words: '暴露垃圾' }, text: '路边垃圾', place }),
        )
      } else {
        await handheld.position(place)
        this.positions++
      }
      await delay(random() * 10)
    }
  }

  async #replay(vehicle: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#playOnce(vehicle, 40).catch(() => {})
      await delay(20)
    }
  }

  async #playOnce(vehicle: string, speed: number | null): Promise<void> {
    const epochs = this.#logs.get(vehicle) ?? []
    const source = new NmeaSource({
      target: { transport: 'tcp', host: '127.0.0.1', port: this.#nmeaPort, hello: vehicle },
      epochs,
      speed,
    })
    const stop = () => void source.stop()
    this.#over.signal.addEventListener('abort', stop)
    try {
      await source.start()
      await source.finished()
    } finally {
      this.#over.signal.removeEventListener('abort', stop)
      await source.stop()
    }
  }

  /** Everybody falls silent; every publish is acknowledged when this resolves, and every log was sent whole once more. */
  async hush(): Promise<void> {
    this.#over.abort()
    await this.#talking
    for (const vehicle of vehicles) await this.#playOnce(vehicle, null)
  }

  async leave(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#handhelds.map((handheld) => handheld.stop()))
  }

  /** Epochs that each vehicle sent again and again. */
  logLengths(): Map<string, number> {
    return new Map([...this.#logs].map(([vehicle, epochs]) => [vehicle, epochs.length]))
  }
}

/** What the core has, by what it is about rather than by event id: a second event for the same thing shows here. */
export function tallies(core: SimulatedCore): { reports: Map<string, number>; positions: Map<string, number> } {
  const reports = new Map<string, number>()
  const positions = new Map<string, number>()
  const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
  for (const { type, subject, data } of core.events.values()) {
    if (type === 'chengguan.case-intent.v1') {
      if (typeof data.number === 'string') add(reports, data.number)
      else add(reports, `rule ${subject} ${JSON.stringify(data.rule)}`)
    }
    if (type === 'chengguan.position.v1')
      add(positions, `${subject} ${String(data.at)} ${String(data.latitude)} ${String(data.longitude)}`)
  }
  return { reports, positions }
}

/** PostgreSQL is killed three times under whatever `play` puts on stage; it calls `kill` when everybody speaks. */
export async function killingPostgres(
  t: Test,
  seed: number,
  play: (extra: Record<string, unknown>, kill: (gone?: () => Promise<void>) => Promise<void>) => Promise<void>,
): Promise<void> {
  const server = await openServer()
  t.teardown(() => server.close())
  if (server.process === null) return t.comment('the server given by its URL is not ours to kill')
  await play({ database: { url: await server.createDatabase() } }, async (gone = async () => {}) => {
    const random = seeded(seed)
    for (let kill = 0; kill < 3; kill++) {
      await delay(300 + random() * 600)
      const exited = new Promise((resolve) => server.process?.once('exit', resolve))
      server.process?.kill('SIGKILL')
      await exited
      await gone()
      await server.restart()
    }
  })
}
