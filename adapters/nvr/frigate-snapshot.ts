import type { Errand, Inbound } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import { exchange } from '../../gateway/web/http-exchange.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { snapshotMessage } from './frigate-messages.ts'
import type { FrigateOptions } from './frigate-options.ts'

/** Frigate writes the picture when the object is sure or gone; one that is not there after some tries never comes. */
const mostNotFound = 6

/** `GET <api>/api/events/<id>/snapshot.jpg`. Rejects with a `DECODE_` code when it can never be had. */
export async function fetchedSnapshot(errand: Errand, { api }: FrigateOptions, stopped: AbortSignal): Promise<Inbound> {
  const id = Buffer.from(errand.content).toString('utf8')
  if (api === null) throw new GatewayError('DECODE_UNFETCHED', 'frigate: no api is configured')
  if (!/^\w[\w.-]*$/.test(id)) throw new GatewayError('DECODE_NOT_ALLOWED', `frigate: ${quote(id)} is no event's id`)
  const url = new URL(api.url)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/events/${id}/snapshot.jpg`
  const { status, body } = await exchange({
    url,
    method: 'GET',
    headers: { accept: 'image/*', ...(api.token !== null && { authorization: `Bearer ${api.token.reveal()}` }) },
    body: null,
    maxBytes: api.maxSize,
    idleMs: api.timeout,
    // The one host that is asked is the operator's own.
    privateAddresses: 'allowed',
    signal: AbortSignal.any([stopped, AbortSignal.timeout(api.timeout)]),
  })
  if (status === 404 && errand.attempt >= mostNotFound)
    throw new GatewayError('DECODE_UNFETCHED', `frigate: no picture of ${quote(id)}`)
  if (status !== 200) throw new GatewayError('LINK_LOST', `${url.host}: HTTP ${status} for the picture of ${quote(id)}`)
  const type = sniffed(body, null)
  if (!type.startsWith('image/'))
    throw new GatewayError('DECODE_UNFETCHED', `frigate: ${body.length} bytes are no picture`)
  return snapshotMessage(errand.subject, errand.id, body)
}
