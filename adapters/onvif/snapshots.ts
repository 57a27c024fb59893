import type { Errand, Inbound } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { within } from './deadline.ts'
import type { Device } from './device.ts'
import type { SnapshotOptions } from './device-options.ts'
import { type Profile, profilesIn, requests, snapshotUriIn } from './operations.ts'
import { type Picture, readPicture } from './picture.ts'

/** Pictures of one device: whose profile shows what an alarm is of, where its snapshot lies, and what may be fetched. */
export class Snapshots {
  readonly #device: Device
  readonly #options: SnapshotOptions
  readonly #media: string | null
  #profiles: readonly Profile[] | null = null
  readonly #addresses = new Map<string, URL>()

  /** `media`: the address of the media service; `null`: the device has none. */
  constructor(device: Device, options: SnapshotOptions, media: string | null) {
    this.#device = device
    this.#options = options
    this.#media = media
  }

  /** The picture as a message. Rejects with a `DECODE_` code when it will never be had. */
  take(errand: Errand, stop: AbortSignal): Promise<Inbound> {
    const picture = readPicture(Buffer.from(errand.content).toString('utf8'))
    return within(stop, this.#options.timeout, (signal) => this.#take(errand, picture, signal))
  }

  async #take(errand: Errand, { event, part, tokens }: Picture, signal: AbortSignal): Promise<Inbound> {
    const url = await this.#address(tokens, signal)
    const { maxSize: maxBytes, timeout: withinMs } = this.#options
    const { status, headers, body } = await this.#device.fetch({ url, maxBytes, withinMs }, signal)
    if (status >= 300 && status < 400)
      throw new GatewayError(
        'DECODE_UNFETCHED',
        `${url.host} answers ${status}: a snapshot is fetched where the device says`,
      )
    if (status !== 200) {
      // After its reboot a device may give pictures at another address.
      this.#addresses.clear()
      this.#profiles = null
      throw new GatewayError('LINK_LOST', `${url.host} answers ${status} to a snapshot`)
    }
    if (!sniffed(body, null).startsWith('image/'))
      throw new GatewayError('DECODE_UNSUPPORTED', `${url.host} gives ${body.length} bytes that are no picture`)
    const contentType = headers['content-type']?.slice(0, 100) ?? ''
    const envelope = {
      is: 'picture',
      camera: errand.subject,
      errand: errand.id,
      picture: JSON.stringify({ event, part, tokens }),
    }
    return {
      key: `picture:${errand.id}`,
      raw: body,
      envelope: { ...envelope, ...(contentType !== '' && { contentType }) },
    }
  }

  async #address(tokens: readonly string[], signal: AbortSignal): Promise<URL> {
    if (this.#media === null)
      throw new GatewayError('DECODE_UNSUPPORTED', `${this.#device.origin.host} has no media service`)
    const media = { address: this.#media, parameters: [] }
    this.#profiles ??= profilesIn((await this.#device.ask('GetProfiles', requests.getProfiles(), media, signal)).body)
    const profile = this.#profiles.find(({ names }) => names.some((name) => tokens.includes(name))) ?? this.#profiles[0]
    if (profile === undefined)
      throw new GatewayError('DECODE_UNSUPPORTED', `${this.#device.origin.host} has no media profile`)
    const known = this.#addresses.get(profile.token)
    if (known !== undefined) return known
    const { body } = await this.#device.ask('GetSnapshotUri', requests.getSnapshotUri(profile.token), media, signal)
    const address = this.#allowed(snapshotUriIn(body))
    this.#addresses.set(profile.token, address)
    return address
  }

  #allowed(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : null
    const web = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
    const own = this.#device.origin.hostname
    if (web && (url.hostname === own || this.#options.hosts.some((host) => host.toLowerCase() === url.host))) return url
    const named = url === null ? 'no URL' : `${url.protocol}//${url.host}`
    throw new GatewayError(
      'DECODE_NOT_ALLOWED',
      `no picture is fetched from ${named}, which is neither ${own} nor in snapshots.hosts`,
    )
  }
}
