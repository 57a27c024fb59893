import { GatewayError } from '../../gateway/errors.ts'
import { type Answer, exchange } from '../../gateway/web/http-exchange.ts'
import { messageType } from './mms-fields.ts'
import { messageTypeOf, readRetrieveConf } from './mms-pdu.ts'
import { isAllowed, type RetrieverOptions } from './retriever-options.ts'
import { mmsMessage } from './wsp-names.ts'

/** Fetching from an MMSC: where, how often redirected, and what an answer means. */

const mostRedirects = 3
/** Statuses that say that asking again is no use (RFC 9110, 15.5); 401 and 403 are said of the path to the centre, and pass. */
const gone = new Set([400, 404, 410, 414, 451])

/**
 * The m-retrieve-conf. Rejects with a `DECODE_` code when it will never be had, with any other when it may be had later.
 */
export async function retrieve(location: string, options: RetrieverOptions, signal: AbortSignal): Promise<Uint8Array> {
  let url = allowedUrl(location, options)
  // One limit for all redirects: an errand is claimed for three minutes (gateway/store/errands.ts), which fetch and answer share.
  const within = AbortSignal.any([signal, AbortSignal.timeout(options.timeout)])
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await exchange({ ...request(options, within), url, method: 'GET', body: null })
    const next = redirection(answer)
    if (next === null) return messageIn(answer, url)
    if (!URL.canParse(next, url.href)) throw new GatewayError('DECODE_NOT_ALLOWED', `${url.host} redirects to no URL`)
    url = allowedUrl(new URL(next, url).href, options)
  }
  throw new GatewayError('LINK_LOST', `${url.host} redirects more than ${mostRedirects} times`)
}

/** Throws DECODE_NOT_ALLOWED for a URL whose host is not listed. */
export function allowedUrl(text: string, { hosts }: RetrieverOptions): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && isAllowed(url, hosts)) return url
  const named = url === null ? 'no URL' : `${url.protocol}//${url.host}`
  throw new GatewayError('DECODE_NOT_ALLOWED', `nothing is fetched from ${named}, which is not in hosts`)
}

function redirection({ status, headers }: Answer): string | null {
  return [301, 302, 303, 307, 308].includes(status) ? (headers.location ?? null) : null
}

function messageIn({ status, body }: Answer, url: URL): Uint8Array {
  if (gone.has(status)) throw new GatewayError('DECODE_UNFETCHED', `${url.host} answers ${status}`)
  if (status !== 200) throw new GatewayError('LINK_LOST', `${url.host} answers ${status}`)
  // A login page of a network that is not the carrier's, or an answer cut to nothing.
  if (messageTypeOf(body) !== messageType.retrieveConf)
    throw new GatewayError('LINK_LOST', `${url.host} answers ${body.length} bytes that are no m-retrieve-conf`)
  const retrieveStatus = retrieveStatusOf(body)
  if (retrieveStatus === 0) return body
  const said = `${url.host} answers retrieve status ${retrieveStatus + 128}`
  if (retrieveStatus >= firstPermanent) throw new GatewayError('DECODE_UNFETCHED', said)
  throw new GatewayError('LINK_LOST', said)
}

/** 224 less 128 (OMA-TS-MMS_ENC, 7.2.40). */
const firstPermanent = 96

/** Of one that cannot be read the bytes are kept, and `decode` says what is wrong with them. */
function retrieveStatusOf(body: Uint8Array): number {
  try {
    return readRetrieveConf(body).retrieveStatus
  } catch (error) {
    if (error instanceof GatewayError) return 0
    throw error
  }
}

/** Posts an m-notifyresp-ind. Rejects when the centre may not have it; what it answers below 500 is its last word. */
export async function respond(
  pdu: Uint8Array,
  url: URL,
  options: RetrieverOptions,
  signal: AbortSignal,
): Promise<void> {
  const asked = request(options, AbortSignal.any([signal, AbortSignal.timeout(options.timeout)]))
  const headers = { ...asked.headers, 'content-type': mmsMessage }
  const { status } = await exchange({ ...asked, headers, url, method: 'POST', body: pdu })
  if (status >= 500) throw new GatewayError('LINK_LOST', `${url.host} answers m-notifyresp-ind with ${status}`)
}

function request(options: RetrieverOptions, signal: AbortSignal) {
  const { userAgent, profile, maxSize, idle, privateAddresses } = options
  return {
    headers: {
      accept: `${mmsMessage}, */*`,
      'user-agent': userAgent,
      ...(profile !== 'none' && { 'x-wap-profile': profile }),
    },
    maxBytes: maxSize,
    idleMs: idle,
    privateAddresses,
    signal,
  }
}
