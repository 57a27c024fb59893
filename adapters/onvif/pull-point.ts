import { z } from 'zod'
import { duration } from '../../config/fields.ts'
import type { Adapter, AdapterContext, AdapterKind, Errand, Inbound } from '../../gateway/adapter.ts'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { Device } from './device.ts'
import { cameraFields, deviceFields, loginGiven, loginProblem } from './device-options.ts'
import { ns } from './names.ts'
import { PullLoop } from './pull-loop.ts'
import { decode } from './reports.ts'
import { Snapshots } from './snapshots.ts'

const pullOptions = z
  .strictObject({
    ...cameraFields,
    ...deviceFields,
    /** How long the device may hold an answer while nothing happens. */
    poll: duration({ least: '100ms', most: '5m' }).prefault('30s'),
    /** Notifications in one answer. */
    limit: z.number().int().min(1).max(1000).default(100),
  })
  .refine(loginGiven, loginProblem)

export type PullPointOptions = z.infer<typeof pullOptions>

/** `kind: onvif-pull`: alarms of one ONVIF camera or recorder are pulled from a subscription. One gateway does it at a time. */
export const onvifPull: AdapterKind<PullPointOptions> = {
  kind: 'onvif-pull',
  channel: 'video',
  options: pullOptions,
  decode,
  exclusive: () => true,
  create: (options, context) => new PullPoint(options, context),
}

interface Session {
  readonly stop: AbortController
  loop: PullLoop | null
  running: Promise<void>
  snapshots: Snapshots | null
}

export class PullPoint implements Adapter {
  readonly #options: PullPointOptions
  readonly #context: AdapterContext
  readonly #device: Device
  readonly #performing = new Set<Promise<unknown>>()
  #session: Session | null = null
  /**
   * PullMessages has no acknowledgement: what was pulled is gone from the device. What could not be stored waits here for
   * the next start, and nothing new is pulled before it is stored.
   */
  #held: readonly Inbound[] = []

  constructor(options: PullPointOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
    this.#device = new Device(options)
  }

  async start(): Promise<void> {
    const session: Session = { stop: new AbortController(), loop: null, running: Promise.resolve(), snapshots: null }
    this.#session = session
    const { signal } = session.stop
    await this.#store(this.#held)
    const services = await this.#device.meet(signal)
    const address = services.get(ns.events)
    if (address === undefined)
      throw new GatewayError('LINK_CONNECT', `${this.#device.origin.host} has no event service`)
    const { snapshots } = this.#options
    const media = services.get(ns.media) ?? null
    session.snapshots = snapshots === 'off' ? null : new Snapshots(this.#device, snapshots, media)
    const loop = await PullLoop.open(
      {
        device: this.#device,
        options: this.#options,
        context: this.#context,
        events: { address, parameters: [] },
        store: (messages) => this.#store(messages),
      },
      signal,
    )
    session.loop = loop
    this.#context.report({ state: 'connected', to: this.#device.origin.host })
    session.running = loop.run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#context.report({ state: 'down', reason: describe(error) })
    })
  }

  async stop(): Promise<void> {
    const session = this.#session
    this.#session = null
    if (session === null) return
    session.stop.abort()
    await Promise.allSettled([session.running, ...this.#performing])
    const problem = (await session.loop?.close()) ?? null
    if (problem !== null) this.#context.log.debug({ problem }, 'subscription was left to the device')
    this.#context.report({ state: 'stopped' })
  }

  async perform(errand: Errand): Promise<void> {
    const session = this.#session
    if (session === null) throw new GatewayError('LINK_LOST', 'the link to the camera is down')
    if (session.snapshots === null) throw new GatewayError('DECODE_NOT_ALLOWED', 'snapshots: off')
    const taking = session.snapshots.take(errand, session.stop.signal).then((message) => this.#context.accept(message))
    this.#performing.add(taking)
    try {
      await taking
    } finally {
      this.#performing.delete(taking)
    }
  }

  async #store(messages: readonly Inbound[]): Promise<void> {
    const settled = await Promise.allSettled(messages.map((message) => this.#context.accept(message)))
    this.#held = messages.filter((_, i) => settled[i]?.status === 'rejected')
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed === undefined) return
    this.#context.log.warn({ held: this.#held.length }, 'alarms that were pulled wait to be stored')
    throw failed.reason
  }
}
