import type { Adapter, AdapterContext, AdapterKind } from '../../gateway/adapter.ts'
import { EslLink } from './esl-link.ts'
import { decodeEsl } from './esl-report.ts'
import { type EslOptions, eslOptions } from './options.ts'

/** `kind: freeswitch-esl`: live events of one FreeSWITCH, as it happens to send them. Records of calls come by CDR. */
export const freeswitchEsl: AdapterKind<EslOptions> = {
  kind: 'freeswitch-esl',
  channel: 'call',
  options: eslOptions,
  decode: decodeEsl,
  exclusive: () => true,
  create: (options, context) => new EslClient(options, context),
}

/** Connects once: when the link is lost the supervisor starts it again. */
class EslClient implements Adapter {
  readonly #options: EslOptions
  readonly #context: AdapterContext
  #link: EslLink | null = null

  constructor(options: EslOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    const link = new EslLink(this.#options, this.#context)
    this.#link = link
    await link.open()
    this.#context.report({ state: 'connected', to: `esl://${host}:${port}` })
    void link.closed.then((reason) => {
      if (this.#link === link) this.#context.report({ state: 'down', reason })
    })
  }

  async stop(): Promise<void> {
    const link = this.#link
    this.#link = null
    link?.close('the gateway is stopping')
    await link?.settled()
    if (link !== null) this.#context.report({ state: 'stopped' })
  }
}
