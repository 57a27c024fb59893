import { createHash, createHmac } from 'node:crypto'
import { describe, quote } from '../errors.ts'
import type { Claimed } from './outbox.ts'

/** What a destination's answer means for the events that were sent. */
export type Answer =
  | { readonly meaning: 'taken' }
  | { readonly meaning: 'refused'; readonly why: string }
  | { readonly meaning: 'later'; readonly why: string; readonly afterMs: number | null }

export interface Endpoint {
  readonly url: string
  /** The key behind `whsec_`. */
  readonly key: Uint8Array
  readonly timeoutMs: number
}

/** How long the rest of an answer is listened to once its status is known, in milliseconds. */
const tailMs = 1000

/** POSTs a CloudEvents 1.0 JSON batch, signed as Standard Webhooks sign. Never rejects: an error is an answer too. */
export async function deliver(events: readonly Claimed[], endpoint: Endpoint, signal: AbortSignal): Promise<Answer> {
  const body = `[${events.map((event) => event.body).join(',')}]`
  const line = new AbortController()
  const stopped = () => line.abort(new Error('cut off by the stop of the gateway'))
  const late = () => line.abort(new Error(`no answer within ${endpoint.timeoutMs} ms`))
  let timer = setTimeout(late, endpoint.timeoutMs)
  // By hand rather than AbortSignal.any: that one leaves something behind at the long-lived signal with every request.
  signal.addEventListener('abort', stopped)
  try {
    signal.throwIfAborted()
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents-batch+json; charset=utf-8',
        ...signature(batchId(events), Math.floor(Date.now() / 1000), body, endpoint.key),
      },
      body,
      // A redirect would carry the events to a host that nobody configured.
      redirect: 'manual',
      signal: line.signal,
    })
    // The status is the answer. A text that never ends must neither hold the lane nor turn a 2xx into a failure.
    clearTimeout(timer)
    timer = setTimeout(late, Math.min(tailMs, endpoint.timeoutMs))
    return read(response.status, response.headers.get('retry-after'), await firstOf(response))
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${describe(error.cause)}` : ''
    return { meaning: 'later', why: `${describe(error)}${cause}`, afterMs: null }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stopped)
    // Without effect after the whole answer was read, and the end of a connection that still talks.
    line.abort()
  }
}

/** The same events sent again carry the same `webhook-id`. */
export function batchId(events: readonly Claimed[]): string {
  const hash = createHash('sha256')
  for (const { eventId } of events) hash.update(eventId)
  return `batch_${hash.digest('hex').slice(0, 32)}`
}

/** Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, base64, with the version before it. */
export function signature(id: string, timestampS: number, body: string, key: Uint8Array): Record<string, string> {
  const mac = createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': `v1,${mac}` }
}

// 408, 425, 429 ask for patience. 401, 403, 404, 405 and 407 speak of the gateway's secret or the endpoint, never of an
// event: taken as final, a mistyped path would turn the whole outbox into dead letters within minutes.
const retried = new Set([401, 403, 404, 405, 407, 408, 425, 429])

/** 2xx settles; 5xx, redirects (which are not followed) and those above wait; any other 4xx is final. */
export function read(status: number, retryAfter: string | null, text: string): Answer {
  if (status >= 200 && status < 300) return { meaning: 'taken' }
  const why = text === '' ? `HTTP ${status}` : `HTTP ${status} ${quote(text, 200)}`
  if (status >= 400 && status < 500 && !retried.has(status)) return { meaning: 'refused', why }
  return { meaning: 'later', why, afterMs: retryAfterMs(retryAfter, Date.now()) }
}

/** A timer that is asked for more than 24.8 days fires at once; and nobody means a wait of years. */
const longestWaitMs = 86_400_000

/** RFC 9110, 10.2.3: seconds or a date; a day at most. `null` when absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(ms) ? null : Math.min(longestWaitMs, Math.max(0, ms))
}

/** The beginning of an answer's text, for the reason of a refusal; what follows is read away so the connection lives on. */
async function firstOf({ body }: Response): Promise<string> {
  if (body === null) return ''
  const limit = 200
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (text.length < limit) text += decoder.decode(chunk, { stream: true })
      length += chunk.length
      if (length > 1_000_000) break
    }
  } catch {
    // The line broke behind the status: what there is of the text will do.
  }
  return text.slice(0, limit).trim()
}
