import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { onvifNotify } from '../adapters/onvif/notify.ts'
import { onvifPull } from '../adapters/onvif/pull-point.ts'
import type { Adapter, AdapterContext, AdapterKind, Errand, Link } from '../gateway/adapter.ts'
import { describe } from '../gateway/errors.ts'
import type { AlarmReport } from '../gateway/report.ts'
import { type CameraHabits, SimulatedCamera } from '../simulators/onvif-camera.ts'
import { ModelIntake } from './contract.ts'

/** A camera, an adapter on a model intake, and a supervisor that starts it again at once. */
export class CameraStage {
  readonly camera: SimulatedCamera
  readonly intake: ModelIntake
  readonly adapter: Adapter
  readonly refused: string[] = []
  /** Of dead letters. */
  readonly reasons: string[] = []
  starts = 0
  #supervising = true

  private constructor(
    camera: SimulatedCamera,
    kind: AdapterKind<never>,
    options: unknown,
    http: AdapterContext['http'],
  ) {
    this.camera = camera
    this.intake = new ModelIntake((message) => {
      try {
        return kind.decode(message, options as never)
      } catch (error) {
        this.reasons.push(describe(error))
        throw error
      }
    })
    this.adapter = kind.create(options as never, {
      name: 'camera',
      http,
      log: pino({ level: 'silent' }),
      accept: (message) => this.intake.accept(message),
      arrived: () => {},
      refused: (reason) => {
        this.refused.push(reason)
        this.intake.note()
      },
      report: (link) => {
        this.intake.links.push(link)
        this.intake.note()
        if (link.state === 'down' && this.#supervising) void this.#again()
      },
    })
  }

  static async pull(
    t: Test,
    habits: Partial<CameraHabits> = {},
    more: Record<string, unknown> = {},
  ): Promise<CameraStage> {
    const camera = new SimulatedCamera(habits)
    const url = await camera.start()
    const login = habits.username ? { username: habits.username, password: habits.password ?? '' } : {}
    const options = onvifPull.options.parse({ camera: 'c-017', url, poll: '2s', answerWithin: '2s', ...login, ...more })
    const stage = new CameraStage(camera, onvifPull as unknown as AdapterKind<never>, options, Fastify())
    t.teardown(() => stage.#close())
    return stage
  }

  static async notify(
    t: Test,
    habits: Partial<CameraHabits> = {},
    more: Record<string, unknown> = {},
  ): Promise<CameraStage> {
    const camera = new SimulatedCamera(habits)
    const url = await camera.start()
    const app = Fastify()
    const made: CameraStage[] = []
    // The port must be known before the options are: something listens on it until the gateway's server does.
    const port = await freePort()
    const subscribe = { url, consumer: `http://127.0.0.1:${port}`, answerWithin: '2s', ...more }
    const options = onvifNotify.options.parse({ camera: 'c-018', key: 'sesame', subscribe })
    await app.register(
      async (scope) =>
        void made.push(new CameraStage(camera, onvifNotify as unknown as AdapterKind<never>, options, scope)),
      { prefix: '/ingest/camera' },
    )
    await app.listen({ host: '127.0.0.1', port })
    const [stage] = made
    if (stage === undefined) throw new Error('the stage was not made')
    t.teardown(async () => {
      await stage.#close()
      await app.close()
    })
    return stage
  }

  async start(): Promise<void> {
    this.starts++
    await this.adapter.start()
  }

  get links(): readonly Link[] {
    return this.intake.links
  }

  get alarms(): AlarmReport[] {
    return [...this.intake.stored.values()].flat().filter((report) => report.kind === 'alarm')
  }

  /** `began`, `ended` …, in the order they were stored. */
  get phases(): string[] {
    return this.alarms.map(({ phase }) => phase)
  }

  get downs(): string[] {
    return this.links.flatMap((link) => (link.state === 'down' ? [link.reason] : []))
  }

  until(what: string, holds: () => boolean): Promise<void> {
    return this.intake.until(what, holds)
  }

  errand(snapshot: string | null | undefined, id = 'e-1'): Errand {
    return { id, subject: 'c-017', content: Buffer.from(snapshot ?? ''), receivedAt: new Date(), attempt: 1 }
  }

  async #again(): Promise<void> {
    await this.adapter.stop()
    for (let attempt = 0; attempt < 100 && this.#supervising; attempt++) {
      try {
        return await this.start()
      } catch {
        await new Promise<void>((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async #close(): Promise<void> {
    this.#supervising = false
    this.intake.letGo()
    await this.adapter.stop()
    await this.camera.stop()
  }
}

async function freePort(): Promise<number> {
  const app = Fastify()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  await app.close()
  return port
}
