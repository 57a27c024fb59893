import { createHmac } from 'node:crypto'
import type { CallPayload, FormPayload } from '../adapters/platform/payload-shapes.ts'

/** A call centre that posts its calls and forms, signed as Standard Webhooks sign, and sends again until it is told 2xx. */
export class SimulatedCallCentre {
  readonly #url: string
  readonly #key: Buffer
  /** What was acknowledged, by the call's id or the form's number. */
  readonly acknowledged = new Set<string>()
  /** Answers other than 2xx, and lines that were cut. */
  refusals = 0
  #sent = 0

  /** `url`: http://gateway/ingest/<name>; `secret`: whsec_… */
  constructor(url: string, secret: string) {
    this.#url = url
    this.#key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  }

  /** One call, or several in one request. */
  calls(...calls: readonly CallPayload[]): Promise<void> {
    return this.#post('/calls', calls, (call) => String(call.call))
  }

  form(form: FormPayload): Promise<void> {
    return this.#post('/forms', [form], ({ number, call }) => String(number ?? call))
  }

  async #post<Payload>(path: string, payloads: readonly Payload[], nameOf: (one: Payload) => string): Promise<void> {
    const body = JSON.stringify(payloads.length === 1 ? payloads[0] : payloads)
    const id = `cc-${++this.#sent}-${payloads.map(nameOf).join('-').slice(0, 60)}`
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      if (await this.#attempt(path, body, id)) {
        for (const one of payloads) this.acknowledged.add(nameOf(one))
        return
      }
      this.refusals++
      await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 50 * attempt)))
    }
    throw new Error(`${id} was never acknowledged`)
  }

  async #attempt(path: string, body: string, id: string): Promise<boolean> {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const mac = createHmac('sha256', this.#key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${mac}`,
    }
    try {
      const answer = await fetch(`${this.#url}${path}`, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(20_000),
      })
      await answer.arrayBuffer()
      return answer.ok
    } catch {
      return false
    }
  }
}

const mostAttempts = 200
