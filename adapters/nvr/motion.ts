import type { Adapter, AdapterContext, AdapterKind } from '../../gateway/adapter.ts'
import { Webhook } from '../../gateway/web/webhook.ts'
import { decodeMotion, motionInbound } from './motion-messages.ts'
import { type MotionOptions, motionOptions } from './motion-options.ts'

/** `kind: nvr-motion`: what motion's hooks post to /ingest/<name>, pictures as they are. */
export const nvrMotion: AdapterKind<MotionOptions> = {
  kind: 'nvr-motion',
  channel: 'video',
  options: motionOptions,
  decode: decodeMotion,
  create: (options, context) => new MotionListener(options, context),
}

export class MotionListener implements Adapter {
  readonly #webhook: Webhook

  constructor(options: MotionOptions, context: AdapterContext) {
    const routes = (['GET', 'POST'] as const).map((method) => ({ method, path: '/', inbound: motionInbound }))
    this.#webhook = new Webhook(context, options, routes, (message) => decodeMotion(message, options))
  }

  async start(): Promise<void> {
    this.#webhook.open()
  }

  stop(): Promise<void> {
    return this.#webhook.close()
  }
}
