import type { Errand, Inbound } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { snapshotMessage } from './alert-messages.ts'
import { getFromDevice } from './device-request.ts'
import type { StreamOptions } from './options.ts'

/** Pictures that an alarm names by an address (`bkgUrl`) lie on the device itself; nothing else is asked. */
export async function fetchedPicture(errand: Errand, options: StreamOptions, stopped: AbortSignal): Promise<Inbound> {
  const address = Buffer.from(errand.content).toString('utf8')
  const device = new URL(options.url)
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || url.host !== device.host || url.protocol !== device.protocol || url.username !== '')
    throw new GatewayError('DECODE_NOT_ALLOWED', `ISAPI: the picture ${quote(address)} is not on ${device.host}`)
  const ended = new AbortController()
  const signal = AbortSignal.any([stopped, ended.signal, AbortSignal.timeout(options.idle)])
  try {
    const response = await getFromDevice(url, options, signal)
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > options.maxPart)
        throw new GatewayError('DECODE_TOO_LARGE', `ISAPI: a picture of more than ${options.maxPart} bytes`)
      chunks.push(chunk)
    }
    const bytes = Buffer.concat(chunks)
    const type = response.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? null
    if (!sniffed(bytes, type).startsWith('image/'))
      throw new GatewayError('DECODE_UNFETCHED', `ISAPI: ${quote(type ?? '')} of ${size} bytes is no picture`)
    return snapshotMessage(errand.subject, errand.id, type, bytes)
  } catch (error) {
    throw error instanceof GatewayError ? error : new GatewayError('LINK_LOST', `${url.host}: ${describe(error)}`)
  } finally {
    ended.abort()
  }
}
