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

/** POSTs a CloudEvents 1.0 JSON batch, signed as Standard Webhooks sign. Never rejects: an error is an answer too. */
export async function deliver(events: readonly Claimed[], endpoint: Endpoint, signal: AbortSignal): Promise<Answer> {
  const body = `[${events.map((event) => event.body).join(',')}]`
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents-batch+json; charset=utf-8',
        ...signature(batchId(events), Math.floor(Date.now() / 1000), body, endpoint.key),
      },
      body,
      // A redirect would carry the events to a host that nobody configured.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(endpoint.timeoutMs)]),
    })
    const text = await firstOf(response)
    return read(response.status, response.headers.get('retry-after'), text)
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${describe(error.cause)}` : ''
    return { meaning: 'later', why: `${describe(error)}${cause}`, afterMs: null }
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

const retried = new Set([408, 425, 429])

/** 2xx settles; 408, 425, 429 and 5xx (and redirects, which are not followed) wait; any other 4xx is final. */
export function read(status: number, retryAfter: string | null, text: string): Answer {
  if (status >= 200 && status < 300) return { meaning: 'taken' }
  const why = text === '' ? `HTTP ${status}` : `HTTP ${status} ${quote(text, 200)}`
  if (status >= 400 && status < 500 && !retried.has(status)) return { meaning: 'refused', why }
  return { meaning: 'later', why, afterMs: retryAfterMs(retryAfter, Date.now()) }
}

/** RFC 9110, 10.2.3: seconds or a date. `null` when absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}

/** The beginning of an answer's text, for the reason of a refusal; the rest is read away so the connection lives on. */
async function firstOf(response: Response): Promise<string> {
  const limit = 200
  let text = ''
  let read = 0
  const decoder = new TextDecoder()
  if (response.body === null) return text
  for await (const chunk of response.body) {
    if (text.length < limit) text += decoder.decode(chunk as Uint8Array, { stream: true })
    read += (chunk as Uint8Array).length
    if (read > 1_000_000) break
  }
  return text.slice(0, limit).trim()
}
