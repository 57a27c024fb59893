import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import sharp from 'sharp'
import { SimulatedCamera as HikvisionCamera } from './hikvision-camera.ts'
import { Waters } from './modbus-waters.ts'
import { SimulatedMotion } from './nvr-motion.ts'
import { SimulatedCamera as OnvifCamera } from './onvif-camera.ts'
import { seeded } from './seeded.ts'

/** Water gauges of the example city, by the unit that reads them. The last one is dead. */
const gauges = ['s-001', 's-005', 's-009', 's-013', 's-017', 's-021'] as const
const channels = { '1': 'c-011', '2': 'c-012', '3': 'c-013' } as const
const [onvifCamera, yardCamera] = ['c-021', 'c-031'] as const
/** Milliseconds between two looks at the world. */
const stepMs = 400

/** What watches the city without people: an ONVIF camera, a Hikvision recorder, motion's hooks, a plant of water gauges. */
export class Watchers {
  readonly #password = randomBytes(9).toString('base64url')
  readonly #onvif = new OnvifCamera({ username: 'gateway', password: this.#password })
  readonly #recorder = new HikvisionCamera({ username: 'gateway', password: this.#password, offset: '-8:00' })
  readonly #waters = new Waters({ units: gauges.map((_, i) => i + 1), meanM: 2.6 })
  readonly #random: () => number
  readonly #over = new AbortController()
  #working: Promise<unknown> = Promise.resolve()
  #signals = 0

  constructor(seed: number) {
    this.#random = seeded(seed + 20)
  }

  /** Opens the devices; the blocks of the adapters that speak with them. */
  async open(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const [password, username] = [this.#password, 'gateway']
    const url = await this.#onvif.start()
    const recorder = await this.#recorder.start()
    const port = await this.#waters.plant.listen()
    this.#waters.fault(gauges.length, { is: 'dead' })
    const units = gauges.map((sensor, i) => ({ unit: i + 1, sensor, map, every: '1s' }))
    return [
      { name: 'onvif', kind: 'onvif-pull', url, username, password, camera: onvifCamera, poll: '5s' },
      { name: 'recorder', kind: 'hikvision-stream', url: recorder, username, password, cameras: channels },
      { name: 'yard', kind: 'nvr-motion', key: password, cameras: { '7': yardCamera } },
      { name: 'water', kind: 'modbus', transport: 'tcp', host: '127.0.0.1', port, timeout: '300ms', units },
    ]
  }

  /** Signals of cameras so far. */
  get signals(): number {
    return this.#signals
  }

  /** From now on things happen, until `hush`. */
  watch(gateway: string): void {
    this.#working = this.#watchOn(new SimulatedMotion(`${gateway}/ingest/yard`, this.#password))
  }

  async hush(): Promise<void> {
    this.#over.abort()
    await this.#working
  }

  async close(): Promise<void> {
    await this.hush()
    await Promise.all([this.#onvif.stop(), this.#recorder.stop(), this.#waters.plant.close()])
  }

  async #watchOn(motion: SimulatedMotion): Promise<void> {
    const { signal } = this.#over
    const picture = await sharp({
      create: { width: 320, height: 240, channels: 3, background: { r: 90, g: 120, b: 60 } },
    })
      .jpeg()
      .toBuffer()
    // The storm is short here: it rises in a third of a minute.
    this.#waters.storm(2, 40, 1.4)
    const began = Date.now()
    for (let step = 0; !signal.aborted; step++) {
      this.#waters.advance((Date.now() - began) / 1000)
      this.#happen(step, picture)
      // Somebody walks through the yard now and then.
      if (step % 20 === 5) {
        this.#signals++
        await motion.event('7', picture).catch(() => {})
      }
      await delay(stepMs, undefined, { signal }).catch(() => {})
    }
  }

  /** A fire at the recorder's second channel goes on; elsewhere things move. */
  #happen(step: number, picture: Buffer): void {
    const channel = String(1 + Math.floor(this.#random() * 3))
    if (step % 3 === 0) {
      this.#signals++
      this.#recorder.say({ channel, eventType: 'VMD', eventState: 'active', postCount: 1 })
    }
    if (step >= 5 && step % 4 === 1) {
      this.#signals++
      const postCount = Math.ceil(step / 4)
      const fire = { channel: '2', eventType: 'smoke', eventState: 'active', postCount } as const
      this.#recorder.say(fire, step === 5 ? [picture] : [])
    }
    if (step % 10 === 0) {
      this.#signals++
      this.#onvif.motion(step % 20 === 0)
    }
  }
}

/** As config/maps/water-level.yaml has it, but quicker to cry: a demonstration is short. */
const map = {
  points: [
    {
      point: 'level',
      function: 'holding',
      address: 0,
      type: 's16',
      scale: 0.01,
      unit: 'm',
      deadband: 0.02,
      range: { low: -1, high: 10 },
      alarms: [
        { event: 'high', above: 3, hysteresis: 0.1 },
        { event: 'very-high', above: 3.5, hysteresis: 0.1 },
      ],
      silentAfter: '5s',
    },
    { point: 'flow', function: 'input', address: 10, type: 'f32', order: 'cdab', unit: 'm3/s', deadband: 0.5 },
  ],
} as const
