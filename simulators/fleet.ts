import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { City, Point, Subject } from '../gateway/city/city.ts'
import { along, beatOf, fixAt, reportAt } from './city-life.ts'
import { Handheld } from './mqtt-handheld.ts'
import { NmeaSource } from './nmea-source.ts'
import { routeEpochs } from './nmea-vehicle.ts'
import { seeded } from './seeded.ts'

export interface FleetSize {
  readonly handhelds: number
  readonly vehicles: number
  readonly seed: number
}

/** A collector's pace: a position every five seconds, a report a minute. Vehicles say where they are every second. */
const positionEveryMs = 5000
const reportShare = 1 / 12

/** The city's collectors and vehicles, out in the streets. */
export class Fleet {
  readonly #city: City
  readonly #size: FleetSize
  readonly #collectors: readonly Subject[]
  readonly #vehicles: readonly Subject[]
  readonly #handhelds: Handheld[] = []
  readonly #sources: NmeaSource[] = []
  readonly #over = new AbortController()
  readonly #reports: { readonly handheld: Handheld; readonly number: string }[] = []
  #walking: Promise<unknown> = Promise.resolve()

  constructor(city: City, size: FleetSize) {
    this.#city = city
    this.#size = size
    // Everybody in the streets rests on this one signal.
    setMaxListeners(0, this.#over.signal)
    this.#collectors = city.subjects.filter(({ kind }) => kind === 'collector').slice(0, size.handhelds)
    this.#vehicles = city.subjects.filter(({ kind }) => kind === 'vehicle').slice(0, size.vehicles)
  }

  credentials(): { name: string; password: string }[] {
    return this.#collectors.map(({ id }) => ({ name: id, password: `demo ${id}` }))
  }

  get connected(): number {
    return this.#handhelds.length + this.#sources.length
  }

  async start(mqttPort: number, nmeaPort: number): Promise<void> {
    const { seed } = this.#size
    const url = `mqtt://127.0.0.1:${mqttPort}`
    const walks: Promise<void>[] = []
    const out = async (collector: Subject, i: number) => {
      const random = seeded(seed * 10_000 + i)
      const handheld = new Handheld({
        url,
        device: collector.id,
        password: `demo ${collector.id}`,
        run: `demo${seed}`,
        // A bad day in the field: some positions lost, some sent twice, a clock that is off by up to two seconds.
        troubles: {
          seed: seed * 10_000 + i,
          lossRate: 0.01,
          duplicateRate: 0.02,
          maxDelayMs: 200,
          clockSkewMs: (random() - 0.5) * 4000,
        },
      })
      await handheld.start()
      this.#handhelds.push(handheld)
      walks.push(this.#walk(handheld, beatOf(collector, this.#city), random))
    }
    const together = 50
    for (let first = 0; first < this.#collectors.length; first += together) {
      await Promise.all(this.#collectors.slice(first, first + together).map((one, i) => out(one, first + i)))
    }
    await Promise.all(this.#vehicles.map((vehicle, i) => this.#drive(vehicle, nmeaPort, seed * 1000 + i)))
    this.#walking = Promise.all(walks)
  }

  async #walk(handheld: Handheld, beat: readonly Point[], random: () => number): Promise<void> {
    const { signal } = this.#over
    const rest = (ms: number) => delay(ms, undefined, { signal }).catch(() => {})
    await rest(random() * positionEveryMs)
    for (const place of along(beat, 7)) {
      if (signal.aborted) return
      await handheld.position(fixAt(place, random), 50 + Math.round(random() * 50))
      if (random() < reportShare && !signal.aborted)
        this.#reports.push({ handheld, number: await handheld.report(reportAt(place, random)) })
      await rest(positionEveryMs)
    }
  }

  async #drive(vehicle: Subject, port: number, seed: number): Promise<void> {
    const route = vehicle.routeId === null ? null : this.#city.route(vehicle.routeId)
    if (route === null) return
    const speedKmh = 18
    const points = along(route.line, speedKmh / 3.6)
    const source = new NmeaSource({
      target: { transport: 'tcp', host: '127.0.0.1', port, hello: vehicle.id },
      epochs: routeEpochs(points, { start: new Date(), intervalMs: 1000, speedKmh }),
      speed: 1,
      seed,
      loss: 0.01,
      duplication: 0.01,
    })
    await source.start()
    this.#sources.push(source)
  }

  /** Nobody says anything new; what was said is acknowledged or not when this resolves. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#walking
    await Promise.all(this.#sources.map((source) => source.stop()))
    await Promise.all(this.#handhelds.map((handheld) => handheld.stop()))
  }

  /** Numbers of the reports whose PUBACK came. */
  acknowledgedReports(): string[] {
    return this.#reports
      .filter(({ handheld, number }) => handheld.record.acknowledged.has(number))
      .map(({ number }) => number)
  }
}
