import type { Adapter, AdapterContext, AdapterKind, Errand, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { exchange } from '../../gateway/web/http-exchange.ts'
import { elementsOf } from '../../gateway/web/json-text.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { Webhook } from '../../gateway/web/webhook.ts'
import { alarmReport, type PictureErrand } from './alarm-payload.ts'
import { type AlarmPlatformOptions, alarmPlatformOptions } from './options.ts'
import { inboundOf, utf8Of } from './payload.ts'

/** `kind: platform-alarms`: the police's video platform, mobile cameras, whoever has alarms of cameras, posts them. */
export const platformAlarms = kindOf('platform-alarms', 'video', 'camera')
/** `kind: platform-sensors`: the same for the monitoring of bridges, water, pumps that another department runs. */
export const platformSensors = kindOf('platform-sensors', 'sensor', 'sensor')

function kindOf(kind: string, channel: string, of: 'camera' | 'sensor'): AdapterKind<AlarmPlatformOptions> {
  const decode = (message: Received, options: AlarmPlatformOptions) => decodeAlarms(message, of, options)
  return {
    kind,
    channel,
    options: alarmPlatformOptions,
    decode,
    create: (options, context) => new AlarmPlatform(options, context, (message) => decode(message, options)),
  }
}

function decodeAlarms(message: Received, of: 'camera' | 'sensor', options: AlarmPlatformOptions): Report[] {
  const { picture, device } = message.envelope
  if (picture !== undefined && device !== undefined)
    return [pictureReport(message, of, device, JSON.parse(picture) as PictureErrand)]
  return elementsOf(utf8Of(message), options.maxElements, 'the request', (fields) => [alarmReport(fields, of, options)])
}

/** A picture that was fetched belongs to the alarm that spoke of it. */
function pictureReport(
  { raw }: Received,
  of: 'camera' | 'sensor',
  subject: string,
  { url, event, part, occurrence }: PictureErrand,
): Report {
  const mediaType = sniffed(raw, null)
  const attachment = { name: null, mediaType, claimedType: null, content: raw, sha256: null, url }
  return {
    kind: 'alarm',
    subject,
    deviceTime: null,
    of,
    event,
    part,
    phase: 'going-on',
    occurrence,
    detail: {},
    where: null,
    attachments: [attachment],
    snapshot: null,
  }
}

class AlarmPlatform implements Adapter {
  readonly #options: AlarmPlatformOptions
  readonly #context: AdapterContext
  readonly #webhook: Webhook
  #stopping = new AbortController()

  constructor(options: AlarmPlatformOptions, context: AdapterContext, decode: (message: Received) => Report[]) {
    this.#options = options
    this.#context = context
    const inbound = (delivery: Parameters<typeof inboundOf>[0]) => inboundOf(delivery, {})
    this.#webhook = new Webhook(context, options, [{ method: 'POST', path: '/', inbound }], decode)
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#webhook.open()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#webhook.close()
  }

  /** Fetches the picture of an alarm, from allowed hosts and no further, and stores it as a message of its own. */
  async perform(errand: Errand): Promise<void> {
    const { snapshotHosts, privateAddresses, snapshotSize, snapshotTimeout } = this.#options
    const picture = JSON.parse(Buffer.from(errand.content).toString()) as PictureErrand
    const url = URL.canParse(picture.url) ? new URL(picture.url) : null
    // An address with a password in it would have the gateway log in wherever the sender likes.
    const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
    if (url === null || !plain || !snapshotHosts.includes(url.host))
      throw new GatewayError('DECODE_NOT_ALLOWED', `a picture from ${url?.host ?? 'no address'} is not fetched`)
    const answer = await exchange({
      url,
      method: 'GET',
      headers: { accept: 'image/*' },
      body: null,
      maxBytes: snapshotSize,
      idleMs: snapshotTimeout,
      privateAddresses,
      signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(snapshotTimeout)]),
    })
    if (answer.status !== 200) {
      // Redirects are not followed, and what is not there now will not come.
      const hopeless = answer.status >= 300 && answer.status < 500 && ![408, 425, 429].includes(answer.status)
      throw new GatewayError(hopeless ? 'DECODE_UNFETCHED' : 'LINK_LOST', `${url.host} answers ${answer.status}`)
    }
    if (!sniffed(answer.body, null).startsWith('image/'))
      throw new GatewayError('DECODE_UNSUPPORTED', `${url.host} sends no picture`)
    await this.#context.accept({
      key: `picture ${errand.id}`,
      raw: answer.body,
      envelope: { device: errand.subject, picture: JSON.stringify(picture) },
    })
  }
}
